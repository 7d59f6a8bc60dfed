"""One order: lines, payments, what it did and why, what it caused since; and returning part of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from regulars.commerce import api as commerce
from regulars.commerce.contracts import ReturnLine, ReturnOrder, ReturnOutcome, Store
from regulars.loyalty import api as loyalty
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.http.asked import asked
from regulars.platform.ids import new_id
from regulars.platform.money import Money
from regulars.platform.texts import say
from regulars.web.console.member_words import kind_name
from regulars.web.console.messages import actor_of
from regulars.web.console.sight import ELSEWHERE, orders_elsewhere
from regulars.web.console.verdicts import Why
from regulars.web.console.words import (
    channel_name,
    member_link,
    order_link,
    payment_name,
    state_badge,
    wallet_name,
)
from regulars.web.kit.cells import Badge, Cell
from regulars.web.kit.forms import REQUIRED, Form, form_values
from regulars.web.kit.kit import Kit
from regulars.web.kit.notices import Notice
from regulars.web.kit.pages import Page
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import Viewer, viewer_of

READ: Final = "orders:read"
MEMBERS: Final = "members:read"
RETURN: Final = "returns:write"
ORDER: Final = "/console/orders/{order_id:str}"
CLAIM: Final = timedelta(days=commerce.CLAIM_DAYS)
_MILLI: Final = 1000
_MOST: Final = Decimal(10**9)
_RETURN_ID_LETTERS: Final = 34

AnyRequest = Request[Any, Any, Any]

EFFECTS: Final[dict[str, str]] = {
    "points_redeemed": mark("Points paid with"),
    "points_pending": mark("Points on the way"),
    "points_earned": mark("Points earned"),
    "debt_repaid": mark("Debt repaid"),
    "growth_earned": mark("Growth earned"),
    "points_given_back": mark("Points given back"),
    "points_clawed_back": mark("Points taken back"),
    "debt": mark("Points still owed"),
    "points_forgiven": mark("Points forgiven"),
    "growth_reversed": mark("Growth taken back"),
    "tier_reached": mark("Tier reached"),
    "tier_lost": mark("Tier lost"),
}

MOVED: Final[dict[str, str]] = {
    "merge": mark("Of these, with another membership since a merge"),
    "undo": mark("Of these, back since the merge was undone"),
    "return": mark("Of these, moved for a return of an order"),
    "cover": mark("Given when the merge was undone, in place of what had been spent of these"),
    "extend": mark("Of these, good for longer by an extension"),
}


def order_handlers(kit: Kit) -> Sequence[ControllerRouterHandler]:
    """Return the pages of one order; what comes back goes over the desk, as at a counter."""
    desk = commerce.OrderDesk(kit.services)
    return [_one(kit, desk.commerce), *_returning(kit, desk)]


def _one(kit: Kit, rules: commerce.Commerce) -> ControllerRouterHandler:
    @get(ORDER, guards=[kit.guards.staff(READ)])
    async def order(request: AnyRequest, order_id: FromPath[str]) -> Response[bytes]:
        page, viewer = kit.page(request), viewer_of(request)
        async with kit.services.database.transaction() as tx:
            await commerce.follow_policies(tx, rules)
            found = await read_seen(tx, viewer, order_id)
            # Who is bound to shops is told of this order's; what became of its points elsewhere is no shop's.
            follows = viewer.stores is None and viewer.may(MEMBERS)
            _, caused = await commerce.order_lineage(tx, rules, order_id, follows=follows)
            spent_for = [move.order_id for lot in caused.lots for move in lot.movements]
            hidden = await orders_elsewhere(tx, viewer, found.outcome.member_id, spent_for)
            stores = {one.store_id: one.name for one in await commerce.every_store(tx)}
        result, language = found.outcome, page.language
        zone = page.formats.zone.key
        verdicts = commerce.verdicts_of_order(result, commerce.Seen(), rules.configuration, language, zone)
        return kit.render(
            request,
            "console/order.html",
            page=page,
            order=found,
            total=Money(result.total_minor, result.currency),
            returned=Money(result.returned_minor, result.currency),
            state=state_badge(result.state, result.returned_minor, result.total_minor),
            facts=_facts(found, stores, language),
            lines=[_line(one, result.currency) for one in found.lines],
            payments=[
                [payment_name(one.method, language), Money(one.amount_minor, result.currency)] for one in found.payments
            ],
            effects=effects_said(commerce.order_shown(found, rules.configuration).effects, page),
            why=Why.of(verdicts),
            returns=[_returned(stores.get(store or "", store), one, page) for store, one in found.returns],
            caused=[_caused(one, language) for one in caused.transfers],
            tiers=[_tier(one, found.outcome.member_id, language) for one in caused.tier_changes],
            lots=[_lot(one, hidden, language) for one in caused.lots],
            moved=[_lot(one, hidden, language) for one in caused.moved],
            may_return=_can_return(found, viewer),
        )

    return order


async def read_seen(tx: Transaction, viewer: Viewer, order_id: str) -> commerce.OrderRead:
    """Return an order that somebody may see. Raises NotFound, also for one of another store."""
    found = await commerce.read_order(tx, order_id)
    if not viewer.sees_store(found.outcome.store_id):
        raise NotFound
    return found


def _can_return(found: commerce.OrderRead, viewer: Viewer) -> bool:
    settled = found.outcome.state in {"paid", "fulfilled"}
    return settled and viewer.may(RETURN) and any(_left(one) for one in found.lines)


def _left(one: Any) -> int:  # noqa: ANN401 - a line of OrderRead
    left: int = one.line.quantity_milli - one.returned_milli
    return left


def _facts(found: commerce.OrderRead, stores: Mapping[str, str], language: str) -> list[tuple[str, Cell]]:
    result = found.outcome
    facts: list[tuple[str, Cell]] = [
        (mark("Member"), Badge(mark("Guest")) if result.member_id is None else member_link(result.member_id)),
        (mark("State"), state_badge(result.state)),
        (mark("Channel"), channel_name(result.channel, language)),
        (mark("Store"), stores.get(result.store_id or "", result.store_id)),
        (mark("Market"), result.market),
        (mark("Happened"), result.occurred_at),
        (mark("Recorded"), result.recorded_at),
    ]
    if result.member_id is None:
        facts.insert(1, (mark("Can be claimed until"), result.occurred_at + CLAIM))
    return [(in_language(label, language), value) for label, value in facts]


def _line(one: Any, currency: str) -> list[Cell]:  # noqa: ANN401 - a line of OrderRead
    back = commerce.shown_quantity(one.returned_milli) if one.returned_milli else None
    return [
        one.line.sku,
        Decimal(one.line.quantity_milli) / _MILLI,
        back,
        Money(one.returned_minor, currency) if one.returned_minor else None,
        Money(one.line.amount_minor, currency),
    ]


def effects_said(effects: Sequence[commerce.Effect], page: Page) -> list[tuple[str, str, str]]:
    """Return what happened: what, how much, and what there is to add, as they are shown."""
    language, formats = page.language, page.formats
    told = []
    for one in effects:
        amount = formats.number(one.points or one.growth)
        note = ""
        if one.to_tier is not None:
            amount = loyalty.name_of_tier(one.to_tier, language)
            note = say("before: {tier}", language, tier=loyalty.name_of_tier(one.from_tier or "", language))
        elif one.available_at is not None and one.expires_at is not None:
            note = say(
                "from {start}, until {end}",
                language,
                start=formats.day(one.available_at),
                end=formats.day(one.expires_at),
            )
        elif one.value is not None:
            note = formats.money(one.value)
        if one.undone:
            note += ("; " if note and language == "en" else "；" if note else "") + _undone(one, page)
        told.append((in_language(EFFECTS[one.type], language), amount, note))
    return told


def _undone(one: commerce.Effect, page: Page) -> str:
    """Say how much of an effect returns undid."""
    if one.to_tier is not None:
        return in_language(mark("lost again by a return"), page.language)
    undone = page.formats.number(one.undone)
    if one.type == "points_redeemed":
        return say("{undone} of them given back by returns", page.language, undone=undone)
    return say("{undone} of it taken back by returns", page.language, undone=undone)


def _returned(store_id: str | None, one: ReturnOutcome, page: Page) -> dict[str, Any]:
    return {
        "id": one.return_id,
        "at": one.occurred_at,
        "store": store_id,
        "value": Money(one.returned_minor, one.currency),
        "money": None if one.money_back_minor is None else Money(one.money_back_minor, one.currency),
        "lines": [(part.line_id, commerce.shown_quantity(part.quantity_milli or 0)) for part in one.lines],
        "effects": effects_said(commerce.effects_of_return(one.settlement), page),
        "why": Why.of(commerce.verdicts_of_return(one, commerce.Seen(), page.language)),
    }


def _caused(one: loyalty.CausedTransfer, language: str) -> list[Cell]:
    return [
        kind_name(one.kind, language),
        wallet_name(one.wallet, language),
        one.effective_at,
        say("policy {version}", language, version=one.policy_version),
        one.amount,
    ]


def _tier(one: loyalty.CausedTierChange, owner: UUID | None, language: str) -> list[Cell]:
    """Return a change of a tier that the order or a return of it made; of another member's, whose it is."""
    whose = loyalty.member_id_in(one.member_id)
    change = say(
        "Tier {before} → {after}",
        language,
        before=loyalty.name_of_tier(one.from_tier, language),
        after=loyalty.name_of_tier(one.to_tier, language),
    )
    return [
        change,
        None if whose == owner else member_link(whose),
        one.recorded_at,
        say("policy {version}", language, version=one.policy_version),
        say("Growth {metric}", language, metric=f"{one.metric:,}"),
    ]


