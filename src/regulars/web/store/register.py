"""A walk-in becomes a member: a phone number or an e-mail address, a name if they like, what they agree to."""

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
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind
from regulars.web.store.counter import Counter, Till
from regulars.web.store.errors import MemberGone
from regulars.web.store.seals import FORM

AnyRequest = Request[Any, Any, Any]
REGISTER: Final = "/store/register"


class NewMember(msgspec.Struct):
    """What a walk-in tells: one address, a name if they like, and the wording versions agreed to."""

    value: Annotated[str, Meta(max_length=320)]
    by: str = "phone"
    name: Annotated[str, Meta(max_length=100)] = ""
    consents: list[str] = []
    form: str = ""


def register_pages(kit: Kit, counter: Counter) -> Pages:
    """Return the page on which walk-ins are registered."""
    services = kit.services

    def show(
        request: AnyRequest, kind: IdentityKind, form: Form[Any], sealed: str, *, status: int = 200, taken: bool = False
    ) -> Response[bytes]:
        return kit.render(
            request,
            "store/register.html",
            status=status,
            by=kind.value,
            form=form,
            sealed=sealed,
            offered=members.consents_at_counter(kind),
            taken=taken,
        )

    @get(REGISTER, guards=[kit.guards.device()])
    async def begin(request: AnyRequest) -> Response[bytes]:
        till = await counter.till(request)
        sealed = counter.seals.write(FORM, till.device.device_id, new_id().hex)
        return show(request, _kind(request.query_params.get("by", "")), blank_form(consents=[]), sealed)

    @post(REGISTER, guards=[kit.guards.device()])
    async def register(request: AnyRequest) -> Response[bytes]:
        till = await counter.till(request)
        form = read_form(request, NewMember, till.language)
        kind, sealed = _kind(str(form.values["by"])), str(form.values["form"])
        if form.value is None:
            return show(request, kind, form, sealed, status=422)
        wish = _wish(counter, till, form.value, kind)
        async with services.database.transaction(actor=till.device.actor, request_id=till.request_id) as tx:
            outcome = await members.register_walk_in(tx, services.vault, wish)
        if isinstance(outcome, DomainError):
            taken = isinstance(outcome, Conflict)
            shown = form if taken else _at_its_field(form, outcome)
            return show(request, kind, shown, sealed, status=outcome.status, taken=taken)
        said = Notice(mark("Registered. The points of this purchase can be theirs already."))
        return kit.see(f"/store/till?member={counter.ticket(till, outcome)}", said)

    return Pages(ViewerKind.DEVICE, [begin, register])


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
    )


def _at_its_field(form: Form[Any], refusal: DomainError) -> Form[Any]:
    """Show what is wrong with the address at its field, wherever the refusal points."""
    pointer = refusal.pointer or ""
    if not pointer or pointer.endswith("display_name"):
        refusal.pointer = "/name" if pointer else None
    else:
        refusal.pointer = "/value"
    return form.refused(refusal)
