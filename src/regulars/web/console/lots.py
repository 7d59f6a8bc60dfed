"""A member's lots: what is left of each, until when it is good; and letting one run out later, with a reason."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import ExtendLot, LotStanding, LotState
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import new_id
from regulars.web.console.account import who
from regulars.web.console.holds import READ, WRITE
from regulars.web.console.member import MEMBER, read_person
from regulars.web.console.words import member_id_in, member_tabs, wallet_name
from regulars.web.kit.cells import Badge, Cell, Link
from regulars.web.kit.formats import Formats
from regulars.web.kit.forms import ALREADY, Form, blank_form, read_form, sent_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Choice, Column, Listing, Slice, Wanted
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind

LOTS: Final = f"{MEMBER}/lots"
EXTEND: Final = f"{LOTS}/{{lot_no:str}}/extend"
STATES: Final[dict[LotState, Badge]] = {
    "available": Badge(mark("Can be spent"), "success"),
    "pending": Badge(mark("Pending"), "info"),
    "held": Badge(mark("Held for a purpose"), "info"),
    "expired": Badge(mark("Run out, not yet booked"), "warning"),
    "used": Badge(mark("Used up"), "neutral"),
}
_JUST_BEFORE: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)
_LONGEST_NUMBER: Final = 18

AnyRequest = Request[Any, Any, Any]


class Extension(msgspec.Struct):
    """The last day on which a lot is good instead, and why. `key` makes it once."""

    last_day: date
    reason: Annotated[str, Meta(min_length=5, max_length=500)]
    key: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]


def lot_pages(kit: Kit) -> Pages:
    """Return the pages of a member's lots."""
    return Pages(ViewerKind.STAFF, [_list(kit), *_extend(kit, loyalty.Configuration())])


def last_day_of(lot: LotStanding, formats: Formats) -> date:
    """Return the last local day on which a lot is good."""
    return (lot.expires_at - _JUST_BEFORE).astimezone(formats.zone).date()


def _number_in(text: str | None) -> int | None:
    """Read a lot's number; None for what is none."""
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    return int(text) if text is not None and is_number else None


def _list(kit: Kit) -> ControllerRouterHandler:
    @get(LOTS, guards=[kit.guards.staff("members:read", READ)])
    async def lots(request: AnyRequest, member_id: FromPath[str]) -> Response[Any]:
        page = kit.page(request)
        async with kit.services.database.transaction() as tx:
            person = await read_person(kit, tx, member_id)

        async def fetch(wanted: Wanted) -> Slice:
            async with wanted.reading() as tx:
                found = await loyalty.lots(
                    tx,
                    person.member.member_id,
                    spent=wanted.filters.get("spent") == "yes",
                    after=_number_in(wanted.after),
                    limit=wanted.limit + 1,
                )
            more = len(found) > wanted.limit
            return Slice(found[: wanted.limit], after=str(found[wanted.limit - 1].lot_no) if more else None)

        listing = _listing(person.public, page.language, page.formats, may_extend=page.viewer.may(WRITE))
        tabs = member_tabs(person.public, page.language, merges=page.viewer.may("members:merge"))
        return await kit.listing(request, "console/member_list.html", listing, fetch, person=person, tabs=tabs)

    return lots


def _listing(public: str, language: str, formats: Formats, *, may_extend: bool) -> Listing:
    def extending(lot: LotStanding) -> Cell:
        is_open = lot.remaining > lot.held and lot.state in {"available", "pending"}
        path = f"/console/members/{public}/lots/{lot.lot_no}/extend"
        return Link(in_language(mark("Extend"), language), path) if is_open else None

    more = (Column("extend", mark("Extend"), extending),) if may_extend else ()
    return Listing(
        name="lots",
        columns=(
            Column("lot", mark("Lot"), lambda lot: lot.lot_no),
            Column("state", mark("State"), lambda lot: STATES[lot.state]),
            Column("wallet", mark("Wallet"), lambda lot: wallet_name(lot.wallet, language), minor=True, shown=False),
            Column("amount", mark("Brought"), lambda lot: lot.amount, minor=True),
            Column("remaining", mark("Left"), lambda lot: lot.remaining),
            Column("held", mark("Of it held"), lambda lot: lot.held or None, minor=True),
            Column("earned", mark("Earned"), lambda lot: lot.earned_at, minor=True),
            Column("available", mark("Can be spent from"), lambda lot: lot.available_at, minor=True, shown=False),
            Column("until", mark("Last day"), lambda lot: last_day_of(lot, formats)),
            *more,
        ),
        filters=(
            Choice("spent", mark("Used up"), (("yes", mark("Also used ones")),), unset=mark("With something left")),
        ),
        empty=mark("There is nothing left in any lot. Points earned or granted come as lots, each with its last day."),
    )


