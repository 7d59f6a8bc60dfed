"""A member makes a purchase theirs that was rung up without their card, by the code of its receipt."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from msgspec import Meta

from regulars.commerce import api as commerce
from regulars.platform.errors import DomainError
from regulars.platform.http.asked import asked
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.notices import Notice
from regulars.web.kit.refusals import told
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind, viewer_of
from regulars.web.portal.own import AnyRequest, own_id

CLAIM: Final = "/portal/claim"


class Typed(msgspec.Struct):
    """The code of a receipt."""

    code: Annotated[str, Meta(max_length=200)]


def claim_pages(kit: Kit) -> Pages:
    """Return the page on which a receipt is claimed."""
    desk = commerce.OrderDesk(kit.services)

    def show(request: AnyRequest, form: Form[Any], status: int = 200) -> Response[bytes]:
        return kit.render(request, "portal/claim.html", status=status, form=form)

    @get(CLAIM, guards=[kit.guards.member()])
    async def begin(request: AnyRequest) -> Response[bytes]:
        return show(request, blank_form(code=""))

    @post(CLAIM, guards=[kit.guards.member()])
    async def claim(request: AnyRequest) -> Response[bytes]:
        member_id, language = own_id(request), kit.page(request).language
        form = read_form(request, Typed, language)
        if form.value is None:
            return show(request, form, 422)
        actor = viewer_of(request).session.actor
        wish = commerce.FindReceipt(typed=commerce.receipt_ids(form.value.code), device=actor, store_id=None)
        sender = commerce.Sender(client=actor, language=language, request_id=asked(request.scope).request_id)
        try:
            outcome = await desk.claim(wish, member_id, sender)
        except DomainError as error:
            outcome = error
        if isinstance(outcome, commerce.Refusal):
            return show(request, Form(language, form.values, {"code": outcome.detail}), outcome.status)
        if isinstance(outcome, DomainError):
            said = told(outcome, language)
            return show(request, Form(language, form.values, {"code": said}), outcome.status)
        return kit.see(f"/portal/orders/{outcome.order_id}", Notice(mark("This purchase is yours now."), "success"))

    return Pages(ViewerKind.MEMBER, [begin, claim])
