"""The cookies of sessions, and of what is under way while somebody signs in; and where a request comes from."""

from datetime import datetime
from typing import Any, Final

from litestar import Request
from litestar.datastructures import Cookie

from regulars.platform import clock
from regulars.platform.auth.contracts import Browser
from regulars.platform.auth.known import KNOWN_LASTS
from regulars.web.kit.kit import Kit
from regulars.web.kit.viewers import COOKIES, ViewerKind

# A device stays enrolled until it is revoked; browsers keep a cookie for 400 days at most, then it is enrolled anew.
DEVICE_SECONDS: Final = 400 * 24 * 3600
# Tells apart a browser in which somebody signed in before; it opens nothing (`platform.auth.known`).
KNOWN_COOKIES: Final = {ViewerKind.STAFF: "rgl_staff_known", ViewerKind.MEMBER: "rgl_member_known"}


def session_cookie(kit: Kit, kind: ViewerKind, token: str, *, until: datetime | None = None) -> Cookie:
    """Return the cookie of a session; without `until` the browser forgets it when it is closed."""
    left = None if until is None else max(0, int((until - clock.wall_now()).total_seconds()))
    return _cookie(kit, COOKIES[kind], token, left)


def device_cookie(kit: Kit, token: str) -> Cookie:
    """Return the cookie of a shop device's key."""
    return _cookie(kit, COOKIES[ViewerKind.DEVICE], token, DEVICE_SECONDS)


def ended_cookie(kit: Kit, kind: ViewerKind) -> Cookie:
    """Return the cookie that ends a session in the browser."""
    return _cookie(kit, COOKIES[kind], "", 0)


def passing_cookie(kit: Kit, name: str, value: str, *, seconds: int) -> Cookie:
    """Return a cookie for what is under way; an empty `value` ends it."""
    return _cookie(kit, name, value, seconds if value else 0)


def browser_of(kit: Kit, request: Request[Any, Any, Any], kind: ViewerKind) -> Browser:
    """Return where a request comes from, with the session token of this kind that it brought along."""
    return Browser(
        address=kit.services.origins.address_of(request.scope),
        user_agent=request.headers.get("user-agent", "")[:500],
        token=request.cookies.get(COOKIES[kind], ""),
        known=request.cookies.get(KNOWN_COOKIES[kind], "") if kind in KNOWN_COOKIES else "",
    )


def known_cookies(kit: Kit, kind: ViewerKind, known: str) -> list[Cookie]:
    """Return the cookie by which this browser is told apart from now on; none if it stays as it was."""
    return [_cookie(kit, KNOWN_COOKIES[kind], known, int(KNOWN_LASTS.total_seconds()))] if known else []


def _cookie(kit: Kit, name: str, value: str, seconds: int | None) -> Cookie:
    return Cookie(
        name,
        value=value,
        max_age=seconds,
        path="/",
        secure=kit.secure_cookies,
        httponly=True,
        samesite="lax",
    )
