"""How staff get in and out: password, code, one-time link, identity provider."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from regulars.platform.auth.staff import sessions
from regulars.platform.auth.staff.contracts import CodeAsked, Opened
from regulars.platform.auth.staff.errors import SignInStale
from regulars.platform.errors import DomainError, NotFound
from regulars.web.kit.forms import Form, blank_form, form_values, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.notices import Notice
from regulars.web.kit.preferences import guides_hidden
from regulars.web.kit.refusals import noted
from regulars.web.kit.session_cookies import (
    browser_of,
    ended_cookie,
    known_cookies,
    passing_cookie,
    session_cookie,
)
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import SIGN_IN_PATHS, ViewerKind, local_path, viewer_of

HOME: Final = "/console"
WELCOME: Final = f"{HOME}/welcome"
SIGN_IN: Final = SIGN_IN_PATHS[ViewerKind.STAFF]
STEP_COOKIE: Final = "rgl_staff_step"
FLOW_COOKIE: Final = "rgl_staff_flow"
NEXT_COOKIE: Final = "rgl_staff_next"
_STEP_SECONDS: Final = 300
_FLOW_SECONDS: Final = 600
_STAFF: Final = ViewerKind.STAFF

AnyRequest = Request[Any, Any, Any]


class SignIn(msgspec.Struct):
    """The first step."""

    email: str
    password: str


class Code(msgspec.Struct):
    """The second step."""

    code: str


def staff_sign_in_pages(kit: Kit) -> Pages:
    """Return the pages by which staff get in and out."""
    return Pages(_STAFF, [*_password(kit), *_code(kit), *_provider(kit), _sign_out(kit)])


def entered(kit: Kit, opened: Opened, to: str, notice: Notice | None = None) -> Response[bytes]:
    """Send whoever has signed in on their way, with the session's cookie; what was under way is over."""
    return kit.see(
        to,
        notice,
        cookies=[
            session_cookie(kit, _STAFF, opened.token, until=opened.expires_at),
            *known_cookies(kit, _STAFF, opened.known),
            *[passing_cookie(kit, name, "", seconds=0) for name in (STEP_COOKIE, FLOW_COOKIE, NEXT_COOKIE)],
        ],
    )


def _onward(kit: Kit, request: AnyRequest) -> str:
    """Where somebody wanted to go before they had to sign in: on this site, or first steps, or the console."""
    del kit
    return local_path(request.query_params.get("next"), HOME if "console" in guides_hidden(request) else WELCOME)


def _password(kit: Kit) -> Sequence[ControllerRouterHandler]:
    staff = kit.services.staff

    def show(request: AnyRequest, form: Form[Any], status: int = 200) -> Response[bytes]:
        provider = kit.services.oidc is not None
        return kit.render(request, "console/sign_in.html", status=status, form=form, provider=provider)

    @get(SIGN_IN, guards=[kit.guards.anybody(_STAFF)])
    async def sign_in(request: AnyRequest) -> Response[bytes]:
        if viewer_of(request).kind is _STAFF:
            return kit.see(_onward(kit, request))
        return show(request, blank_form())

    @post(SIGN_IN)
    async def send_password(request: AnyRequest) -> Response[bytes]:
        form = read_form(request, SignIn, kit.page(request).language)
        if form.value is None:
            return show(request, form, 422)
        try:
            outcome = await staff.with_password(form.value.email, form.value.password, browser_of(kit, request, _STAFF))
        except DomainError as error:
            return show(request, form.refused(error), error.status)
        if isinstance(outcome, CodeAsked):
            kept = [
                passing_cookie(kit, STEP_COOKIE, outcome.token, seconds=_STEP_SECONDS),
                passing_cookie(kit, NEXT_COOKIE, _onward(kit, request), seconds=_FLOW_SECONDS),
            ]
            return kit.see(f"{SIGN_IN}/code", cookies=kept)
        return entered(kit, outcome, _onward(kit, request))

    return [sign_in, send_password]


def _code(kit: Kit) -> Sequence[ControllerRouterHandler]:
    @get(f"{SIGN_IN}/code")
    async def code(request: AnyRequest) -> Response[bytes]:
        if STEP_COOKIE not in request.cookies:
            return kit.see(SIGN_IN)
        return kit.render(request, "console/sign_in_code.html", form=blank_form())

    @post(f"{SIGN_IN}/code")
    async def send_code(request: AnyRequest) -> Response[bytes]:
        form = read_form(request, Code, kit.page(request).language)
        if form.value is None:
            return kit.render(request, "console/sign_in_code.html", status=422, form=form)
        step = request.cookies.get(STEP_COOKIE, "")
        try:
            opened = await kit.services.staff.with_code(step, form.value.code, browser_of(kit, request, _STAFF))
        except SignInStale as error:
            over = passing_cookie(kit, STEP_COOKIE, "", seconds=0)
            return kit.see(SIGN_IN, Notice(noted(error).message, "warning"), cookies=[over])
        except DomainError as error:
            again: Form[Any] = Form(form.language, {"code": ""}).refused(error)
            return kit.render(request, "console/sign_in_code.html", status=error.status, form=again)
        return entered(kit, opened, local_path(request.cookies.get(NEXT_COOKIE), HOME))

    return [code, send_code]


def _provider(kit: Kit) -> Sequence[ControllerRouterHandler]:
    """The way through the company's identity provider; a GET, because forms may lead nowhere but here."""

    @get(f"{SIGN_IN}/provider")
    async def begin(request: AnyRequest) -> Response[bytes]:
        if kit.services.oidc is None:
            raise NotFound
        begun = await kit.services.oidc.begin()
        kept = [
            passing_cookie(kit, FLOW_COOKIE, begun.browser_token, seconds=_FLOW_SECONDS),
            passing_cookie(kit, NEXT_COOKIE, _onward(kit, request), seconds=_FLOW_SECONDS),
        ]
        return kit.see(begun.location, cookies=kept)

    @get(f"{SIGN_IN}/oidc")
    async def come_back(request: AnyRequest) -> Response[bytes]:
        if kit.services.oidc is None:
            raise NotFound
        said = request.query_params
        try:
            opened = await kit.services.oidc.finish(
                code=said.get("code", ""),
                state=said.get("state", ""),
                issuer=said.get("iss"),
                browser_token=request.cookies.get(FLOW_COOKIE, ""),
                browser=browser_of(kit, request, _STAFF),
            )
        except DomainError as error:
            form = blank_form(kit.page(request).language).refused(error)
            return kit.render(request, "console/sign_in.html", status=error.status, form=form, provider=True)
        return entered(kit, opened, local_path(request.cookies.get(NEXT_COOKIE), HOME))

    return [begin, come_back]


def _sign_out(kit: Kit) -> ControllerRouterHandler:
    @post("/console/sign-out")
    async def sign_out(request: AnyRequest) -> Response[bytes]:
        token = browser_of(kit, request, _STAFF).token
        if token:
            async with kit.services.database.transaction() as tx:
                await sessions.sign_out(tx, token)
        onward = local_path(form_values(request).get("next"), SIGN_IN)
        said = Notice(mark("You are signed out."), "info")
        return kit.see(onward, said, cookies=[ended_cookie(kit, _STAFF)])

    return sign_out
