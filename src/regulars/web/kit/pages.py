"""A page: what every template knows of it, and how it becomes an answer."""

import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import segno
from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from litestar import Request, Response
from litestar.datastructures import Cookie
from markupsafe import Markup

from regulars.web.kit.assets import Assets
from regulars.web.kit.brand import Brand
from regulars.web.kit.cells import Cell, render_cell
from regulars.web.kit.demo import Demo
from regulars.web.kit.formats import Formats
from regulars.web.kit.navigation import Navigation
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import browser_named, translate, translate_plural
from regulars.web.kit.viewers import Viewer, ViewerKind

ROOMS: Final = ("kit", "console", "portal", "store")
_STAFF_PATHS: Final = ("/console", "/store")
_WEB: Final = Path(__file__).parent.parent
_MACROS: Final = ("kit/basics.html", "kit/fields.html", "kit/lists.html")
_WORTH_COMPRESSING_BYTES: Final = 1_000
_FORMATS: Final = ("number", "share", "money", "day", "moment", "time", "month")
_LEVEL: Final = 3  # 0.3 ms for 30 KB; 9 takes three times as long for a tenth less
_LANGUAGE_TAGS: Final = {"en": "en", "zh": "zh-CN"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What every template knows, as `page`."""

    path: str
    query: str
    language: str
    theme: str
    formats: Formats
    viewer: Viewer
    brand: Brand
    navigation: Navigation
    notice: Notice | None = None
    development: bool = False
    demo: Demo | None = None
    hidden_guides: frozenset[str] = frozenset()

    @property
    def language_tag(self) -> str:
        """The language as HTML names it."""
        return _LANGUAGE_TAGS[self.language]

    @property
    def face(self) -> str:
        """Whose scripts and styles the page has: the console's (and the store screen's), or the portal's small ones."""
        return "console" if self.path.startswith(_STAFF_PATHS) else "portal"

    @property
    def home(self) -> str:
        """The first page of the face that somebody may see."""
        if self.path.startswith("/console") and self.viewer.kind is ViewerKind.STAFF:
            return "/console" if self.viewer.may("overview:read") else "/console/welcome"
        return next((path for path in _STAFF_PATHS if self.path.startswith(path)), "/")

    @property
    def guide_is_hidden(self) -> bool:
        """Whether the face's first steps were hidden in this browser."""
        name = next((path for path in _STAFF_PATHS if self.path.startswith(path)), "/portal")
        return name.removeprefix("/") in self.hidden_guides

    @property
    def here(self) -> str:
        """The address of this page, to come back to."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(slots=True)
class Templates:
    """The Jinja environment of the pages: escaped, strict about names, with the kit's macros as `ui`."""

    assets: Assets
    follow_changes: bool = False
    environment: Environment = field(init=False)

    def __post_init__(self) -> None:
        """Make the environment."""
        rooms = {room: FileSystemLoader(_WEB / room / "templates") for room in ROOMS}
        self.environment = Environment(
            loader=PrefixLoader(rooms),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=self.follow_changes,
        )
        self.environment.globals.update(
            _=translate, plural=translate_plural, asset=self.assets.url, icon=self._icon, qr_svg=qr_svg
        )
        self.environment.filters.update(
            {name: _formatted(name) for name in _FORMATS}, cell=_cell, browser=browser_named
        )

    def render(self, template: str, page: Page, values: Mapping[str, Any]) -> str:
        """Return a template's text."""
        known = {"page": page, **values}
        known["ui"] = _Macros([self.environment.get_template(name).make_module({"page": page}) for name in _MACROS])
        return self.environment.get_template(template).render(known)

    def _icon(self, name: str, label: str = "") -> Markup:
        """Return an icon of the sprite; without a label it is decoration."""
        said = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
        return Markup('<svg class="icon" {}><use href="{}"></use></svg>').format(said, self.assets.icon_url(name))


class _Macros:
    """The macros of several templates under one name."""

    def __init__(self, modules: Sequence[Any]) -> None:
        self._modules = modules

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a macro
        for module in self._modules:
            if name in module.__dict__:
                return module.__dict__[name]
        raise AttributeError(name)


@lru_cache(maxsize=1_024)
def qr_svg(text: str) -> Markup:
    """Return a QR code as an SVG of its own size; its container gives it one.

    Drawing takes a millisecond, so it is kept. Choosing the best of eight masks took four more; a scanner reads each.
    """
    drawn = segno.make(text, error="m", mask=0)
    return Markup(drawn.svg_inline(omitsize=True, border=0, lineclass=None, svgclass=None))  # noqa: S704 - segno's own markup


def html_response(
    request: Request[Any, Any, Any], text: str, *, status: int, headers: Mapping[str, str], cookies: Sequence[Cookie]
) -> Response[bytes]:
    """Return a page as the answer to a request, compressed if the browser takes that. It is nobody else's to keep."""
    content = text.encode()
    given = {"Cache-Control": "no-store", "Vary": "Accept-Encoding, Cookie", **headers}
    if len(content) >= _WORTH_COMPRESSING_BYTES and takes_gzip(request):
        content = gzip.compress(content, _LEVEL, mtime=0)
        given["Content-Encoding"] = "gzip"
    return Response(content, status_code=status, headers=given, cookies=list(cookies), media_type="text/html")


def takes_gzip(request: Request[Any, Any, Any]) -> bool:
    """Whether the browser reads compressed answers."""
    return "gzip" in request.headers.get("accept-encoding", "")


def _formatted(name: str) -> Callable[[Context, Any], str]:
    """Return the filter that writes a value by one of the page's formats."""

    @pass_context
    def write(context: Context, value: Any) -> str:  # noqa: ANN401 - a template's value
        return str(getattr(context["page"].formats, name)(value))

    return write


@pass_context
def _cell(context: Context, value: Cell) -> Markup | str:
    page: Page = context["page"]
    return render_cell(value, page.formats)
