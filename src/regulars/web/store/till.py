"""The simple till: what is bought, how much of it points pay, done once, with a receipt."""

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Struct, structs

from regulars.commerce.contracts import OrderOutcome, PutOrder
from regulars.members import api as members
from regulars.platform.auth.tokens import new_typed_code
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.money import Money
from regulars.platform.texts import say
from regulars.web.kit.errors import FormUnreadable
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.viewers import ViewerKind
from regulars.web.store import drafts
from regulars.web.store.counter import Counter, Till
from regulars.web.store.drafts import DraftLine, TillForm
from regulars.web.store.effects import effects_shown
from regulars.web.store.errors import MemberGone
from regulars.web.store.finding import Typed, look_up
from regulars.web.store.seals import ORDER

AnyRequest = Request[Any, Any, Any]
TILL: Final = "/store/till"
RECEIPTS: Final = "/store/receipts"
_CODE_HALF: Final = 5  # ten letters of 32: one in 10^15 for whoever tries codes
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


def new_order_code() -> str:
    """Return a fresh receipt code, which is the order's id, e.g. `K7QD3-M9X2A`."""
    code = new_typed_code(2 * _CODE_HALF)
    return f"{code[:_CODE_HALF]}-{code[_CODE_HALF:]}"


def till_pages(kit: Kit, counter: Counter) -> Pages:
    """Return the pages of the till."""
    return Pages(ViewerKind.DEVICE, [*_typing(kit, counter), *_paying(kit, counter), _receipt(kit, counter)])


class _Draft(Struct, frozen=True, kw_only=True):
    """What was sent, read: the lines with the one just typed, if that was right."""

    form: Form[TillForm]
    given: TillForm
    lines: list[DraftLine]
    problems: dict[str, str]


def _read(request: AnyRequest, till: Till) -> _Draft:
    form = read_form(request, TillForm, till.language)
    if form.value is None and not form.problems.keys() <= {"amount", "quantity", "name"}:
        raise FormUnreadable
    given = form.value or TillForm(member=str(form.values["member"]), order=str(form.values["order"]))
    if form.value is None:
        given = structs.replace(given, line=list(form.values["line"]))
    lines = drafts.carried_lines(given)
    if given.remove is not None:
        lines = [line for number, line in enumerate(lines) if number != given.remove]
    typed, problems = drafts.typed_line(form, till.market.currency)
    problems = {**form.problems, **problems}
    if typed is not None and len(lines) >= drafts.MOST_LINES:
        problems["amount"] = say(drafts.TOO_MANY_LINES, till.language, limit=drafts.MOST_LINES)
    elif typed is not None:
        lines.append(typed)
    return _Draft(form=form, given=given, lines=lines, problems=problems)


def _typing(kit: Kit, counter: Counter) -> list[ControllerRouterHandler]:
    @get(TILL, guards=[kit.guards.device()])
    async def begin(request: AnyRequest) -> Response[bytes]:
        till = await counter.till(request)
        order = counter.seals.write(ORDER, till.device.device_id, new_order_code())
        ticket = request.query_params.get("member", "")
        return kit.render(
            request,
            "store/till.html",
            form=blank_form(till.language, amount="", quantity="", name=""),
            member=await counter.see(till, ticket),
            order=order,
            lines=[],
            amounts=[],
            total=Money(0, till.market.currency),
            refused="",
        )

    @post(TILL, guards=[kit.guards.device()])
    async def write_line(request: AnyRequest) -> Response[bytes]:
        till = await counter.till(request)
        draft = _read(request, till)
        return await show_till(kit, counter, request, till, draft)

    @post(f"{TILL}/member", guards=[kit.guards.device()])
    async def add_member(request: AnyRequest) -> Response[bytes]:
        """Say who buys what is typed already; what was typed stays, whoever is or is not found."""
        till = await counter.till(request)
        draft, typed = _read(request, till), read_form(request, Typed, till.language)
        if typed.value is None:
            return await show_till(kit, counter, request, till, draft, refused=typed.problems["code"], status=422)
        found = await look_up(kit, till, typed.value.code)
        if isinstance(found, DomainError):
            said = say(found.message, till.language, **found.data)
            return await show_till(kit, counter, request, till, draft, refused=said, status=found.status)
        given = structs.replace(draft.given, member=counter.ticket(till, found))
        return await show_till(kit, counter, request, till, structs.replace(draft, given=given))

    return [begin, write_line, add_member]


