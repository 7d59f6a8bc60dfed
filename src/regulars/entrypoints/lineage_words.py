"""What lineage says at the command line: a line for each thing that happened, in words; what is empty is left out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import typer

from regulars.entrypoints.commands import print_table
from regulars.loyalty import api as loyalty
from regulars.platform.formats import formats_of
from regulars.platform.money import Money
from regulars.platform.texts import mark, say
from regulars.web.console.member_words import kind_name
from regulars.web.console.order import MOVED

UTC: Final = "UTC"
_FRACTION: Final = re.compile(r"\.\d+(?=Z$)")
_LOT: Final = mark("{lot}: {points} points, {left} of them left, good from {start} until {end}")
_OF: Final = mark("{said} ({source})")

Document = Mapping[str, Any]
Line = tuple[str, str]  # what it is about, and what is said of it


def tell_order(found: Document, language: str) -> None:
    """Tell what an order and its returns caused."""
    lines = list(_of_order(found, language))
    print_table(("", ""), lines)
    if found["moved_more"]:
        typer.echo(say("There are further lots: `regulars lineage lot` follows one.", language), err=True)
    _tell_more(found)


def tell_units(found: Document, language: str) -> None:
    """Tell of a lot or a transfer where its units came from, and where they went."""
    member, origin = found["member_id"], found["origin"]
    print_table(("", ""), [*_of_origin(member, origin, language), *_movements(found["movements"], language)])
    _tell_more(found)


def _tell_more(found: Document) -> None:
    if found["has_more"]:
        typer.echo(f"There are more: --cursor {found['next_cursor']}", err=True)


def _of_order(found: Document, language: str) -> Iterator[Line]:
    member = found["member_id"]
    yield say("Order", language), found["order_id"]
    yield say("Member", language), member or say("Guest", language)
    for one in found["returns"]:
        yield say("Return", language), _returned(one, language)
    for one in found["transfers"]:
        yield _at(one["recorded_at"]), _reason(one, found["order_id"], language)
    for one in found["tier_changes"]:
        yield _at(one["recorded_at"]), _tier(one, member, language)
    for one in found["spent"]:
        yield say("Points it took", language), _came(one, member, language)
    for one in found["lots"]:
        number = loyalty.transfer_id(loyalty.member_id_in(member), one["lot_no"])
        yield say("Lot", language), _lot(number, one, language)
        yield from _movements(one["movements"], language)
    for one in found["moved"]:
        yield say("Lot", language), say(_OF, language, said=_lot(one["lot_id"], one, language), source=one["member_id"])
        yield "", say(MOVED.get(one["why"], MOVED["merge"]), language)
        yield from _movements(one["movements"], language)


def _returned(one: Document, language: str) -> str:
    value = formats_of(language, UTC).money(Money(one["returned"]["amount_minor"], one["returned"]["currency"]))
    told = {"return_id": one["return_id"], "at": _at(one["occurred_at"]), "value": value}
    return say("{return_id}, {at}: worth {value}", language, **told)


def _reason(one: Document, order_id: str, language: str) -> str:
    """Say why a transfer is there, as the member's statement says it."""
    return loyalty.reason_of(
        language,
        kind=one["kind"],
        wallet=one["wallet"],
        amount=one["amount"],
        debt_change=one["debt_change"],
        order_id=order_id,
        reference=one["reference"],
        effective_at=datetime.fromisoformat(one["effective_at"]),
        basis=msgspec.json.encode(one["basis"]).decode(),
        time_zone=UTC,
    )


def _tier(one: Document, member: str, language: str) -> str:
    """Say how a tier changed; of another member's, whose it is."""
    names = {"before": one["from_tier"], "after": one["to_tier"]}
    told = {place: loyalty.name_of_tier(code, language) for place, code in names.items()}
    growth = say("Growth {metric}", language, metric=f"{one['metric']:,}")
    parts = [say("Tier {before} → {after}", language, **told), growth, one["member_id"]]
    return ("，" if language == "zh" else ", ").join(parts[:2] if one["member_id"] == member else parts)


def _came(one: Document, member: str, language: str) -> str:
    """Say from which lot points were taken to pay, and what had brought it."""
    lot = loyalty.transfer_id(loyalty.member_id_in(member), one["lot_no"])
    said = say("{points} of lot {lot}", language, points=f"{one['points']:,}", lot=lot)
    return say(_OF, language, said=said, source=_source(one, language))


def _lot(number: str, one: Document, language: str) -> str:
    told = {"points": f"{one['points']:,}", "left": f"{one['remaining']:,}"}
    dates = {"start": _at(one["available_at"]), "end": _at(one["expires_at"])}
    return say(_LOT, language, lot=number, **told, **dates)


def _of_origin(member: str, origin: Document, language: str) -> Iterator[Line]:
    wallet = loyalty.name_of_wallet(origin["wallet"], language)
    yield say("Member", language), member
    yield (
        _at(origin["effective_at"]),
        _what(origin, f"{abs(origin['amount']):,} {wallet}", language),
    )
    if origin["lot_amount"] is not None:
        lot = {"points": f"{origin['lot_amount']:,}", "left": f"{origin['remaining']:,}", "lot": origin["transfer_id"]}
        yield say("Lot", language), say("{lot}: {points} points, {left} of them left", language, **lot)
    for label, fields in (
        (mark("Came from"), ("from_member", "from_lot", "from_transfer")),
        (mark("Went to"), ("to_member", "to_transfer")),
    ):
        ids = [origin[field] for field in fields if origin[field]]
        if ids:
            yield say(label, language), ", ".join(ids)


def _movements(movements: Sequence[Document], language: str) -> Iterator[Line]:
    for one in movements:
        said = _what(one, f"{one['points']:,}", language)
        yield "", " → ".join([said, *[one[field] for field in ("to_member", "to_lot") if one[field]]])


def _what(one: Document, amount: str, language: str) -> str:
    """Say what happened to how much, and for what fact."""
    told = {"kind": kind_name(one["kind"], language), "source": _source(one, language)}
    return say("{kind}: {amount} ({source})", language, amount=amount, **told)


def _source(one: Document, language: str) -> str:
    """Say for what fact something happened: an order, or what was given as its reference."""
    if one["order_id"]:
        return say("order {order_id}", language, order_id=one["order_id"])
    return str(one["reference"])


def _at(text: str) -> str:
    return _FRACTION.sub("", text)