def _lot(one: loyalty.CausedLot | loyalty.MovedLot, hidden: frozenset[str], language: str) -> dict[str, Any]:
    """Return where the points of an order went; of `hidden` orders it is told that there is one."""
    moves: list[tuple[str, Cell, int | None]] = []
    for move in one.movements:
        kind = kind_name(move.kind, language)
        if move.order_id in hidden:
            moves.append((kind, in_language(ELSEWHERE, language), None))
        else:
            moves.append((kind, order_link(move.order_id) if move.order_id else None, -move.points))
    why = "" if isinstance(one, loyalty.CausedLot) else in_language(MOVED.get(one.why, MOVED["merge"]), language)
    return {"lot": one, "moves": moves, "why": why}


# --- returning --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to take back, as it was typed, and as a fact where it makes sense."""

    form: Form[Any]
    fact: ReturnOrder | None
    reason: str


async def _show_return(
    kit: Kit,
    request: AnyRequest,
    found: commerce.OrderRead,
    form: Form[Any],
    *,
    preview: ReturnOutcome | None = None,
    status: int = 200,
) -> Response[bytes]:
    page, viewer = kit.page(request), viewer_of(request)
    async with kit.services.database.transaction() as tx:
        stores = await commerce.every_store(tx)
    return kit.render(
        request,
        "console/order_return.html",
        page=page,
        status=status,
        order=found,
        form=form,
        stores=_stores(stores, found, viewer),
        money=lambda minor: Money(minor, found.outcome.currency),
        preview=None if preview is None else _returned(None, preview, page),
        left=None if preview is None else _remaining(preview),
    )


