"""The simple till: what is bought, how much of it points pay, done once, with a receipt."""

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Struct, structs

from regulars.commerce import api as commerce
from regulars.commerce.contracts import OrderOutcome, PutOrder
from regulars.members import api as members
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.money import Money
from regulars.web.kit.forms import blank_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.refusals import told
from regulars.web.kit.texts import in_language
from regulars.web.kit.viewers import ViewerKind
from regulars.web.store import drafts
from regulars.web.store.counter import USE, Counter, Till
from regulars.web.store.effects import effects_shown
from regulars.web.store.errors import MemberGone
from regulars.web.store.seals import ORDER
from regulars.web.store.started import Started, begun, read_started, show_till

AnyRequest = Request[Any, Any, Any]
TILL: Final = "/store/till"
RECEIPTS: Final = "/store/receipts"
_AS_MANY_AS_MAY_BE: Final = 10**12


class Offer(Struct, frozen=True):
    """So many points, and what they are worth."""

    points: int
    worth: Money


class Preview(Struct, frozen=True, kw_only=True):
    """What an order would do: the most points that may pay, steps up to it, and what is left to pay otherwise."""

    outcome: OrderOutcome
    offers: list[Offer]
    chosen: Offer
    max_percent: int
    min_spendable: int
    left: Money

    @property
    def most(self) -> Offer:
        """The most that points may pay."""
        return self.offers[-1]


def till_pages(kit: Kit, counter: Counter) -> Pages:
    """Return the pages of the till."""
    return Pages(ViewerKind.DEVICE, [*_typing(kit, counter), *_paying(kit, counter), _receipt(kit, counter)])


def _typing(kit: Kit, counter: Counter) -> list[ControllerRouterHandler]:
    @get(TILL, guards=[kit.guards.device(USE)])
    async def begin(request: AnyRequest) -> Response[bytes]:
        till = await counter.till(request)
        return await show_till(counter, request, till, begun(counter, till, request.query_params.get("member", "")))

    @post(TILL, guards=[kit.guards.device(USE)])
    async def write_line(request: AnyRequest) -> Response[bytes]:
        till = await counter.till(request)
        return await show_till(counter, request, till, await read_started(counter, request, till))

    return [begin, write_line]


def _paying(kit: Kit, counter: Counter) -> list[ControllerRouterHandler]:
    services = kit.services

    @post(f"{TILL}/review", guards=[kit.guards.device(USE)])
    async def review(request: AnyRequest) -> Response[bytes]:
        till = await counter.till(request)
        return await show_review(counter, request, till, await read_started(counter, request, till))

    @post(f"{TILL}/confirm", guards=[kit.guards.device(USE)])
    async def confirm(request: AnyRequest) -> Response[bytes]:
        till = await counter.till(request)
        started = await read_started(counter, request, till)
        if started.refused or started.given.code:  # another order than the one that was confirmed
            return await show_review(counter, request, till, started)
        fact = structs.replace(_fact(counter, till, started), points=started.given.points)
        try:
            done = await counter.desk.carry_out(fact, till.sender)
        except DomainError as error:
            said = told(error, till.language)
            return await show_till(counter, request, till, started, refused=said, status=error.status)
        if not isinstance(done, OrderOutcome):
            return await show_till(counter, request, till, started, refused=done.detail, status=done.status)
        if fact.member_id is not None and done.created:
            async with services.database.transaction(actor=till.device.actor) as tx:
                await members.forgive_look_up(tx, services.vault, till.device.actor)
        return kit.see(f"{RECEIPTS}/{done.order_id}?new=1")

    return [review, confirm]