async def show_till(
    kit: Kit, counter: Counter, request: AnyRequest, till: Till, draft: _Draft, *, refused: str = "", status: int = 200
) -> Response[bytes]:
    """Answer with the till as it stands."""
    typed = draft.form.values if draft.problems else {"amount": "", "quantity": "", "name": ""}
    return kit.render(
        request,
        "store/till.html",
        status=422 if draft.problems else status,
        form=Form(till.language, typed, draft.problems),
        member=await counter.see(till, draft.given.member),
        order=draft.given.order,
        lines=draft.lines,
        amounts=[Money(line.amount_minor, till.market.currency) for line in draft.lines],
        total=drafts.total_of(draft.lines, till.market.currency),
        refused=refused,
    )


def _paying(kit: Kit, counter: Counter) -> list[ControllerRouterHandler]:
    services = kit.services

    @post(f"{TILL}/review", guards=[kit.guards.device()])
    async def review(request: AnyRequest) -> Response[bytes]:
        till = await counter.till(request)
        draft = _read(request, till)
        if draft.problems or not draft.lines:
            none = say(drafts.NO_LINES, till.language) if not draft.lines and not draft.problems else ""
            return await show_till(kit, counter, request, till, draft, refused=none, status=422)
        try:
            preview = await _preview(counter, till, draft)
        except DomainError as error:
            said = say(error.message, till.language, **error.data)
            return await show_till(kit, counter, request, till, draft, refused=said, status=error.status)
        return kit.render(
            request,
            "store/review.html",
            member=await counter.see(till, draft.given.member),
            order=draft.given.order,
            lines=draft.lines,
            total=drafts.total_of(draft.lines, till.market.currency),
            preview=preview,
            effects=effects_shown(counter.desk.effects(preview.outcome), till.language),
        )

    @post(f"{TILL}/confirm", guards=[kit.guards.device()])
    async def confirm(request: AnyRequest) -> Response[bytes]:
        till = await counter.till(request)
        draft = _read(request, till)
        fact = structs.replace(_fact(counter, till, draft), points=draft.given.points)
        try:
            done = await counter.desk.carry_out(fact, till.sender)
        except DomainError as error:
            said = say(error.message, till.language, **error.data)
            return await show_till(kit, counter, request, till, draft, refused=said, status=error.status)
        if not isinstance(done, OrderOutcome):
            return await show_till(kit, counter, request, till, draft, refused=done.detail, status=done.status)
        if fact.member_id is not None and done.created:
            async with services.database.transaction(actor=till.device.actor) as tx:
                await members.forgive_look_up(tx, services.vault, till.device.actor)
        return kit.see(f"{RECEIPTS}/{done.order_id}?new=1")

    return [review, confirm]


def _fact(counter: Counter, till: Till, draft: _Draft) -> PutOrder:
    """Return the paid order, without points. Raises MemberGone."""
    order_id = counter.seals.read(ORDER, till.device.device_id, draft.given.order)
    if order_id is None:
        raise MemberGone
    return PutOrder(
        order_id=order_id,
        member_id=counter.member_of(till, draft.given.member),
        state="paid",
        channel="store",
        store_id=till.device.store_id,
        market=till.market.code,
        currency=till.market.currency,
        total_minor=drafts.total_of(draft.lines, till.market.currency).amount_minor,
        lines=drafts.as_order_lines(draft.lines),
    )


async def _preview(counter: Counter, till: Till, draft: _Draft) -> Preview:
    """Try the order: with as many points as the policy allows, then with those chosen."""
    fact, currency = _fact(counter, till, draft), till.market.currency
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
    chosen = next((offer for offer in offers if offer.points == draft.given.points), offers[0])
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


def _receipt(kit: Kit, counter: Counter) -> ControllerRouterHandler:
    @get(f"{RECEIPTS}/{{order_id:str}}", guards=[kit.guards.device()])
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
        )

    return receipt
