"""The kit's own addresses: assets, language and theme, the palette, what makes the portal installable."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery
from litestar.types import ControllerRouterHandler

from regulars.platform.errors import NotFound
from regulars.platform.http.late_routes import Owned
from regulars.platform.texts import LANGUAGES
from regulars.web.kit.assets import IMMUTABLE, PREFIX
from regulars.web.kit.forms import form_values
from regulars.web.kit.kit import Kit
from regulars.web.kit.pages import takes_gzip
from regulars.web.kit.palette import pages_called
from regulars.web.kit.preferences import (
    GUIDE_COOKIE,
    GUIDES,
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    THEMES,
    guides_hidden,
    preference_cookie,
)
from regulars.web.kit.refusals import begin, keep
from regulars.web.kit.security import HEADERS, refuse_foreign
from regulars.web.kit.touch_icon import SIZE_PX
from regulars.web.kit.viewers import ViewerKind, local_path, viewer_of

_PALETTE_LETTERS: Final = 2
_NOT_MODIFIED: Final = 304
_WORKER: Final = "worker.js"
TOUCH_ICON: Final = "/apple-touch-icon.png"


def page_router(kit: Kit, handlers: Sequence[ControllerRouterHandler]) -> Owned:
    """Return every page under one router: not in the API's description, safe headers, no changes for other sites."""

    # Litestar sends hooks that are not asynchronous through threads, which takes longer than all they do.
    async def answered(response: Response[Any]) -> Response[Any]:
        await keep(kit.services.database)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    hooks: dict[str, Any] = {"before_request": _begun, "after_request": answered}
    return Owned(Router("/", route_handlers=[], include_in_schema=False, **hooks), [*_routes(kit), *handlers])


async def _begun(request: Request[Any, Any, Any]) -> None:
    await refuse_foreign(request)
    begin(request)


def _routes(kit: Kit) -> list[ControllerRouterHandler]:
    return [_assets(kit), *_preferences(kit), _palette(kit), *_installing(kit)]


def _assets(kit: Kit) -> ControllerRouterHandler:
    @get(PREFIX + "{name:str}")
    async def asset(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
        found = kit.assets.files.get(name)
        if found is None:
            raise NotFound
        headers = {"Cache-Control": IMMUTABLE, "ETag": found.etag, "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == found.etag:
            return Response(b"", status_code=_NOT_MODIFIED, headers=headers)
        content = found.content
        if takes_gzip(request):
            content, headers["Content-Encoding"] = found.compressed, "gzip"
        return Response(content, headers=headers, media_type=found.media_type)

    return asset


def _preferences(kit: Kit) -> list[ControllerRouterHandler]:
    """Language, theme and hiding first steps are forms, so that they work without scripts."""

    @post("/preferences/language", guards=[_whoever(kit)])
    async def language(request: Request[Any, Any, Any]) -> Response[bytes]:
        given = form_values(request)
        chosen = given.get("language", "")
        if chosen not in LANGUAGES:
            raise NotFound
        await kit.sessions.remember_language(viewer_of(request), chosen)
        cookie = preference_cookie(LANGUAGE_COOKIE, chosen, secure=kit.secure_cookies)
        return kit.see(local_path(given.get("next"), "/"), cookies=[cookie])

    @post("/preferences/theme")
    async def theme(request: Request[Any, Any, Any]) -> Response[bytes]:
        given = form_values(request)
        chosen = given.get("theme", "")
        if chosen not in THEMES:
            raise NotFound
        cookie = preference_cookie(THEME_COOKIE, chosen, secure=kit.secure_cookies)
        return kit.see(local_path(given.get("next"), "/"), cookies=[cookie])

    @post("/preferences/guide")
    async def guide(request: Request[Any, Any, Any]) -> Response[bytes]:
        given = form_values(request)
        hidden = guides_hidden(request) | GUIDES.intersection({given.get("hide", "")})
        cookie = preference_cookie(GUIDE_COOKIE, ".".join(sorted(hidden)), secure=kit.secure_cookies)
        return kit.see(local_path(given.get("next"), "/"), cookies=[cookie])

    return [language, theme, guide]


def _palette(kit: Kit) -> ControllerRouterHandler:
    @get("/console/palette", guards=[kit.guards.anybody(ViewerKind.STAFF)])
    async def palette(request: Request[Any, Any, Any], q: FromQuery[str] = "") -> Response[bytes]:
        # Whoever is not signed in has no permissions, and finds only the pages of their navigation.
        viewer, text = viewer_of(request), q.strip()
        page = kit.page(request)
        hits = pages_called(text, page.navigation.entries, page.language)
        if text and viewer.kind is ViewerKind.STAFF:
            hits += kit.palette.deeds_called(text, viewer, page.language)
        if len(text) >= _PALETTE_LETTERS:
            hits += await kit.palette.find(text, viewer)
        return kit.render(request, "kit/palette.html", text=text, hits=hits)

    return palette


def _installing(kit: Kit) -> list[ControllerRouterHandler]:
    """What a browser asks for before it offers to put the portal onto the home screen."""

    @get("/manifest.webmanifest")
    async def manifest() -> Response[bytes]:
        brand = kit.brand
        described = {
            "name": brand.name,
            "short_name": brand.name,
            "start_url": "/portal",
            "scope": "/portal",
            "display": "standalone",
            "background_color": "#ffffff",
            "theme_color": brand.color,
            "icons": [
                {"src": kit.assets.url("app.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
                {"src": TOUCH_ICON, "sizes": f"{SIZE_PX}x{SIZE_PX}", "type": "image/png", "purpose": "any"},
            ],
        }
        headers = {"Cache-Control": "public, max-age=3600"}
        return Response(msgspec.json.encode(described), headers=headers, media_type="application/manifest+json")

    @get(TOUCH_ICON)
    async def icon() -> Response[bytes]:
        headers = {"Cache-Control": "public, max-age=86400"}
        return Response(kit.brand.touch_icon(), headers=headers, media_type="image/png")

    @get(f"/{_WORKER}")
    async def worker() -> Response[bytes]:
        content = kit.assets.files[kit.assets.url(_WORKER).removeprefix(PREFIX)].content
        return Response(content, headers={"Cache-Control": "no-cache"}, media_type="text/javascript")

    return [manifest, icon, worker]


def _whoever(kit: Kit) -> Any:  # noqa: ANN401 - a guard
    """Know who looks, from whichever face: the first session found."""

    async def guard(connection: Any, handler: Any) -> None:  # noqa: ANN401 - Litestar's own
        for kind in (ViewerKind.STAFF, ViewerKind.MEMBER, ViewerKind.DEVICE):
            await kit.guards.anybody(kind)(connection, handler)
            if viewer_of(connection).kind is kind:
                return

    return guard
