"""Language and theme: what the viewer keeps, what this browser keeps, what it asks for."""

from typing import Any, Final, Literal, get_args

from litestar import Request
from litestar.datastructures import Cookie

from regulars.platform.http.asked import asked
from regulars.platform.texts import LANGUAGES
from regulars.web.kit.viewers import Viewer

Theme = Literal["auto", "light", "dark"]
THEMES: Final[tuple[str, ...]] = get_args(Theme)
LANGUAGE_COOKIE: Final = "rgl_language"
THEME_COOKIE: Final = "rgl_theme"
GUIDE_COOKIE: Final = "rgl_guide_off"
GUIDES: Final = frozenset({"console", "portal", "store"})
_A_YEAR_SECONDS: Final = 365 * 24 * 3600


def language_for(request: Request[Any, Any, Any], viewer: Viewer) -> str:
    """Return the viewer's own language, else the one chosen in this browser, else the best it asks for."""
    own = (viewer.language or "").partition("-")[0]
    if own in LANGUAGES:
        return own
    kept = request.cookies.get(LANGUAGE_COOKIE)
    return kept if kept in LANGUAGES else asked(request.scope).language


def theme_for(request: Request[Any, Any, Any]) -> str:
    """Return light or dark if chosen in this browser, else auto: as the machine is set."""
    kept = request.cookies.get(THEME_COOKIE, "")
    return kept if kept in THEMES else "auto"


def guides_hidden(request: Request[Any, Any, Any]) -> frozenset[str]:
    """Return the faces whose first steps somebody has hidden in this browser."""
    return GUIDES.intersection(request.cookies.get(GUIDE_COOKIE, "").split("."))


def preference_cookie(name: str, value: str, *, secure: bool) -> Cookie:
    """Return the cookie that keeps a choice for a year."""
    return Cookie(name, value=value, max_age=_A_YEAR_SECONDS, path="/", secure=secure, httponly=True, samesite="lax")
