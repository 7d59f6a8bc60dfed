"""The form of e-mails: one MJML layout for every letter, compiled once, and its plain text twin.

MJML is compiled first and filled afterwards: what is filled in is never read as MJML, and Jinja escapes it for HTML.
"""

from base64 import b64encode
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template
from msgspec import Struct

from regulars.engagement.channels.letters import Sender
from regulars.engagement.contracts import Letter, RenderedMail
from regulars.platform.settings import Settings
from regulars.platform.texts import say

LOGO_CID = "logo"
_TEMPLATES = "templates"
_BLACK, _WHITE = "#1c1f1d", "#ffffff"
_PNG = b"\x89PNG\r\n\x1a\n"


class Brand(Struct, frozen=True, kw_only=True):
    """How letters look: the brand's name and where it is reached, its colour (#rrggbb), its logo as PNG."""

    sender: Sender
    color: str
    logo: bytes | None = None

    @property
    def logo_url(self) -> str | None:
        """The logo for a page, which may load nothing from elsewhere."""
        return None if self.logo is None else f"data:image/png;base64,{b64encode(self.logo).decode()}"


def brand_of(settings: Settings) -> Brand:
    """Return the brand as the settings describe it; a logo that is no PNG is left to pages, which show SVG too."""
    return Brand(
        sender=Sender(brand=settings.brand_name, public_url=settings.public_url),
        color=settings.brand_color,
        logo=_logo(settings.brand_logo),
    )


def render_mail(
    letter: Letter, brand: Brand, language: str, *, logo: str | None = None, stop_url: str | None = None
) -> RenderedMail:
    """Give a letter its form. `logo` is the image's address (`cid:logo` in mail, a data URL on a page)."""
    values = {
        "letter": letter,
        "sender": brand.sender,
        "color": brand.color,
        "on_color": readable_on(brand.color),
        "logo": logo,
        "stop_url": stop_url,
        "stop": say("Stop these notices", language),
        "language": language,
    }
    return RenderedMail(subject=letter.subject, html=_html().render(values), text=_text().render(values))


def readable_on(color: str) -> str:
    """Return black or white, whichever is easier to read on a colour (WCAG contrast)."""
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]  # noqa: PLR2004 - sRGB's own numbers
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return _WHITE if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.0617 else _BLACK


@cache
def _html() -> Template:
    import mrml  # noqa: PLC0415 - only who shows or sends mail pays for it

    compiled = mrml.to_html(_source("letter.mjml"), render_options=mrml.RenderOptions(fonts={}))
    if compiled.warnings:
        raise RuntimeError(f"the layout of letters is not what MJML expects: {compiled.warnings}")
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(compiled.content.replace('lang="und"', 'lang="{{ language }}"'))


@cache
def _text() -> Template:
    environment = Environment(
        autoescape=False,  # noqa: S701 - plain text: escaping would show itself
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.from_string(_source("letter.txt"))


def _source(name: str) -> str:
    return files("regulars.engagement.channels").joinpath(_TEMPLATES, name).read_text(encoding="utf-8")


def _logo(path: Path | None) -> bytes | None:
    if path is None or not path.is_file():
        return None
    content = path.read_bytes()
    return content if content.startswith(_PNG) else None
