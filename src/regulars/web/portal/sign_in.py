"""How members get in and out: a phone number or an address, a code, and for who is new a short form."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from babel import Locale
from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.engagement import api as engagement
from regulars.members import api as members
from regulars.members.contracts import (
    CodeWanted,
    IdentityKind,
    IdentityValue,
    MemberOpened,
    SignUpByCode,
    SignUpOpen,
)
from regulars.platform.errors import DomainError
from regulars.platform.markets.service import list_markets
from regulars.web.kit.forms import Form, blank_form, form_values, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.notices import Notice
from regulars.web.kit.session_cookies import (
    browser_of,
    ended_cookie,
    known_cookies,
    passing_cookie,
    session_cookie,
)
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import SIGN_IN_PATHS, ViewerKind, local_path, viewer_of

HOME: Final = "/portal"
SIGN_IN: Final = SIGN_IN_PATHS[ViewerKind.MEMBER]
SIGN_UP: Final = "/portal/sign-up"
TICKET_COOKIE: Final = "rgl_member_step"
NEXT_COOKIE: Final = "rgl_member_next"
_SECONDS: Final = 1_500  # the code's ten minutes, and the form's fifteen
_MEMBER: Final = ViewerKind.MEMBER

AnyRequest = Request[Any, Any, Any]


class Who(msgspec.Struct):
    """A phone number or an e-mail address, and the market by which the number is read."""

    identity: Annotated[str, Meta(max_length=320)]
    market: str = ""


class Code(msgspec.Struct):
    """The code, and whether this device is remembered."""

    code: str
    remember: bool = False


class NewMember(msgspec.Struct):
    """What a new member tells; `consents` are the wording versions agreed to."""

    name: Annotated[str, Meta(max_length=80)] | None = None
    consents: list[str] = []
    remember: bool = False


def member_sign_in_pages(kit: Kit) -> Pages:
    """Return the pages by which members get in and out."""
    return Pages(_MEMBER, [*_asking(kit), *_code(kit), *_sign_up(kit), _sign_out(kit)])


def _entered(kit: Kit, request: AnyRequest, opened: MemberOpened, notice: Notice | None = None) -> Response[bytes]:
    until = opened.expires_at if opened.remembered else None
    return kit.see(
        local_path(request.cookies.get(NEXT_COOKIE), HOME),
        notice,
        cookies=[
            session_cookie(kit, _MEMBER, opened.token, until=until),
            *known_cookies(kit, _MEMBER, opened.known),
            *[passing_cookie(kit, name, "", seconds=0) for name in (TICKET_COOKIE, NEXT_COOKIE)],
        ],
    )


def _anew(request: AnyRequest) -> bool:
    """Whether somebody who is signed in is to prove it once more."""
    return request.query_params.get("anew") == "1"


def _asking(kit: Kit) -> Sequence[ControllerRouterHandler]:
    services = kit.services
    deliver = engagement.code_delivery(services.settings, services.vault)

    async def show(request: AnyRequest, form: Form[Any], status: int = 200) -> Response[bytes]:
        async with services.database.transaction() as tx:
            markets = await list_markets(tx)
        names = Locale.parse(kit.page(request).language).territories
        choices = [(one.code, names.get(one.country, one.country)) for one in markets]
        return kit.render(
            request,
            "portal/sign_in.html",
            status=status,
            form=form,
            markets=markets,
            market_choices=choices,
            anew=_anew(request),
            confirms="confirm" in request.query_params,
        )

    @get(SIGN_IN, guards=[kit.guards.anybody(_MEMBER)])
    async def sign_in(request: AnyRequest) -> Response[bytes]:
        asked_again = _anew(request) or "confirm" in request.query_params
        if viewer_of(request).kind is _MEMBER and not asked_again:
            return kit.see(local_path(request.query_params.get("next"), HOME))
        language = kit.page(request).language
        async with services.database.transaction() as tx:
            markets = await list_markets(tx)
        likely = sorted(markets, key=lambda one: not one.language.startswith(language))
        return await show(request, blank_form(market=likely[0].code if likely else ""))

    @post(SIGN_IN)
    async def send_code(request: AnyRequest) -> Response[bytes]:
        language = kit.page(request).language
        form = read_form(request, Who, language)
        if form.value is None:
            return await show(request, form, 422)
        given = form.value
        kind = IdentityKind.EMAIL if "@" in given.identity else IdentityKind.PHONE
        try:
            async with services.database.transaction() as tx:
                market = given.market or next((one.code for one in await list_markets(tx)), "")
                wish = CodeWanted(identity=IdentityValue(kind, given.identity), market=market, language=language)
                browser = browser_of(kit, request, _MEMBER)
                sent = await members.request_code(tx, services.vault, deliver, wish, browser)
        except DomainError as error:
            return await show(request, form.refused(error), error.status)
        onward = local_path(request.query_params.get("next"), HOME)
        kept = [
            passing_cookie(kit, TICKET_COOKIE, sent.ticket, seconds=_SECONDS),
            passing_cookie(kit, NEXT_COOKIE, onward, seconds=_SECONDS),
        ]
        return kit.see(f"{SIGN_IN}/code", cookies=kept)

    return [sign_in, send_code]


def _code(kit: Kit) -> Sequence[ControllerRouterHandler]:
    services = kit.services

    def show(request: AnyRequest, form: Form[Any], status: int = 200) -> Response[bytes]:
        shown = members.ticket_shown(services.vault, request.cookies.get(TICKET_COOKIE, ""))
        if shown is None:
            return kit.see(SIGN_IN)
        return kit.render(request, "portal/sign_in_code.html", status=status, form=form, shown=shown)

    @get(f"{SIGN_IN}/code")
    async def code(request: AnyRequest) -> Response[bytes]:
        return show(request, blank_form(remember=True))

    @post(f"{SIGN_IN}/code")
    async def try_code(request: AnyRequest) -> Response[bytes]:
        form = read_form(request, Code, kit.page(request).language)
        if form.value is None:
            return show(request, form, 422)
        ticket, browser = request.cookies.get(TICKET_COOKIE, ""), browser_of(kit, request, _MEMBER)
        async with services.database.transaction() as tx:
            outcome = await members.sign_in_by_code(
                tx, services.vault, ticket, form.value.code, browser, remember=form.value.remember
            )
        if isinstance(outcome, DomainError):
            again: Form[Any] = Form(form.language, {**form.values, "code": ""}).refused(outcome)
            return show(request, again, outcome.status)
        if isinstance(outcome, SignUpOpen):
            return kit.see(SIGN_UP)
        return _entered(kit, request, outcome)

    return [code, try_code]


def _sign_up(kit: Kit) -> Sequence[ControllerRouterHandler]:
    services = kit.services

    async def show(request: AnyRequest, form: Form[Any], status: int = 200) -> Response[bytes]:
        ticket = request.cookies.get(TICKET_COOKIE, "")
        async with services.database.transaction() as tx:
            may = await members.sign_up_open(tx, services.vault, ticket)
        if may is None:
            return kit.see(SIGN_IN)
        offered = members.consents_offered(services.vault, ticket)
        return kit.render(request, "portal/sign_up.html", status=status, form=form, shown=may.shown, offered=offered)

    @get(SIGN_UP)
    async def sign_up(request: AnyRequest) -> Response[bytes]:
        return await show(request, blank_form(consents=[], remember=True))

    @post(SIGN_UP)
    async def become_member(request: AnyRequest) -> Response[bytes]:
        language = kit.page(request).language
        form = read_form(request, NewMember, language)
        if form.value is None:
            return await show(request, form, 422)
        given, ticket = form.value, request.cookies.get(TICKET_COOKIE, "")
        offered = members.consents_offered(services.vault, ticket)
        wish = SignUpByCode(
            language=language,
            display_name=given.name,
            consents=tuple(one for one in offered if one.wording_version in given.consents),
        )
        browser = browser_of(kit, request, _MEMBER)
        try:
            async with services.database.transaction() as tx:
                opened = await members.sign_up_by_code(
                    tx, services.vault, ticket, wish, browser, remember=given.remember
                )
        except DomainError as error:
            return await show(request, form.refused(error), error.status)
        return _entered(kit, request, opened, Notice(mark("Welcome! You are a member now.")))

    return [sign_up, become_member]


def _sign_out(kit: Kit) -> ControllerRouterHandler:
    @post("/portal/sign-out")
    async def sign_out(request: AnyRequest) -> Response[bytes]:
        token = browser_of(kit, request, _MEMBER).token
        async with kit.services.database.transaction() as tx:
            await members.sign_out_member(tx, token)
        onward = local_path(form_values(request).get("next"), SIGN_IN)
        return kit.see(onward, Notice(mark("You are signed out."), "info"), cookies=[ended_cookie(kit, _MEMBER)])

    return sign_out
