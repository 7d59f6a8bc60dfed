"""A policy as the command line shows it: what became of it, and as the TOML that `regulars configure` takes again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from regulars.entrypoints.commands import to_the_second
from regulars.loyalty import api as loyalty
from regulars.loyalty.drafts.diff import named_in
from regulars.loyalty.drafts.schemas import DraftAnswer, draft_answer
from regulars.loyalty.policy.contracts import Policy, PolicyVersion
from regulars.loyalty.policy.errors import NoActivePolicy, UnknownVersion
from regulars.platform.db.transaction import Transaction

Shown = PolicyVersion | DraftAnswer
_OWN: Final = frozenset({"version", "active_from"})  # a file says neither which number nor, here, from when


async def shown(tx: Transaction, named: str | None) -> Shown:
    """Return a version, a draft, or what is in force.

    Raises UnknownVersion, UnknownDraft (404), NoActivePolicy (409).
    """
    wanted = named_in(named)
    if isinstance(wanted, UUID):
        return draft_answer(await loyalty.read_draft(tx, wanted))
    for one in await loyalty.read_versions(tx):
        if one.state == "active" if wanted is None else one.version == wanted:
            return one
    raise NoActivePolicy if wanted is None else UnknownVersion(version=wanted)


def policy_of(found: Shown) -> Policy:
    """Return what is said alone."""
    return found.policy if isinstance(found, DraftAnswer) else found.policy()


def head_of(found: Shown) -> list[tuple[str, str]]:
    """Return what became of a version or a draft; what is not there is empty."""
    if isinstance(found, DraftAnswer):
        return [
            ("draft", found.draft_id),
            ("name", found.name),
            ("state", found.state),
            ("revision", str(found.revision)),
            ("based on", _version(found.based_on) + _withdrawn(found.based_on_withdrawn_at)),
            ("begun by", f"{found.created_by}, {to_the_second(found.created_at)}"),
            ("changed by", f"{found.changed_by}, {to_the_second(found.changed_at)}"),
            ("proposed for", to_the_second(found.proposed_for)),
            ("proposed by", found.proposed_by),
            ("note", found.note),
            ("became", _version(found.version)),
        ]
    return [
        ("version", str(found.version)),
        ("name", found.name),
        ("state", found.state),
        ("from", to_the_second(found.active_from)),
        ("until", to_the_second(found.active_until)),
        ("scheduled by", found.scheduled_by),
        ("approved by", found.approved_by),
        ("reason", found.reason),
        ("withdrawn at", to_the_second(found.withdrawn_at)),
        ("withdrawn by", found.withdrawn_by),
        ("withdrawn because", found.withdrawn_because),
    ]


def heading_of(found: Shown) -> str:
    """Return a line that says of what a file is."""
    if isinstance(found, DraftAnswer):
        return f"Draft {found.draft_id}, revision {found.revision}, {found.state}."
    return f"Version {found.version}, {found.state}, from {to_the_second(found.active_from)}."


def _version(number: int | None) -> str:
    return "" if number is None else f"version {number}"


def _withdrawn(at: datetime | None) -> str:
    return "" if at is None else f", withdrawn at {to_the_second(at)}"


def policy_toml(policy: Policy, heading: str) -> str:
    """Return a policy as a TOML file with a section `policy`, and a comment above it.

    What is not there (a limit, a section) is left out, as nothing is the default wherever nothing is allowed.
    """
    document = {name: value for name, value in msgspec.to_builtins(policy).items() if name not in _OWN}
    return "\n".join([f"# {heading}", *_table("policy", document)]) + "\n"


def _table(path: str, table: Mapping[str, Any], brackets: str = "[{}]") -> Iterator[str]:
    """Give the lines of a table: its own values first, then the tables in it."""
    plain = {name: value for name, value in table.items() if not _is_table(value) and value is not None}
    yield from ["", brackets.format(path), *[f"{name} = {_value(value)}" for name, value in plain.items()]]
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _table(f"{path}.{name}", value)
        elif _is_table(value):
            for one in value:
                yield from _table(f"{path}.{name}", one, "[[{}]]")


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value)
    )


def _value(value: str | bool | int | Sequence[int]) -> str:
    """Write a name, yes or no, a number, or a list of numbers: as JSON does, which is TOML, too."""
    return json.dumps(value, ensure_ascii=False)
