"""One's own account: password, second factor, recovery codes, sessions."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from regulars.platform.auth.staff import sessions
from regulars.platform.auth.staff.contracts import SESSION_PREFIX, Enrolment, Viewer
from regulars.platform.auth.staff.errors import SignInStale
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.web.console.roles import roles_said
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.notices import Notice
from regulars.web.kit.session_cookies import ended_cookie, session_cookie
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import SIGN_IN_PATHS, ViewerKind, viewer_of

ACCOUNT: Final = "/console/account"
_STAFF: Final = ViewerKind.STAFF

AnyRequest = Request[Any, Any, Any]


class NewPassword(msgspec.Struct):
    """The old and the new one."""

    current_password: str
    password: str


class NewPhone(msgspec.Struct):
    """The password, the first code of the new phone, and what carries its secret."""

    current_password: str
    code: str
    enrolment: str


class Confirmed(msgspec.Struct):
    """The password again."""

    current_password: str


def account_pages(kit: Kit) -> Pages:
    """Return the pages of one's own account."""
    handlers = [*_overview(kit), *_password(kit), *_phone(kit), *_recovery(kit)]
    return Pages(_STAFF, handlers)


def who(request: AnyRequest) -> Viewer:
    """Return the signed-in account, on a guarded page."""
    found: Viewer = viewer_of(request).session
    return found


def _overview(kit: Kit) -> Sequence[ControllerRouterHandler]:
    @get(ACCOUNT, guards=[kit.guards.staff()])
    async def account(request: AnyRequest) -> Response[bytes]:
        viewer = who(request)
        async with kit.services.database.transaction() as tx:
            found = await sessions.list_sessions(tx, viewer.staff_id, kit.services.staff.terms)
        listed = [(public_id(SESSION_PREFIX, one.session_id), one) for one in found]
        left = await kit.services.staff.recovery_codes_left(viewer)
        language = kit.page(request).language
        return kit.render(
            request,
            "console/account.html",
            viewer=viewer,
            sessions=listed,
            codes_left=left,
            roles_said=lambda roles: roles_said(roles, language),
        )

    @post(f"{ACCOUNT}/sessions/{{session_id:str}}/end", guards=[kit.guards.staff()])
    async def end_session(request: AnyRequest, session_id: FromPath[str]) -> Response[bytes]:
        viewer, found = who(request), parse_public_id(SESSION_PREFIX, session_id)
        async with kit.services.database.transaction(actor=viewer.actor) as tx:
            if found is None:
                raise NotFound
            await sessions.end_session(tx, viewer.staff_id, found)
        if found == viewer.session_id:
            return kit.see(SIGN_IN_PATHS[_STAFF], cookies=[ended_cookie(kit, _STAFF)])
        return kit.see(ACCOUNT, Notice(mark("That session has ended.")))

    @post(f"{ACCOUNT}/sign-out-everywhere", guards=[kit.guards.staff()])
    async def sign_out_everywhere(request: AnyRequest) -> Response[bytes]:
        viewer = who(request)
        async with kit.services.database.transaction(actor=viewer.actor) as tx:
            await sessions.end_all_sessions(tx, viewer.staff_id)
        said = Notice(mark("You are signed out everywhere."), "info")
        return kit.see(SIGN_IN_PATHS[_STAFF], said, cookies=[ended_cookie(kit, _STAFF)])

    return [account, end_session, sign_out_everywhere]


def _password(kit: Kit) -> Sequence[ControllerRouterHandler]:
    @get(f"{ACCOUNT}/password", guards=[kit.guards.staff()])
    async def password(request: AnyRequest) -> Response[bytes]:
        return kit.render(request, "console/account_password.html", form=blank_form())

    @post(f"{ACCOUNT}/password", guards=[kit.guards.staff()])
    async def change_password(request: AnyRequest) -> Response[bytes]:
        form = read_form(request, NewPassword, kit.page(request).language)
        if form.value is None:
            return kit.render(request, "console/account_password.html", status=422, form=form)
        given = form.value
        try:
            opened = await kit.services.staff.change_password(who(request), given.current_password, given.password)
        except DomainError as error:
            return kit.render(request, "console/account_password.html", status=error.status, form=form.refused(error))
        cookie = session_cookie(kit, _STAFF, opened.token, until=opened.expires_at)
        said = Notice(mark("Your password is changed; every other session has ended."))
        return kit.see(ACCOUNT, said, cookies=[cookie])

    return [password, change_password]


def _phone(kit: Kit) -> Sequence[ControllerRouterHandler]:
    staff = kit.services.staff

    def show(request: AnyRequest, enrolment: Enrolment, form: Form[Any], status: int = 200) -> Response[bytes]:
        return kit.render(request, "console/account_phone.html", status=status, form=form, enrolment=enrolment)

    @get(f"{ACCOUNT}/phone", guards=[kit.guards.staff()])
    async def phone(request: AnyRequest) -> Response[bytes]:
        return show(request, await staff.begin_second_factor(who(request)), blank_form())

    @post(f"{ACCOUNT}/phone", guards=[kit.guards.staff()])
    async def change_phone(request: AnyRequest) -> Response[bytes]:
        viewer = who(request)
        form = read_form(request, NewPhone, kit.page(request).language)
        try:
            enrolment = await staff.show_second_factor(viewer, str(form.values["enrolment"]))
        except SignInStale:
            return kit.see(f"{ACCOUNT}/phone", Notice(mark("That took too long. Here is a new code to scan."), "info"))
        if form.value is None:
            return show(request, enrolment, form, 422)
        given = form.value
        try:
            opened, codes = await staff.change_second_factor(
                viewer, given.current_password, given.enrolment, given.code
            )
        except DomainError as error:
            return show(
                request, enrolment, Form(form.language, {**form.values, "code": ""}).refused(error), error.status
            )
        cookie = session_cookie(kit, _STAFF, opened.token, until=opened.expires_at)
        return kit.render(request, "console/recovery_codes.html", cookies=[cookie], codes=codes)

    return [phone, change_phone]


def _recovery(kit: Kit) -> Sequence[ControllerRouterHandler]:
    @get(f"{ACCOUNT}/recovery-codes", guards=[kit.guards.staff()])
    async def recovery(request: AnyRequest) -> Response[bytes]:
        return kit.render(request, "console/account_recovery.html", form=blank_form())

    @post(f"{ACCOUNT}/recovery-codes", guards=[kit.guards.staff()])
    async def renew(request: AnyRequest) -> Response[bytes]:
        form = read_form(request, Confirmed, kit.page(request).language)
        if form.value is None:
            return kit.render(request, "console/account_recovery.html", status=422, form=form)
        try:
            codes = await kit.services.staff.renew_recovery_codes(who(request), form.value.current_password)
        except DomainError as error:
            return kit.render(request, "console/account_recovery.html", status=error.status, form=form.refused(error))
        return kit.render(request, "console/recovery_codes.html", codes=codes)

    return [recovery, renew]
