"""A guest's purchase becomes a member's: the member is shown, the receipt is scanned."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from msgspec import Meta

from regulars.commerce import api as commerce
from regulars.platform.errors import DomainError
from regulars.platform.money import Money
from regulars.web.kit.forms import blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.notices import Notice
from regulars.web.kit.refusals import told
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind
from regulars.web.store.counter import HOME, USE, Counter, Till
from regulars.web.store.effects import effects_shown
from regulars.web.store.errors import MemberGone

AnyRequest = Request[Any, Any, Any]
CLAIM: Final = "/store/claim"


class Typed(msgspec.Struct):
    """The member's ticket, and a receipt code, typed or scanned."""

    code: Annotated[str, Meta(max_length=200)]
    member: str = ""


def claiming_pages(kit: Kit, counter: Counter) -> Pages:
    """Return the page on which receipts are claimed for the member who is there."""

    async def show(
        request: AnyRequest, till: Till, ticket: str, refused: str = "", status: int = 200
    ) -> Response[bytes]:
        member = await counter.see(till, ticket) if _member(counter, till, ticket) is not None else None
        if member is None:
            return kit.see(HOME, Notice(mark("Scan the member first, then claim the receipt."), "info"))
        form = blank_form(till.language, code="")
        return kit.render(request, "store/claim.html", status=status, form=form, member=member, refused=refused)

    @get(CLAIM, guards=[kit.guards.device(USE)])
    async def begin(request: AnyRequest) -> Response[bytes]:
        return await show(request, await counter.till(request), request.query_params.get("member", ""))

    @post(CLAIM, guards=[kit.guards.device(USE)])
    async def claim(request: AnyRequest) -> Response[bytes]:
        till = await counter.till(request)
        form = read_form(request, Typed, till.language)
        ticket = str(form.values["member"])
        if form.value is None:
            return await show(request, till, ticket, form.problems.get("code", ""), 422)
        member_id = _member(counter, till, ticket)
        if member_id is None:
            return await show(request, till, "")
        wish = commerce.FindReceipt(
            typed=commerce.receipt_ids(form.value.code),
            device=till.device.actor,
            store_id=till.device.store_id,
            assistant=till.assistant,
        )
        outcome = await counter.desk.claim(wish, member_id, till.sender)
        if isinstance(outcome, DomainError):
            said = told(outcome, till.language)
            return await show(request, till, ticket, said, outcome.status)
        if isinstance(outcome, commerce.Refusal):
            return await show(request, till, ticket, outcome.detail, outcome.status)
        return kit.render(
            request,
            "store/claimed.html",
            member=await counter.see(till, ticket),
            order_id=outcome.order_id,
            total=Money(outcome.total_minor, outcome.currency),
            effects=effects_shown(counter.desk.effects(outcome), till.language),
        )

    return Pages(ViewerKind.DEVICE, [begin, claim])


def _member(counter: Counter, till: Till, ticket: str) -> UUID | None:
    """Return whom a ticket shows; None for none, and for one from too long ago."""
    try:
        return counter.member_of(till, ticket)
    except MemberGone:
        return None