def _returning(kit: Kit, desk: commerce.OrderDesk) -> list[ControllerRouterHandler]:
    @get(f"{ORDER}/return", guards=[kit.guards.staff(READ, RETURN)])
    async def begin_return(request: AnyRequest, order_id: FromPath[str]) -> Response[bytes]:
        viewer = viewer_of(request)
        async with kit.services.database.transaction() as tx:
            found = await read_seen(tx, viewer, order_id)
        if not _can_return(found, viewer):
            return kit.see(f"/console/orders/{order_id}", Notice(mark("Nothing of it can be returned."), "warning"))
        values = {"return_id": f"c-{new_id().hex}", "store_id": found.outcome.store_id or ""}
        return await _show_return(kit, request, found, Form(kit.page(request).language, values))

    @post(f"{ORDER}/return", guards=[kit.guards.staff(READ, RETURN)])
    async def carry_out(request: AnyRequest, order_id: FromPath[str]) -> Response[bytes]:
        viewer, given = viewer_of(request), form_values(request)
        confirmed = given.get("step") == "confirm"
        async with kit.services.database.transaction() as tx:
            found = await read_seen(tx, viewer, order_id)
            stores = _stores(await commerce.every_store(tx), found, viewer)
        seen = {store_id for store_id, _ in stores}
        wish = read_wish(given, found, seen, kit.page(request).language, confirmed=confirmed)
        if wish.fact is None:
            return await _show_return(kit, request, found, wish.form, status=422)
        try:
            if not confirmed:
                preview = await desk.preview(wish.fact)
                return await _show_return(kit, request, found, wish.form, preview=preview)
            done = await desk.carry_out(wish.fact, _sender(request, kit.page(request).language, wish.reason))
        except DomainError as refusal:
            return await _show_return(kit, request, found, _pointed(wish, refusal), status=refusal.status)
        if isinstance(done, commerce.Refusal):
            form: Form[Any] = Form(wish.form.language, wish.form.values, trouble=done.detail)
            return await _show_return(kit, request, found, form, status=done.status)
        return kit.see(f"/console/orders/{order_id}", Notice(mark("The return is settled.")))

    return [begin_return, carry_out]


