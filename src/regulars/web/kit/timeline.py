"""An entry of a timeline."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from markupsafe import Markup

from regulars.web.kit.cells import Tone, render_cell
from regulars.web.kit.formats import Formats
from regulars.web.kit.shapes import Shape

_DOTS: Final[dict[str, str]] = {
    "neutral": "bg-secondary",
    "info": "bg-info",
    "success": "bg-success",
    "warning": "bg-warning",
    "error": "bg-error",
    "primary": "bg-primary",
}
_ENTRY: Final = Shape("""\
  <li class="relative pl-6">
    {}
    <div class="gap-4 sm:flex sm:items-baseline sm:justify-between">
      <p class="min-w-0 font-medium">{}</p>
      <p class="figures shrink-0 text-2xs text-quiet">{}</p>
    </div>
{}  </li>
""")
_DOT: Final = Shape(
    '<span class="absolute left-0 top-1.5 size-[11px] rounded-full border-2 border-base-100 {}"'
    ' aria-hidden="true"></span>'
)
_LINKED: Final = Shape('<a class="link-hover" href="{}">{}</a>')
_TEXT: Final = Shape('<p class="text-quiet">{}</p>')


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened; texts are as they are shown, so a page translates what is not data."""

    at: datetime | date
    title: str
    text: str = ""
    path: str = ""
    tone: Tone = "neutral"


def drawn(entries: Iterable[Happening], formats: Formats) -> Markup:
    """Return the entries of a timeline as a page shows them."""
    return Markup().join(
        [
            _ENTRY(
                _DOT(_DOTS[one.tone]),
                _LINKED(one.path, one.title) if one.path else one.title,
                render_cell(one.at, formats),
                _TEXT(one.text) if one.text else "",
            )
            for one in entries
        ]
    )
