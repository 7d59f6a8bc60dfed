"""An order that is under way at a till: read from what a page sent, put right where it can be, and shown again.

What was typed is never lost: a member seen too long ago leaves the order, an order id that is not this till's is made
anew, and both are said before anything is done. Whoever is scanned or typed meanwhile becomes the order's member.
"""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response
from msgspec import Struct, structs

from regulars.platform.auth.tokens import new_typed_code
from regulars.platform.errors import DomainError
from regulars.platform.money import Money
from regulars.platform.texts import say
from regulars.web.kit.errors import FormUnreadable
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.refusals import told
from regulars.web.kit.texts import in_language, mark
from regulars.web.store import drafts
from regulars.web.store.counter import Counter, Till
from regulars.web.store.drafts import DraftLine, TillForm
from regulars.web.store.errors import MemberGone
from regulars.web.store.seals import ORDER

AnyRequest = Request[Any, Any, Any]
CONFLICT: Final = 409
_TYPED: Final = frozenset({"amount", "quantity", "name", "code"})
_CODE_HALF: Final = 5  # ten letters of 32: one in 10^15 for whoever tries codes

MEMBER_LEFT: Final = mark(
    "The member was found too long ago and has left this order. Scan the card again; the lines stay."
)
BEGUN_ANEW: Final = mark("This order was not begun here, so it is a new one with the same lines. Please check it.")


class Started(Struct, frozen=True, kw_only=True):
    """An order under way. `order` is its sealed id, `ticket` lets this device see its member.

    `refused` says what had to be put right, or why nobody was found, with the `status` for it: then nothing is done
    before somebody has seen it.
    """

    form: Form[TillForm]
    given: TillForm
    lines: list[DraftLine]
    order: str
    problems: dict[str, str] = {}
    ticket: str = ""
    member_id: UUID | None = None
    refused: str = ""
    status: int = 200


def new_order_code() -> str:
    """Return a fresh receipt code, which is the order's id, e.g. `K7QD3-M9X2A`."""
    code = new_typed_code(2 * _CODE_HALF)
    return f"{code[:_CODE_HALF]}-{code[_CODE_HALF:]}"


def begun(counter: Counter, till: Till, ticket: str = "") -> Started:
    """Return an order without lines, of a member if one is named."""
    return _of_member(counter, till, _order_of(counter, till, blank_form(till.language), TillForm(), []), ticket)


async def read_started(counter: Counter, request: AnyRequest, till: Till) -> Started:
    """Return the order with the line that was just typed, if that was right, and the member who was just scanned."""
    form = read_form(request, TillForm, till.language)
    if form.value is None and not form.problems.keys() <= _TYPED:
        raise FormUnreadable
    given = form.value or TillForm(
        member=str(form.values["member"]), order=str(form.values["order"]), line=list(form.values["line"])
    )
    lines = drafts.carried_lines(given)
    if given.remove is not None:
        lines = [line for number, line in enumerate(lines) if number != given.remove]
    typed, problems = drafts.typed_line(form, till.market.currency)
    problems = {**form.problems, **problems}
    if typed is not None and len(lines) >= drafts.MOST_LINES:
        problems["amount"] = say(drafts.TOO_MANY_LINES, till.language, limit=drafts.MOST_LINES)
    elif typed is not None:
        lines.append(typed)
    started = structs.replace(_order_of(counter, till, form, given, lines), problems=problems)
    if given.code:
        return await _found(counter, till, started, given.code)
    return _of_member(counter, till, started, given.member)


def carried_on(counter: Counter, till: Till, order: str, line: list[str], ticket: str = "") -> Started:
    """Return an order that a page of another purpose carried along."""
    given = TillForm(order=order, line=line)
    form = blank_form(till.language)
    return _of_member(counter, till, _order_of(counter, till, form, given, drafts.carried_lines(given)), ticket)


async def show_till(
    counter: Counter,
    request: AnyRequest,
    till: Till,
    started: Started,
    *,
    refused: str = "",
    done: str = "",
    status: int = 200,
) -> Response[bytes]:
    """Answer with the till as it stands."""
    typed = started.form.values if started.problems else {"amount": "", "quantity": "", "name": ""}
    currency = till.market.currency
    return counter.kit.render(
        request,
        "store/till.html",
        status=422 if started.problems else max(status, started.status),
        form=Form(till.language, {**typed, "code": ""}, started.problems),
        member=await counter.see(till, started.ticket),
        order=started.order,
        lines=started.lines,
        amounts=[Money(line.amount_minor, currency) for line in started.lines],
        total=drafts.total_of(started.lines, currency),
        refused=refused or started.refused,
        done=done,
    )


def _order_of(counter: Counter, till: Till, form: Form[TillForm], given: TillForm, lines: list[DraftLine]) -> Started:
    """Return the order under the id that was set aside for it; a new one if it was set aside for another device."""
    device_id = till.device.device_id
    if counter.seals.read(ORDER, device_id, given.order) is not None:
        return Started(form=form, given=given, lines=lines, order=given.order)
    fresh = counter.seals.write(ORDER, device_id, new_order_code())
    started = Started(form=form, given=given, lines=lines, order=fresh)
    if not given.order:
        return started
    return structs.replace(started, refused=in_language(BEGUN_ANEW, till.language), status=CONFLICT)


def _of_member(counter: Counter, till: Till, started: Started, ticket: str) -> Started:
    try:
        return structs.replace(started, ticket=ticket, member_id=counter.member_of(till, ticket))
    except MemberGone:
        return structs.replace(started, refused=in_language(MEMBER_LEFT, till.language), status=CONFLICT)


async def _found(counter: Counter, till: Till, started: Started, typed: str) -> Started:
    found = await counter.look_up(till, typed)
    if isinstance(found, DomainError):
        said = told(found, till.language)
        return structs.replace(started, refused=said, status=found.status)
    return structs.replace(started, ticket=counter.ticket(till, found), member_id=found)
