"""Holds: what is kept of whose points for what and until when; posted or voided by staff, with a reason."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import HoldStanding, HoldState, PostHold, VoidHold
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.places import read_place_of_two, write_place
from regulars.web.console.account import who
from regulars.web.console.words import member_link, wallet_name
from regulars.web.kit.cells import Badge, Cell, Link
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Choice, Column, Listing, One, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind
from regulars.web.kit.whys import why_of

HOME: Final = "/console/holds"
HOLD: Final = f"{HOME}/{{member_id:str}}/{{hold_id:str}}"
HOLD_PREFIX: Final = "hld"
READ: Final = "points:read"
WRITE: Final = "points:write"
STATES: Final[dict[HoldState, Badge]] = {
    "open": Badge(mark("Kept"), "info"),
    "posted": Badge(mark("Used"), "success"),
    "voided": Badge(mark("Released"), "neutral"),
    "timed_out": Badge(mark("Ran out of time"), "warning"),
}

AnyRequest = Request[Any, Any, Any]


class UseHold(msgspec.Struct):
    """How much of a hold to use (all, if left out), and why."""

    reason: Annotated[str, Meta(min_length=3, max_length=500)]
    amount: Annotated[int, Meta(ge=1)] | None = None


class LetGo(msgspec.Struct):
    """Why a hold is let go."""

    reason: Annotated[str, Meta(min_length=3, max_length=500)]


def hold_pages(kit: Kit) -> Pages:
    """Return the pages of holds."""
    configuration = loyalty.Configuration()
    handlers = [_list(kit), _one(kit), *_acts(kit, configuration)]
    entry = Entry(HOME, mark("Holds"), icon="lock-pause", permission=READ)
    return Pages(ViewerKind.STAFF, handlers, navigation=[Group(mark("Points"), (entry,))])


def hold_path(member_id: UUID, hold_id: UUID) -> str:
    """Return where a hold is."""
    return f"{HOME}/{public_id(MEMBER_PREFIX, member_id)}/{public_id(HOLD_PREFIX, hold_id)}"


def _list(kit: Kit) -> ControllerRouterHandler:
    @get(HOME, guards=[kit.guards.staff(READ)])
    async def listed(request: AnyRequest) -> Response[Any]:
        page = kit.page(request)

        async def fetch(wanted: Wanted) -> Slice:
            state, named = wanted.filters.get("state"), wanted.filters.get("member")
            member_id = None if named is None else parse_public_id(MEMBER_PREFIX, named)
            if named is not None and member_id is None:
                return Slice([])
            async with wanted.reading() as tx:
                found = await loyalty.list_holds(
                    tx,
                    state=None if state not in STATES else state,
                    member_id=member_id,
                    after=read_place_of_two(wanted.after),
                    limit=wanted.limit + 1,
                )
            more = len(found) > wanted.limit
            rows = [one.hold for one in found[: wanted.limit] if member_id in {None, one.hold.member_id}]
            return Slice(rows, after=write_place(*found[wanted.limit - 1].place) if more else None)

        return await kit.listing(request, "console/holds.html", _listing(page.language), fetch)

    return listed


def _listing(language: str) -> Listing:
    return Listing(
        name="holds",
        columns=(
            Column(
                "hold",
                mark("What for"),
                lambda one: Link(one.purpose, hold_path(one.member_id, one.hold_id)),
                wraps=True,
            ),
            Column("member", mark("Member"), lambda one: member_link(one.member_id)),
            Column("state", mark("State"), lambda one: STATES[one.state]),
            Column("wallet", mark("Wallet"), lambda one: wallet_name(one.wallet, language), minor=True, shown=False),
            Column("placed", mark("Kept since"), lambda one: one.placed_at, minor=True),
            Column("deadline", mark("Until"), lambda one: one.deadline),
            Column("ended", mark("Ended"), lambda one: one.ended_at, minor=True),
            Column("amount", mark("Units"), lambda one: one.amount),
            Column("posted", mark("Used"), lambda one: one.posted or None, minor=True),
            Column("reason", mark("Why"), lambda one: one.reason, minor=True, shown=False),
        ),
        filters=(
            Choice("state", mark("State"), tuple((state, badge.label) for state, badge in STATES.items())),
            One("member", mark("Member"), type="text", rare=True),
        ),
        empty=mark("Nothing is held. Holds are placed through the API: for a workshop, a booking, a disputed order."),
    )


def _ids(member: str, hold: str) -> tuple[UUID, UUID]:
    member_id, hold_id = parse_public_id(MEMBER_PREFIX, member), parse_public_id(HOLD_PREFIX, hold)
    if member_id is None or hold_id is None:
        raise NotFound
    return member_id, hold_id


async def _show(
    kit: Kit, request: AnyRequest, member: str, hold: str, form: Form[Any], *, opened: str = "", status: int = 200
) -> Response[bytes]:
    page = kit.page(request)
    member_id, hold_id = _ids(member, hold)
    async with kit.services.database.transaction() as tx:
        found = await loyalty.hold(tx, member_id, hold_id)
        why = await loyalty.explain_hold(tx, loyalty.Configuration(), member_id, hold_id)
    return kit.render(
        request,
        "console/hold.html",
        page=page,
        status=status,
        form=form,
        opened=opened,
        hold=found,
        why=why_of(why, page.formats),
        state=STATES[found.state],
        path=hold_path(member_id, hold_id),
        facts=_facts(found, page.language),
        lots=[(lot.lot_no, lot.amount) for lot in found.lots],
        lots_path=f"/console/members/{member}/points?wallet={found.wallet}",
        can_act=found.state == "open" and page.viewer.may(WRITE),
    )


def _facts(found: HoldStanding, language: str) -> list[tuple[str, Cell]]:
    told: list[tuple[str, Cell]] = [
        (mark("Member"), member_link(found.member_id)),
        (mark("Wallet"), wallet_name(found.wallet, language)),
        (mark("Units"), found.amount),
        (mark("Kept since"), found.placed_at),
        (mark("Until"), found.deadline),
        (mark("Reference"), found.reference),
        (mark("Ended"), found.ended_at),
        (mark("Used"), found.posted if found.ended_at else None),
        (mark("Free again"), found.released if found.ended_at else None),
        (mark("Why"), found.reason or None),
    ]
    return [(in_language(label, language), value) for label, value in told if value is not None]


def _one(kit: Kit) -> ControllerRouterHandler:
    @get(HOLD, guards=[kit.guards.staff(READ)])
    async def one(request: AnyRequest, member_id: FromPath[str], hold_id: FromPath[str]) -> Response[bytes]:
        return await _show(kit, request, member_id, hold_id, blank_form(kit.page(request).language))

    return one


def _acts(kit: Kit, configuration: loyalty.Configuration) -> Sequence[ControllerRouterHandler]:
    async def carry_out(
        request: AnyRequest, ids: tuple[str, str], form: Form[Any], command: PostHold | VoidHold, action: str
    ) -> Response[bytes]:
        actor, (member, hold) = who(request).actor, ids
        try:
            async with kit.services.database.transaction(actor=actor, by_keys=True) as tx:
                (outcome,) = await loyalty.carry_out(tx, configuration, [command])
                if isinstance(outcome, DomainError):
                    raise outcome
                tx.audit(
                    AuditEntry(actor=actor, action=action, subject=member, reason=command.reason, detail=f"hold {hold}")
                )
        except NotFound:
            raise
        except DomainError as refusal:
            refused = form.refused(refusal)
            return await _show(kit, request, member, hold, refused, opened=action, status=refusal.status)
        done = mark("The held points are used.") if action == "post_hold" else mark("The held points are free again.")
        return kit.see(f"{HOME}/{member}/{hold}", Notice(done))

    @post(f"{HOLD}/post", guards=[kit.guards.staff(READ, WRITE)])
    async def use(request: AnyRequest, member_id: FromPath[str], hold_id: FromPath[str]) -> Response[bytes]:
        form = read_form(request, UseHold, kit.page(request).language)
        member, hold = _ids(member_id, hold_id)
        if form.value is None:
            return await _show(kit, request, member_id, hold_id, form, opened="post_hold", status=422)
        wish = PostHold(member_id=member, hold_id=hold, amount=form.value.amount, reason=form.value.reason)
        return await carry_out(request, (member_id, hold_id), form, wish, "post_hold")

    @post(f"{HOLD}/void", guards=[kit.guards.staff(READ, WRITE)])
    async def void(request: AnyRequest, member_id: FromPath[str], hold_id: FromPath[str]) -> Response[bytes]:
        form = read_form(request, LetGo, kit.page(request).language)
        member, hold = _ids(member_id, hold_id)
        if form.value is None:
            return await _show(kit, request, member_id, hold_id, form, opened="void_hold", status=422)
        wish = VoidHold(member_id=member, hold_id=hold, reason=form.value.reason)
        return await carry_out(request, (member_id, hold_id), form, wish, "void_hold")

    return [use, void]
