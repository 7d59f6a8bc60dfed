"""A walk-in becomes a member: a phone number or an e-mail address, a name if they like, what they agree to."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from msgspec import Meta

from regulars.members import api as members
from regulars.members.contracts import IdentityKind, WalkIn
from regulars.platform.errors import Conflict, DomainError
from regulars.platform.ids import new_id
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.notices import Notice
from regulars.web.kit.refusals import noted
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind
from regulars.web.store.counter import USE, Counter, Till
from regulars.web.store.drafts import DraftLine
from regulars.web.store.errors import MemberGone
from regulars.web.store.seals import FORM
from regulars.web.store.started import carried_on, read_started, show_till

AnyRequest = Request[Any, Any, Any]
REGISTER: Final = "/store/register"
FOR_ORDER: Final = "/store/till/register"
REGISTERED: Final = mark("Registered. The points of this purchase can be theirs already.")


class NewMember(msgspec.Struct):
    """What a walk-in tells: one address, a name if they like, and the wording versions agreed to.

    `order` and `line` are those of an order under way, which will be theirs.
    """

    value: Annotated[str, Meta(max_length=320)]
    by: str = "phone"
    name: Annotated[str, Meta(max_length=100)] = ""
    consents: list[str] = []
    form: str = ""
    order: str = ""
    line: list[str] = []


def register_pages(kit: Kit, counter: Counter) -> Pages:
    """Return the page on which walk-ins are registered."""
    services = kit.services

    def show(
        request: AnyRequest,
        form: Form[Any],
        *,
        order: str = "",
        lines: Sequence[DraftLine] = (),
        status: int = 200,
        taken: bool = False,
    ) -> Response[bytes]:
        kind = _kind(str(form.values["by"]))
        return kit.render(
            request,
            "store/register.html",
            status=status,
            by=kind.value,
            form=form,
            order=order,
            lines=lines,
            offered=members.consents_at_counter(kind),
            taken=taken,
        )

    def blank(till: Till, by: str) -> Form[Any]:
        sealed = counter.seals.write(FORM, till.device.device_id, new_id().hex)
        return blank_form(till.language, by=by, form=sealed, consents=[])

    @get(REGISTER, guards=[kit.guards.device(USE)])
    async def begin(request: AnyRequest) -> Response[bytes]:
        till = await counter.till(request)
        return show(request, blank(till, request.query_params.get("by", "")))

    @post(FOR_ORDER, guards=[kit.guards.device(USE)])
    async def begin_for_order(request: AnyRequest) -> Response[bytes]:
        """Show the form, and carry the order along on which it was asked for."""
        till = await counter.till(request)
        started = await read_started(counter, request, till)
        if started.problems or started.refused or started.member_id is not None:
            return await show_till(counter, request, till, started)
        form = blank(till, request.query_params.get("by", ""))
        return show(request, form, order=started.order, lines=started.lines)

    @post(REGISTER, guards=[kit.guards.device(USE)])
    async def register(request: AnyRequest) -> Response[bytes]:
        till = await counter.till(request)
        form = read_form(request, NewMember, till.language)
        order, line = str(form.values["order"]), list(form.values["line"] or [])
        started = carried_on(counter, till, order, line) if order else None
        lines = [] if started is None else started.lines
        if form.value is None:
            return show(request, form, order=order, lines=lines, status=422)
        wish = _wish(counter, till, form.value, _kind(form.value.by))
        async with services.database.transaction(actor=till.device.actor, request_id=till.request_id) as tx:
            outcome = await members.register_walk_in(tx, services.vault, wish)
        if isinstance(outcome, DomainError):
            taken = isinstance(outcome, Conflict)
            shown = form if taken else _at_its_field(form, outcome)
            noted(outcome)
            return show(request, shown, order=order, lines=lines, status=outcome.status, taken=taken)
        ticket = counter.ticket(till, outcome)
        if started is None:
            return kit.see(f"/store/till?member={ticket}", Notice(REGISTERED))
        theirs = carried_on(counter, till, order, line, ticket)
        return await show_till(counter, request, till, theirs, done=in_language(REGISTERED, till.language))

    return Pages(ViewerKind.DEVICE, [begin, begin_for_order, register])


def _kind(by: str) -> IdentityKind:
    return IdentityKind.EMAIL if by == IdentityKind.EMAIL.value else IdentityKind.PHONE


def _wish(counter: Counter, till: Till, given: NewMember, kind: IdentityKind) -> WalkIn:
    """Return the wish to become a member. Raises MemberGone for a form that is too old."""
    set_aside = counter.seals.read(FORM, till.device.device_id, given.form)
    if set_aside is None:
        raise MemberGone
    return WalkIn(
        form_id=UUID(set_aside),
        kind=kind,
        value=given.value,
        market=till.market.code,
        store_id=till.device.store_id,
        device=till.device.actor,
        name=given.name or None,
        consents=tuple(given.consents),
        assistant=till.assistant,
        language=till.language,
        double_opt_in=members.double_opt_in(counter.kit.services.settings),
    )


def _at_its_field(form: Form[Any], refusal: DomainError) -> Form[Any]:
    """Show what is wrong with the address at its field, wherever the refusal points."""
    pointer = refusal.pointer or ""
    if not pointer or pointer.endswith("display_name"):
        refusal.pointer = "/name" if pointer else None
    else:
        refusal.pointer = "/value"
    return form.refused(refusal)