def _sender(request: AnyRequest, language: str, reason: str) -> commerce.Sender:
    """Return who sends a return; the reason stands in the audit log."""
    return commerce.Sender(
        client=actor_of(viewer_of(request)),
        language=language,
        request_id=asked(request.scope).request_id,
        reason=reason,
    )


def _remaining(preview: ReturnOutcome) -> Money:
    return Money(preview.total_minor - preview.returned_so_far_minor, preview.currency)


def _stores(stores: Sequence[Store], found: commerce.OrderRead, viewer: Viewer) -> list[tuple[str, str]]:
    """Return where it may come back: the stores of the order's market that somebody works for."""
    market = found.outcome.market
    return [(one.store_id, one.name) for one in stores if one.market == market and viewer.sees_store(one.store_id)]


def read_wish(
    given: Mapping[str, str], found: commerce.OrderRead, stores: set[str], language: str, *, confirmed: bool = False
) -> Wish:
    """Read what is to come back: a quantity for each line (none: it stays), where, and why.

    `confirmed`: how much is left was judged before. Sent twice, it is the same return, of which nothing is left.
    """
    problems: dict[str, str] = {}
    lines: list[ReturnLine] = []
    values = {name: given.get(name, "").strip() for name in ("store_id", "reason", "return_id")}
    for number, one in enumerate(found.lines):
        name = f"line-{number}"
        values[name] = given.get(name, "").strip()
        if values[name] not in {"", "0"}:
            milli = _milli(values[name])
            if milli is None or milli > (one.line.quantity_milli if confirmed else _left(one)):
                left = commerce.shown_quantity(_left(one))
                problems[name] = say("At most {left} can come back.", language, left=left)
            else:
                lines.append(ReturnLine(one.line.line_id, milli))
    return_id = values["return_id"]
    if not (return_id.startswith("c-") and len(return_id) == _RETURN_ID_LETTERS and return_id[2:].isalnum()):
        raise NotFound
    if len(values["reason"]) < 3:  # noqa: PLR2004 - less says nothing
        problems["reason"] = in_language(REQUIRED, language)
    if values["store_id"] not in stores:
        problems["store_id"] = in_language(REQUIRED, language)
    trouble = "" if lines or problems else in_language(mark("Say how much of at least one line comes back."), language)
    form: Form[Any] = Form(language, values, problems, trouble)
    if problems or trouble:
        return Wish(form, None, "")
    fact = ReturnOrder(
        order_id=found.outcome.order_id, return_id=return_id, lines=tuple(lines), store_id=values["store_id"]
    )
    return Wish(form, fact, values["reason"][:200])


def _pointed(wish: Wish, refusal: DomainError) -> Form[Any]:
    """Put a refusal above the form: its pointer counts the lines that were sent, not those that are shown."""
    refusal.pointer = None
    return wish.form.refused(refusal)


def _milli(text: str) -> int | None:
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 < value <= _MOST or value * _MILLI != int(value * _MILLI):
        return None
    return int(value * _MILLI)