async def show_review(counter: Counter, request: AnyRequest, till: Till, started: Started) -> Response[bytes]:
    """Answer with what the order would do, for somebody to confirm; with the till where it cannot be."""
    if started.problems or started.refused:
        return await show_till(counter, request, till, started)
    if not started.lines:
        none = in_language(drafts.NO_LINES, till.language)
        return await show_till(counter, request, till, started, refused=none, status=422)
    try:
        preview = await _preview(counter, till, started)
    except DomainError as error:
        said = told(error, till.language)
        return await show_till(counter, request, till, started, refused=said, status=error.status)
    return counter.kit.render(
        request,
        "store/review.html",
        form=blank_form(till.language, code=""),
        member=await counter.see(till, started.ticket),
        order=started.order,
        lines=started.lines,
        total=drafts.total_of(started.lines, till.market.currency),
        preview=preview,
        effects=effects_shown(counter.desk.effects(preview.outcome), till.language),
    )


def _fact(counter: Counter, till: Till, started: Started) -> PutOrder:
    """Return the paid order, without points. Raises MemberGone."""
    order_id = counter.seals.read(ORDER, till.device.device_id, started.order)
    if order_id is None:
        raise MemberGone
    return PutOrder(
        order_id=order_id,
        member_id=started.member_id,
        state="paid",
        channel="store",
        store_id=till.device.store_id,
        market=till.market.code,
        currency=till.market.currency,
        total_minor=drafts.total_of(started.lines, till.market.currency).amount_minor,
        lines=drafts.as_order_lines(started.lines),
    )


async def _preview(counter: Counter, till: Till, started: Started) -> Preview:
    """Try the order: with as many points as the policy allows, then with those chosen."""
    fact, currency = _fact(counter, till, started), till.market.currency
    if fact.member_id is None:
        outcome = await counter.desk.preview(fact)
        none = Offer(0, Money(0, currency))
        return Preview(
            outcome=outcome, offers=[none], chosen=none, max_percent=0, min_spendable=0, left=_left(fact, none)
        )
    outcome = await counter.desk.preview(structs.replace(fact, points_at_most=_AS_MANY_AS_MAY_BE))
    settled = outcome.settlement
    if settled is None:
        raise MemberGone
    policy, most = counter.desk.payment_policy(settled.policy_version), settled.points_used
    offers = [Offer(step, Money(step * policy.point_value_minor, currency)) for step in drafts.steps_up_to(most)]
    chosen = next((offer for offer in offers if offer.points == started.given.points), offers[0])
    if chosen.points != most:
        outcome = await counter.desk.preview(structs.replace(fact, points=chosen.points))
    return Preview(
        outcome=outcome,
        offers=offers,
        chosen=chosen,
        max_percent=policy.max_percent,
        min_spendable=policy.min_spendable,
        left=_left(fact, chosen),
    )


def _left(fact: PutOrder, chosen: Offer) -> Money:
    return Money(fact.total_minor - chosen.worth.amount_minor, fact.currency)


def _returned(one: commerce.ReturnShown, language: str) -> dict[str, Any]:
    """Return what a receipt tells of a return."""
    return {
        "id": one.return_id,
        "at": one.occurred_at,
        "returned": one.returned,
        "money_back": one.money_back,
        "effects": effects_shown(one.effects, language),
    }


def _receipt(kit: Kit, counter: Counter) -> ControllerRouterHandler:
    @get(f"{RECEIPTS}/{{order_id:str}}", guards=[kit.guards.device(USE)])
    async def receipt(request: AnyRequest, order_id: FromPath[str]) -> Response[bytes]:
        """Show a receipt of this store's own; those of others are found where they are returned."""
        till = await counter.till(request)
        async with kit.services.database.transaction() as tx:
            order = await counter.desk.read(tx, order_id)
        if order.store_id != till.device.store_id:
            raise NotFound
        return kit.render(
            request,
            "store/receipt.html",
            order=order,
            new="new" in request.query_params,
            effects=effects_shown(order.effects, till.language),
            returns=[_returned(one, till.language) for one in order.returns],
            everything_came_back=bool(order.returns) and order.returned == order.total,
        )

    return receipt
