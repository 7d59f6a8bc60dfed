"""Turning a tablet into a device of a shop, by a code from the console."""

from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post

from regulars.commerce import api as commerce
from regulars.platform.errors import DomainError
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.notices import Notice
from regulars.web.kit.session_cookies import browser_of, device_cookie
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import SIGN_IN_PATHS, ViewerKind, viewer_of

HOME: Final = "/store"
ENROL: Final = SIGN_IN_PATHS[ViewerKind.DEVICE]

AnyRequest = Request[Any, Any, Any]


class Code(msgspec.Struct):
    """The code that the console shows."""

    code: str


def enrol_pages(kit: Kit) -> Pages:
    """Return the page on which a device is enrolled; one that is enrolled already may be enrolled anew."""
    services = kit.services

    @get(ENROL, guards=[kit.guards.anybody(ViewerKind.DEVICE)])
    async def enrol(request: AnyRequest) -> Response[bytes]:
        enrolled = viewer_of(request) if viewer_of(request).kind is ViewerKind.DEVICE else None
        return kit.render(request, "store/enrol.html", form=blank_form(), enrolled=enrolled)

    @post(ENROL)
    async def send_code(request: AnyRequest) -> Response[bytes]:
        form = read_form(request, Code, kit.page(request).language)
        if form.value is None:
            return kit.render(request, "store/enrol.html", status=422, form=form, enrolled=None)
        browser = browser_of(kit, request, ViewerKind.DEVICE)
        async with services.database.transaction() as tx:
            outcome = await commerce.enrol_device(tx, services.vault, form.value.code, browser)
        if isinstance(outcome, DomainError):
            again: Form[Any] = Form(form.language, {"code": ""}).refused(outcome)
            return kit.render(request, "store/enrol.html", status=outcome.status, form=again, enrolled=None)
        said = Notice(
            mark("This device is {device} of {store} now."),
            values={"device": outcome.device.name, "store": outcome.device.store_name},
        )
        return kit.see(HOME, said, cookies=[device_cookie(kit, outcome.token)])

    return Pages(ViewerKind.DEVICE, [enrol, send_code])
