"""A page: what every template knows of it, and how it becomes an answer."""

import gzip
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from types import CodeType
from typing import Any, Final

import segno
from jinja2 import BytecodeCache, Environment, FileSystemLoader, PrefixLoader, StrictUndefined, pass_context
from jinja2.bccache import Bucket
from jinja2.runtime import Context, Macro
from litestar import Request, Response
from litestar.datastructures import Cookie
from markupsafe import Markup

from regulars.platform.ids import new_id
from regulars.web.kit import timeline
from regulars.web.kit.assets import Assets
from regulars.web.kit.brand import Brand
from regulars.web.kit.cells import Cell, render_cell
from regulars.web.kit.demo import Demo
from regulars.web.kit.formats import Formats
from regulars.web.kit.navigation import Navigation
from regulars.web.kit.notices import Notice
from regulars.web.kit.shapes import Shape
from regulars.web.kit.texts import browser_named, translate, translate_plural
from regulars.web.kit.viewers import Viewer, ViewerKind

ROOMS: Final = ("kit", "console", "portal", "store")
_STAFF_PATHS: Final = ("/console", "/store")
_WEB: Final = Path(__file__).parent.parent
_MACROS: Final = ("kit/basics.html", "kit/fields.html", "kit/lists.html")
_SAME_FOR_ALL: Final = frozenset({"palette", "toast_templates"})  # macros that know nothing but the language
_WORTH_COMPRESSING_BYTES: Final = 1_000
_FORMATS: Final = ("number", "share", "money", "day", "moment", "time", "month")
_LEVEL: Final = 3  # 0.3 ms for 30 KB; 9 takes three times as long for a tenth less
_MOST_ICONS: Final = 2_000  # drawn ones that are kept; a label may be anything
_ICON: Final = Shape('<svg class="icon" {}><use href="{}"></use></svg>')
_LABELLED: Final = Shape('role="img" aria-label="{}"')
_DECORATION: Final = Markup('aria-hidden="true"')
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
    refused_as: str = ""  # the request's id, where what it asked for was refused and one may ask why

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


class _Compiled(BytecodeCache):
    """What templates were compiled to in this process: who makes several applications in one compiles them once."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED: Final = _Compiled()


@dataclass(slots=True)
class Templates:
    """The Jinja environment of the pages: escaped, strict about names, with the kit's macros as `ui`."""

    assets: Assets
    follow_changes: bool = False
    environment: Environment = field(init=False)
    _icons: dict[tuple[str, str], Markup] = field(default_factory=dict)
    _drawn: dict[tuple[str, str], Markup] = field(default_factory=dict)
    _places: dict[str, str] = field(default_factory=dict)

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
            bytecode_cache=_COMPILED,
        )
        self.environment.globals.update(
            _=translate,
            plural=translate_plural,
            asset=self.assets.url,
            icon=self._icon,
            qr_svg=qr_svg,
            form_key=lambda: new_id().hex,
        )
        self.environment.filters.update(
            {name: _formatted(name) for name in _FORMATS}, cell=_cell, browser=browser_named, happenings=_happenings
        )

    def render(self, template: str, page: Page, values: Mapping[str, Any]) -> str:
        """Return a template's text."""
        known = {"page": page, "ui": _Macros(self, page), **values}
        return self.environment.get_template(template).render(known)

    def macros_with(self, name: str, known: dict[str, Any]) -> dict[str, Any]:
        """Return the macros of the template that has the one named, for a page. Raises AttributeError."""
        if not self._places or self.follow_changes:
            for template in _MACROS:
                self._places |= dict.fromkeys(self._macros_of(template, known), template)
        if name not in self._places:
            raise AttributeError(name)
        return self._macros_of(self._places[name], known)

    def _macros_of(self, template: str, known: dict[str, Any]) -> dict[str, Any]:
        module = self.environment.get_template(template).make_module(known)
        return {name: macro for name, macro in module.__dict__.items() if isinstance(macro, Macro)}

    def same_for_all(self, name: str, language: str, draw: Callable[[], Markup]) -> Markup:
        """Return what a macro draws that shows nothing but words; drawn once in a language."""
        if self.follow_changes:
            return draw()
        drawn = self._drawn.get((name, language))
        if drawn is None:
            drawn = self._drawn[name, language] = draw()
        return drawn

    def _icon(self, name: str, label: str = "") -> Markup:
        """Return an icon of the sprite; without a label it is decoration."""
        drawn = self._icons.get((name, label))
        if drawn is None:
            drawn = _ICON(_LABELLED(label) if label else _DECORATION, self.assets.icon_url(name))
            if len(self._icons) < _MOST_ICONS:
                self._icons[name, label] = drawn
        return drawn


class _Macros:
    """The macros of several templates under one name; a template's are made when the first of them is asked for."""

    def __init__(self, templates: Templates, page: Page) -> None:
        self._templates = templates
        self._page = page

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a macro
        module = self._templates.macros_with(name, {"page": self._page, "ui": self})
        self.__dict__.update(module)
        for same in _SAME_FOR_ALL & module.keys():
            self.__dict__[same] = partial(self._templates.same_for_all, same, self._page.language, module[same])
        return self.__dict__[name]


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
def _happenings(context: Context, entries: Iterable[timeline.Happening]) -> Markup:
    return timeline.drawn(entries, context["page"].formats)


@pass_context
def _cell(context: Context, value: Cell) -> Markup | str:
    page: Page = context["page"]
    return render_cell(value, page.formats)