def _extend(kit: Kit, configuration: loyalty.Configuration) -> Sequence[ControllerRouterHandler]:
    async def show(request: AnyRequest, ids: tuple[str, str], form: Form[Any], status: int) -> Response[bytes]:
        page, number = kit.page(request), _number_in(ids[1])
        async with kit.services.database.transaction() as tx:
            person = await read_person(kit, tx, ids[0])
            lot = None if number is None else await loyalty.lot(tx, person.member.member_id, number)
        if lot is None:
            raise NotFound
        return kit.render(
            request,
            "console/lot_extend.html",
            page=page,
            status=status,
            form=form,
            person=person,
            lot=lot,
            state=STATES[lot.state],
            last_day=last_day_of(lot, page.formats),
            earliest=last_day_of(lot, page.formats) + _DAY,
            wallet=wallet_name(lot.wallet, page.language),
        )

    @get(EXTEND, guards=[kit.guards.staff("members:read", READ, WRITE)])
    async def extend(request: AnyRequest, member_id: FromPath[str], lot_no: FromPath[str]) -> Response[bytes]:
        return await show(request, (member_id, lot_no), blank_form(kit.page(request).language, key=new_id().hex), 200)

    @post(EXTEND, guards=[kit.guards.staff("members:read", READ, WRITE)])
    async def extended(request: AnyRequest, member_id: FromPath[str], lot_no: FromPath[str]) -> Response[bytes]:
        page, actor, number = kit.page(request), who(request).actor, _number_in(lot_no)
        form, member = read_form(request, Extension, page.language), member_id_in(member_id)
        if number is None:
            raise NotFound
        if form.value is None:
            return await show(request, (member_id, lot_no), form, 422)
        path, sent = f"/console/members/{member_id}/lots", sent_form(request, actor)
        wish = ExtendLot(
            member_id=member,
            lot_no=number,
            expires_at=_end_of(form.value.last_day, page.formats),
            reference=f"console:{form.value.key}",
            reason=form.value.reason,
            actor=actor,
        )
        try:
            async with kit.services.database.transaction(actor=actor, by_keys=True) as tx:
                if (led_to := await sent.led_to(tx)) is not None:
                    return kit.see(led_to, Notice(ALREADY, "info"))
                await _carried(tx, configuration, wish)
                await sent.leads_to(tx, path)
                tx.audit(AuditEntry(actor=actor, action="extend_lot", subject=member_id, reason=form.value.reason))
        except NotFound:
            raise
        except DomainError as refusal:
            named = {"/expires_at": "/last_day", "/lot_id": None}.get(refusal.pointer or "", refusal.pointer)
            refusal.pointer = named
            return await show(request, (member_id, lot_no), form.refused(refusal), refusal.status)
        return kit.see(path, Notice(mark("The points run out later now.")))

    return [extend, extended]


async def _carried(tx: Transaction, configuration: loyalty.Configuration, wish: ExtendLot) -> None:
    """Extend a lot. Raises what is refused."""
    (outcome,) = await loyalty.post(tx, configuration, [wish])
    if isinstance(outcome, DomainError):
        raise outcome


def _end_of(day: date, formats: Formats) -> datetime:
    """Return the instant at which a local day is over."""
    try:
        return datetime.combine(day + _DAY, time(), formats.zone)
    except OverflowError:
        return datetime.combine(day, time(), formats.zone)
