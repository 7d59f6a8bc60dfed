"""One-time links: a password, a phone, recovery codes; then the account is open."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from regulars.platform.auth.staff.errors import LinkDead
from regulars.platform.errors import DomainError
from regulars.web.console.sign_in import Code
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.session_cookies import browser_of, known_cookies, session_cookie
from regulars.web.kit.viewers import ViewerKind

INVITATION: Final = "/console/invitation"

AnyRequest = Request[Any, Any, Any]


class ChosenPassword(msgspec.Struct):
    """The password, once: who mistypes it gets another link, and a second field helps nobody who may see the first."""

    password: str


def invitation_pages(kit: Kit) -> Pages:
    """Return the pages of a one-time link. Nothing is changed by opening it."""
    return Pages(ViewerKind.STAFF, [*_password(kit), *_phone(kit)])


def _password(kit: Kit) -> Sequence[ControllerRouterHandler]:
    staff = kit.services.staff

    async def show(request: AnyRequest, token: str, form: Form[Any], status: int = 200) -> Response[bytes]:
        account = await staff.read_link(token)
        return kit.render(request, "console/invitation.html", status=status, form=form, account=account, token=token)

    @get(f"{INVITATION}/{{token:str}}")
    async def open_link(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
        return await show(request, token, blank_form())

    @post(f"{INVITATION}/{{token:str}}")
    async def choose_password(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
        form = read_form(request, ChosenPassword, kit.page(request).language)
        if form.value is None:
            return await show(request, token, form, 422)
        try:
            await staff.choose_password(token, form.value.password)
        except LinkDead:
            raise
        except DomainError as error:
            return await show(request, token, form.refused(error), error.status)
        return kit.see(f"{INVITATION}/{token}/phone")

    return [open_link, choose_password]


def _phone(kit: Kit) -> Sequence[ControllerRouterHandler]:
    staff = kit.services.staff

    async def show(request: AnyRequest, token: str, form: Form[Any], status: int = 200) -> Response[bytes]:
        enrolment = await staff.enrolment_of(token)
        if enrolment is None:
            return kit.see(f"{INVITATION}/{token}")
        return kit.render(
            request, "console/invitation_phone.html", status=status, form=form, enrolment=enrolment, token=token
        )

    @get(f"{INVITATION}/{{token:str}}/phone")
    async def set_up_phone(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
        return await show(request, token, blank_form())

    @post(f"{INVITATION}/{{token:str}}/phone")
    async def send_code(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
        form = read_form(request, Code, kit.page(request).language)
        if form.value is None:
            return await show(request, token, form, 422)
        browser = browser_of(kit, request, ViewerKind.STAFF)
        try:
            welcome = await staff.accept_link(token, form.value.code, browser)
        except LinkDead:
            raise
        except DomainError as error:
            again: Form[Any] = Form(form.language, {"code": ""}).refused(error)
            return await show(request, token, again, error.status)
        opened = welcome.opened
        cookies = [
            session_cookie(kit, ViewerKind.STAFF, opened.token, until=opened.expires_at),
            *known_cookies(kit, ViewerKind.STAFF, opened.known),
        ]
        return kit.render(request, "console/recovery_codes.html", cookies=cookies, codes=welcome.recovery_codes)

    return [set_up_phone, send_code]
