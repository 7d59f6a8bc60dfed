"""Returns by receipt code: an order of any shop, some of its lines, what that does to points, done once."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.commerce import api as commerce
from regulars.commerce.contracts import ReturnLine, ReturnOrder, ReturnOutcome
from regulars.platform.auth.tokens import new_typed_code
from regulars.platform.errors import DomainError
from regulars.platform.money import Money
from regulars.web.kit.forms import blank_form, form_values, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.refusals import told
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind, viewer_of
from regulars.web.store import drafts
from regulars.web.store.counter import TAKE_BACK, USE, Counter, Till
from regulars.web.store.effects import effects_shown
from regulars.web.store.errors import MemberGone
from regulars.web.store.limits import check
from regulars.web.store.seals import FORM, RETURN

AnyRequest = Request[Any, Any, Any]
RETURNS: Final = "/store/returns"
_CODE_LETTERS: Final = 10
_NOTHING: Final = mark("Please say how much of which line comes back.")


class Typed(msgspec.Struct):
    """A receipt code, typed or scanned."""

    code: Annotated[str, Meta(max_length=200)]


class LineChosen(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the order, how much of it can still come back, and how much does (as typed)."""

    line_id: str
    field: str
    name: str
    quantity: str
    left: str
    left_milli: int
    amount: Money
    chosen: str


def return_pages(kit: Kit, counter: Counter) -> Pages:
    """Return the pages of returns."""
    return Pages(ViewerKind.DEVICE, [*_finding(kit, counter), *_choosing(kit, counter), _done(kit, counter)])


def _finding(kit: Kit, counter: Counter) -> list[ControllerRouterHandler]:
    services = kit.services

    @get(RETURNS, guards=[kit.guards.device(USE)])
    async def begin(request: AnyRequest) -> Response[bytes]:
        return kit.render(request, "store/returns.html", form=blank_form(code=""), refused="")

    @post(f"{RETURNS}/find", guards=[kit.guards.device(USE, TAKE_BACK)])
    async def find(request: AnyRequest) -> Response[bytes]:
        till = await counter.till(request)
        form = read_form(request, Typed, till.language)
        if form.value is None:
            return kit.render(
                request, "store/returns.html", status=422, form=blank_form(code=""), refused=form.problems["code"]
            )
        async with services.database.transaction(actor=till.device.actor, request_id=till.request_id) as tx:
            wish = commerce.FindReceipt(
                typed=commerce.receipt_ids(form.value.code),
                device=till.device.actor,
                store_id=till.device.store_id,
                assistant=till.assistant,
            )
            found = await commerce.find_receipt(tx, services.vault, wish)
        if isinstance(found, DomainError):
            said = told(found, till.language)
            again = blank_form(code=form.value.code)
            return kit.render(request, "store/returns.html", status=found.status, form=again, refused=said)
        return kit.see(f"{RETURNS}/{counter.seals.write(RETURN, till.device.device_id, found)}")

    return [begin, find]


def _choosing(kit: Kit, counter: Counter) -> list[ControllerRouterHandler]:
    @get(f"{RETURNS}/{{ticket:str}}", guards=[kit.guards.device(USE)])
    async def choose(request: AnyRequest, ticket: FromPath[str]) -> Response[bytes]:
        till = await counter.till(request)
        order = await _order(kit, counter, till, ticket)
        form = counter.seals.write(FORM, till.device.device_id, new_typed_code(_CODE_LETTERS))
        return _show(kit, request, till, order, ticket=ticket, form=form)

    @post(f"{RETURNS}/{{ticket:str}}/review", guards=[kit.guards.device(USE, TAKE_BACK)])
    async def review(request: AnyRequest, ticket: FromPath[str]) -> Response[bytes]:
        till = await counter.till(request)
        order = await _order(kit, counter, till, ticket)
        sent = form_values(request)
        lines, refused = _lines(order, sent, till)
        form = sent.get("form", "")
        if refused:
            return _show(kit, request, till, order, ticket=ticket, form=form, sent=sent, refused=refused, status=422)
        try:
            outcome = await counter.desk.preview(_fact(counter, till, order, form, lines))
            check(outcome, order, viewer_of(request), kit.services.settings)
        except DomainError as error:
            said = told(error, till.language)
            return _show(
                kit, request, till, order, ticket=ticket, form=form, sent=sent, refused=said, status=error.status
            )
        return kit.render(
            request,
            "store/return_review.html",
            order=order,
            ticket=ticket,
            form=form,
            chosen=[line for line in _choices(order, sent) if line.chosen],
            returned=Money(outcome.returned_minor, outcome.currency),
            money_back=Money(outcome.money_back_minor or 0, outcome.currency),
            effects=effects_shown(counter.desk.effects(outcome), till.language),
        )

    @post(f"{RETURNS}/{{ticket:str}}/confirm", guards=[kit.guards.device(USE, TAKE_BACK)])
    async def confirm(request: AnyRequest, ticket: FromPath[str]) -> Response[bytes]:
        till = await counter.till(request)
        order = await _order(kit, counter, till, ticket)
        sent = form_values(request)
        lines, refused = _lines(order, sent, till, again=True)
        form = sent.get("form", "")
        if refused:
            return _show(kit, request, till, order, ticket=ticket, form=form, sent=sent, refused=refused, status=422)
        fact = _fact(counter, till, order, form, lines)
        try:
            check(await _would_do(counter, fact), order, viewer_of(request), kit.services.settings)
            done = await counter.desk.carry_out(fact, till.sender)
        except DomainError as error:
            said = told(error, till.language)
            return _show(
                kit, request, till, order, ticket=ticket, form=form, sent=sent, refused=said, status=error.status
            )
        if not isinstance(done, ReturnOutcome):
            return _show(
                kit, request, till, order, ticket=ticket, form=form, sent=sent, refused=done.detail, status=done.status
            )
        return kit.see(f"{RETURNS}/{ticket}/done/{fact.return_id}")

    return [choose, review, confirm]


