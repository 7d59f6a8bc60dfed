"""Who looks at a page, and who may: `Viewer`, the guards of routes, and what the kit asks of sign-in."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol
from urllib.parse import quote, urlsplit
from uuid import UUID

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from regulars.web.kit.errors import PermissionNeeded, SignInNeeded

Connection = ASGIConnection[Any, Any, Any, Any]
_SCOPE_KEY: Final = "regulars.visitor"


class ViewerKind(StrEnum):
    """From which face somebody looks."""

    NOBODY = "nobody"
    STAFF = "staff"
    MEMBER = "member"
    DEVICE = "device"


COOKIES: Final = {
    ViewerKind.STAFF: "rgl_staff",
    ViewerKind.MEMBER: "rgl_member",
    ViewerKind.DEVICE: "rgl_device",
}
SIGN_IN_PATHS: Final = {
    ViewerKind.STAFF: "/console/sign-in",
    ViewerKind.MEMBER: "/portal/sign-in",
    ViewerKind.DEVICE: "/store/enrol",
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who looks at pages, as their session knows them.

    `permissions` are those of a staff member's roles, or what may be done at a device. `stores` are the ids of the
    shops they are bound to; None means every shop. `language` (a BCP 47 tag) and `time_zone` are None where they have
    none of their own. `news` is how many messages of a member's inbox are unread. `session` is what the room that
    signed them in knows of them.
    """

    kind: ViewerKind = ViewerKind.NOBODY
    id: UUID | None = None
    name: str = ""
    session_id: UUID | None = None
    permissions: frozenset[str] = frozenset()
    stores: frozenset[str] | None = field(default_factory=frozenset)
    language: str | None = None
    time_zone: str | None = None
    news: int = 0
    session: Any = None

    def may(self, permission: str) -> bool:
        """Whether a staff member's roles allow something."""
        return permission in self.permissions

    def sees_store(self, store_id: str | None) -> bool:
        """Whether what belongs to a shop (None: to no shop) may be seen."""
        return self.stores is None or store_id in self.stores


NOBODY: Final = Viewer()


class Sessions(Protocol):
    """What the kit asks of sign-in: whose session a browser's cookies hold. Wired in entrypoints."""

    async def find(self, kind: ViewerKind, cookies: Mapping[str, str]) -> Viewer | None:
        """Return the viewer of this kind whose session a browser holds; None if there is none, or none any more."""

    async def remember_language(self, viewer: Viewer, language: str) -> None:
        """Keep the language that a signed-in viewer chose."""


Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Guards:
    """Guards for routes: `@get("/console/members", guards=[guards.staff("members:read")])`."""

    sessions: Sessions

    def staff(self, *permissions: str) -> Guard:
        """Let in staff who have every permission named."""

        async def guard(connection: Connection, _: BaseRouteHandler) -> None:
            viewer = await self._require(connection, ViewerKind.STAFF)
            if not viewer.permissions.issuperset(permissions):
                raise PermissionNeeded

        return guard

    def member(self) -> Guard:
        """Let in a signed-in member."""
        return self._of_kind(ViewerKind.MEMBER)

    def device(self, *permissions: str) -> Guard:
        """Let in an enrolled shop device at which every permission named is given."""

        async def guard(connection: Connection, _: BaseRouteHandler) -> None:
            viewer = await self._require(connection, ViewerKind.DEVICE)
            if not viewer.permissions.issuperset(permissions):
                raise PermissionNeeded

        return guard

    def anybody(self, kind: ViewerKind) -> Guard:
        """Let in everybody, and know those who are signed in: for sign-in pages and the like."""

        async def guard(connection: Connection, _: BaseRouteHandler) -> None:
            await self._know(connection, kind)

        return guard

    def _of_kind(self, kind: ViewerKind) -> Guard:
        async def guard(connection: Connection, _: BaseRouteHandler) -> None:
            await self._require(connection, kind)

        return guard

    async def _require(self, connection: Connection, kind: ViewerKind) -> Viewer:
        viewer = await self._know(connection, kind)
        if viewer is NOBODY:
            raise SignInNeeded(at=sign_in_path(kind, connection))
        return viewer

    async def _know(self, connection: Connection, kind: ViewerKind) -> Viewer:
        viewer = await self.sessions.find(kind, connection.cookies) or NOBODY
        connection.scope[_SCOPE_KEY] = viewer  # type: ignore[typeddict-unknown-key] # ASGI lets applications add keys
        return viewer


def viewer_of(connection: Connection) -> Viewer:
    """Return who looks, as the route's guard found out."""
    found: Viewer = connection.scope.get(_SCOPE_KEY, NOBODY)  # type: ignore[assignment] # as above
    return found


def sign_in_path(kind: ViewerKind, connection: Connection) -> str:
    """Return where to sign in, with the way back to the page that was asked for, or on which htmx asked for a part."""
    page = connection.headers.get("hx-current-url")
    if page is not None:
        parts = urlsplit(page)
        path, query = parts.path, parts.query
    elif connection.scope.get("method") == "GET":
        path, query = connection.scope["path"], connection.scope["query_string"].decode("latin-1")
    else:
        return SIGN_IN_PATHS[kind]
    return f"{SIGN_IN_PATHS[kind]}?next={quote(f'{path}?{query}' if query else path, safe='/')}"


def local_path(given: str | None, otherwise: str) -> str:
    """Return a way back that stays on this site; `otherwise` for anything that might lead elsewhere."""
    if given is None or not given.startswith("/") or given.startswith(("//", "/\\")) or not given.isprintable():
        return otherwise
    parts = urlsplit(given)
    return otherwise if parts.scheme or parts.netloc or "\\" in parts.path else given
