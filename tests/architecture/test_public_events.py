"""Every fact is told outside under a stable name, or has its excuse; and the page says which."""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from regulars.loyalty.transfers.contracts import TRANSFER_PREFIX
from regulars.members.contracts import IDENTITY_PREFIX, MEMBER_PREFIX
from regulars.members.contracts.consents import CONSENT_PREFIX
from regulars.members.contracts.households import HOUSEHOLD_PREFIX
from regulars.members.contracts.merging import MERGE_PREFIX, PROPOSAL_PREFIX
from regulars.platform.public_events.catalogue import PUBLIC_TYPES, UNTOLD, PublicType
from regulars.platform.public_events.telling import DATA_STRUCTS, field_names, first_sentence
from regulars.web.console.corrections import REQUEST_PREFIX
from tests.architecture.source import ROOT
from tests.architecture.test_events import EventClass, PlantedFact, events

PAGE = ROOT / "docs" / "webhooks.md"
BEGIN = "<!-- types: written by WRITE_DOCS=1 pytest tests/architecture/test_public_events.py -->\n"
END = "<!-- end of types -->"
PREFIXES = {
    "member_id": MEMBER_PREFIX,
    "other_id": MEMBER_PREFIX,
    "into": MEMBER_PREFIX,
    "out_of": MEMBER_PREFIX,
    "identity_id": IDENTITY_PREFIX,
    "consent_id": CONSENT_PREFIX,
    "household_id": HOUSEHOLD_PREFIX,
    "merge_id": MERGE_PREFIX,
    "proposal_id": PROPOSAL_PREFIX,
    "transfer_id": TRANSFER_PREFIX,
    "request_id": REQUEST_PREFIX,
}


def faults(found: Iterable[EventClass], told: Iterable[PublicType], untold: Mapping[Any, str]) -> Iterator[str]:
    told = list(told)
    for event in found:
        names = [public.name for public in told if public.event is event]
        if bool(names) == (event in untold):
            yield f"{event.__name__}: give it a name in PUBLIC_TYPES, or an excuse in UNTOLD"
    for public in told:
        if sum(one.name == public.name for one in told) > 1:
            yield f"{public.name} names two"
    yield from (f"{event.__name__} has no reason" for event, reason in untold.items() if not reason.endswith("."))


def table() -> str:
    lines = ["| type | tells | `data` |", "|---|---|---|"]
    for public in PUBLIC_TYPES:
        names = ", ".join([f"`{name}`" for name in field_names(public)])
        lines.append(f"| `{public.name}` | {first_sentence(public.event).rstrip('.')} | {names} |")
    return "\n".join(lines) + "\n"


def test_every_event_is_told_or_excused() -> None:
    assert list(faults(events(), PUBLIC_TYPES, UNTOLD)) == []


def test_planted_ones_are_caught() -> None:
    public = PublicType("planted.fact", PlantedFact, {})  # type: ignore[arg-type] # no event, which does not matter here
    assert "a name" in next(faults([PlantedFact], [], {}))
    assert "a name" in next(faults([PlantedFact], [public], {PlantedFact: "Reason."}))
    assert "names two" in next(faults([PlantedFact], [public, public], {}))
    assert "no reason" in next(faults([PlantedFact], [], {PlantedFact: ""}))
    assert list(faults([PlantedFact], [public], {})) == []


def test_ids_have_the_prefixes_of_their_rooms() -> None:
    for public in PUBLIC_TYPES:
        there = {name: prefix for name, prefix in public.ids.items() if name in public.event.__struct_fields__}
        assert there == {name: PREFIXES[name] for name in there}, public.name
        assert there.keys() == public.ids.keys(), public.name
    assert len({one.__name__ for one in DATA_STRUCTS}) == len(PUBLIC_TYPES)
    assert all(issubclass(one, Struct) for one in DATA_STRUCTS)


def test_the_page_lists_them() -> None:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    written = before + BEGIN + table() + end + after
    if os.environ.get("WRITE_DOCS"):
        PAGE.write_text(written, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == written, "WRITE_DOCS=1 pytest tests/architecture/test_public_events.py"