def _done(kit: Kit, counter: Counter) -> ControllerRouterHandler:
    @get(f"{RETURNS}/{{ticket:str}}/done/{{return_id:str}}", guards=[kit.guards.device(USE)])
    async def done(request: AnyRequest, ticket: FromPath[str], return_id: FromPath[str]) -> Response[bytes]:
        till = await counter.till(request)
        order = await _order(kit, counter, till, ticket)
        made = next((each for each in order.returns if each.return_id == return_id), None)
        if made is None:
            return kit.see(f"{RETURNS}/{ticket}")
        return kit.render(
            request,
            "store/return_done.html",
            order=order,
            made=made,
            effects=effects_shown(made.effects, till.language),
        )

    return done


async def _would_do(counter: Counter, fact: ReturnOrder) -> ReturnOutcome | None:
    """Return what a return would do; None for one that will be refused."""
    try:
        return await counter.desk.preview(fact)
    except DomainError:
        return None


async def _order(kit: Kit, counter: Counter, till: Till, ticket: str) -> commerce.OrderShown:
    """Return the order that this device found. Raises MemberGone."""
    order_id = counter.seals.read(RETURN, till.device.device_id, ticket)
    if order_id is None:
        raise MemberGone
    async with kit.services.database.transaction() as tx:
        return await counter.desk.read(tx, order_id)


def _choices(order: commerce.OrderShown, sent: dict[str, str]) -> list[LineChosen]:
    choices = []
    for number, line in enumerate(order.lines, 1):
        bought, back = drafts.read_milli(line.quantity) or 0, drafts.read_milli(line.returned_quantity) or 0
        field, left = f"quantity-{number}", bought - back
        choices.append(
            LineChosen(
                line_id=line.line_id,
                field=field,
                name=line.sku,
                quantity=line.quantity,
                left=f"{drafts.shown_quantity(left)}",
                left_milli=left,
                amount=line.amount,
                chosen=sent.get(field, "").strip(),
            )
        )
    if sent.get("all"):
        choices = [msgspec.structs.replace(one, chosen=one.left if one.left_milli else "") for one in choices]
    return choices


def _lines(
    order: commerce.OrderShown, sent: dict[str, str], till: Till, *, again: bool = False
) -> tuple[tuple[ReturnLine, ...], str]:
    """Read what comes back, and what is wrong with it. `again`: how much is left was judged before."""
    lines = []
    for choice in _choices(order, sent):
        if not choice.chosen:
            continue
        milli = drafts.read_milli(choice.chosen)
        if milli is None or (milli > choice.left_milli and not again):
            return (), in_language(drafts.QUANTITY_WRONG, till.language)
        if milli:
            lines.append(ReturnLine(choice.line_id, milli))
    return tuple(lines), "" if lines else in_language(_NOTHING, till.language)


def _fact(
    counter: Counter, till: Till, order: commerce.OrderShown, form: str, lines: tuple[ReturnLine, ...]
) -> ReturnOrder:
    code = counter.seals.read(FORM, till.device.device_id, form)
    if code is None:
        raise MemberGone
    return ReturnOrder(order_id=order.order_id, return_id=f"R-{code}", lines=lines, store_id=till.device.store_id)


def _show(
    kit: Kit,
    request: AnyRequest,
    till: Till,
    order: commerce.OrderShown,
    *,
    ticket: str,
    form: str,
    sent: dict[str, str] | None = None,
    refused: str = "",
    status: int = 200,
) -> Response[bytes]:
    return kit.render(
        request,
        "store/return_lines.html",
        status=status,
        order=order,
        here=order.store_id == till.device.store_id,
        ticket=ticket,
        form=form,
        lines=_choices(order, sent or {}),
        refused=refused,
    )
