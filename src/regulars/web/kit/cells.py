"""What stands in the cell of a table or beside a label, by its type: on the page, and in a CSV file.

Pages give values (a number, Money, an instant, a Link, a Badge); how they look is decided here, once.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import singledispatch
from typing import Final, Literal

from markupsafe import Markup, escape

from regulars.platform.money import Money
from regulars.web.kit.formats import Formats, major_units
from regulars.web.kit.shapes import Shape
from regulars.web.kit.texts import in_language

Tone = Literal["neutral", "info", "success", "warning", "error", "primary"]
NOTHING: Final = "–"
# Spreadsheets take a text that begins so for a formula; an apostrophe makes it a text again. Some of them read
# full-width signs as plain ones, and pass over white space and signs that nobody sees.
_FORMULA_STARTS: Final = ("=", "+", "-", "@")
_CELL_ENDS: Final = ("\t", "\r", "\n")
_UNSEEN: Final = frozenset("CZ")  # Unicode's categories of control signs, format signs and separators


@dataclass(frozen=True, slots=True)
class Link:
    """A text that leads to a page."""

    text: str
    path: str


@dataclass(frozen=True, slots=True)
class Badge:
    """A state in one or two words; `label` is a marked text, so that its tone is never all there is."""

    label: str
    tone: Tone = "neutral"


@dataclass(frozen=True, slots=True)
class Quiet:
    """A text with something less important below it."""

    text: str
    below: str


@dataclass(frozen=True, slots=True)
class Code:
    """An identifier, in letters of one width."""

    text: str


Cell = str | int | Decimal | float | Money | datetime | date | Link | Badge | Quiet | Code | None

BADGES: Final[dict[str, str]] = {
    "neutral": "badge badge-ghost",
    "info": "badge badge-soft badge-info",
    "success": "badge badge-soft badge-success",
    "warning": "badge badge-soft badge-warning",
    "error": "badge badge-soft badge-error",
    "primary": "badge badge-soft badge-primary",
}


_NOTHING_SHOWN: Final = Shape('<span class="text-quiet">{}</span>')(NOTHING)
_TIME: Final = Shape('<time datetime="{}" class="whitespace-nowrap">{}</time>')
_MOMENT: Final = Shape("{} <span>{}</span>")
_LINK: Final = Shape('<a class="link link-hover link-primary font-medium" href="{}">{}</a>')
_BADGE: Final = Shape('<span class="{} whitespace-nowrap">{}</span>')
_QUIET: Final = Shape(
    '{}<span class="block text-2xs text-quiet max-sm:whitespace-normal max-sm:wrap-anywhere">{}</span>'
)
_CODE: Final = Shape('<span class="font-mono text-2xs">{}</span>')


@singledispatch
def render_cell(value: Cell, formats: Formats) -> Markup | str:
    """Return a value as a page shows it."""
    del formats
    raise TypeError(f"no cell shows a {type(value).__name__}")


@render_cell.register
def _(value: None, _: Formats) -> Markup:
    del value
    return _NOTHING_SHOWN


@render_cell.register
def _(value: str, formats: Formats) -> Markup | str:
    if not value:
        return render_cell(None, formats)
    # An e-mail address that is too long for its place breaks where people read it in two, not within a word.
    return escape(value).replace("@", Markup("@<wbr>")) if "@" in value else escape(value)


@render_cell.register(int)
@render_cell.register(float)
@render_cell.register(Decimal)
def _(value: float | Decimal, formats: Formats) -> str:
    return formats.number(value)


@render_cell.register
def _(value: Money, formats: Formats) -> str:
    return formats.money(value)


@render_cell.register
def _(value: date, formats: Formats) -> Markup:
    if isinstance(value, datetime):  # in the tables of a phone the time stands below the day
        return _TIME(value.isoformat(), _MOMENT(formats.day(value), formats.time(value)))
    return _TIME(value.isoformat(), formats.day(value))


@render_cell.register
def _(value: Link, _: Formats) -> Markup:
    return _LINK(value.path, value.text)


@render_cell.register
def _(value: Badge, formats: Formats) -> Markup:
    label = in_language(value.label, formats.language)
    return _BADGE(BADGES[value.tone], label)


@render_cell.register
def _(value: Quiet, _: Formats) -> Markup:
    return _QUIET(value.text, value.below)


@render_cell.register
def _(value: Code, _: Formats) -> Markup:
    return _CODE(value.text)


def csv_cell(value: Cell, formats: Formats) -> str:
    """Return a value as a CSV file holds it: figures bare, instants in ISO 8601, texts never as formulas."""
    match value:
        case None:
            said = ""
        case Money():
            said = str(major_units(value))
        case date():
            said = value.isoformat()
        case int() | float() | Decimal():
            said = str(value)
        case Badge():
            said = in_language(value.label, formats.language)
        case Link() | Quiet() | Code():
            said = _as_text(value.text)
        case _:
            said = _as_text(value)
    return said


def is_figure(value: Cell) -> bool:
    """Whether a value is right-aligned, digit under digit."""
    return isinstance(value, int | float | Decimal | Money)


def _as_text(text: str) -> str:
    return f"'{text}" if _may_be_formula(text) else text


def _may_be_formula(text: str) -> bool:
    if text.startswith(_CELL_ENDS):
        return True
    for sign in unicodedata.normalize("NFKC", text):
        if unicodedata.category(sign)[0] not in _UNSEEN:
            return sign in _FORMULA_STARTS
    return False
