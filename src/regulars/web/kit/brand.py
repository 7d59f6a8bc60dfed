"""What a brand sets: name, colour, radius, logo. Any colour is made readable: text and buttons keep 4.5 : 1."""

import re
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from regulars.platform.settings import SettingError, Settings
from regulars.web.kit.touch_icon import touch_icon

READABLE_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
_CLEAR_CONTRAST = 5.2  # with room for tints of the colour behind it
# The surfaces of ui/styles/tokens.css on which the colour stands, and what makes it darker or lighter on them.
_LIGHT_SURFACE, _DARK_SURFACE = "#f5f6f7", "#191d23"
_BLACK, _WHITE, _INK = "#000000", "#ffffff", "#10141a"
_STEPS = 50
_NEARLY_BLACK = 0.04045  # below it, sRGB is linear
_LOGO_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture of the brand, as it is served."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Brand:
    """The brand whose pages these are."""

    name: str
    color: str
    radius_px: int
    logo: Logo | None = None

    @property
    def initial(self) -> str:
        """What stands for the brand where there is no logo."""
        return self.name[:1].upper()

    def stylesheet(self) -> str:
        """Return the tokens that ui/styles/tokens.css asks for."""
        light = readable(self.color, on=_LIGHT_SURFACE, towards=_BLACK)
        dark = readable(self.color, on=_DARK_SURFACE, towards=_WHITE)
        tokens = {
            "--brand-light": light,
            "--brand-light-content": _text_on(light),
            "--brand-dark": dark,
            "--brand-dark-content": _text_on(dark),
            "--brand-radius": f"{self.radius_px}px",
        }
        return ":root{" + ";".join([f"{name}:{value}" for name, value in tokens.items()]) + "}"

    def touch_icon(self) -> bytes:
        """Return what stands for the brand on a home screen that takes no SVG, as PNG."""
        return touch_icon(self.color, _text_on(self.color))

    def app_icon(self) -> bytes:
        """Return what stands for the brand on a home screen and in a tab, as SVG."""
        drawn = Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512"><rect width="512" height="512" rx="96" '
            'fill="{}"/><text x="256" y="348" text-anchor="middle" font-family="system-ui, sans-serif" '
            'font-size="264" font-weight="700" fill="{}">{}</text></svg>'
        )
        return drawn.format(self.color, _text_on(self.color), self.initial).encode()


def brand_of(settings: Settings) -> Brand:
    """Return the brand of a deployment. Raises SettingError if its logo cannot be used."""
    logo = _logo(settings.brand_logo) if settings.brand_logo else None
    return Brand(settings.brand_name, settings.brand_color, settings.brand_radius_px, logo)


def readable(colour: str, *, on: str, towards: str) -> str:
    """Return the colour, mixed with `towards` until text of it can be read on a surface."""
    for step in range(_STEPS):
        mixed = _mix(colour, towards, step / _STEPS)
        if contrast(mixed, on) >= _CLEAR_CONTRAST:
            return mixed
    return towards


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it, 1 to 21."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _text_on(colour: str) -> str:
    return _WHITE if contrast(_WHITE, colour) >= READABLE_CONTRAST else _INK


def _luminance(colour: str) -> float:
    linear = [
        channel / 12.92 if channel <= _NEARLY_BLACK else ((channel + 0.055) / 1.055) ** 2.4
        for channel in _channels(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _mix(colour: str, other: str, share: float) -> str:
    mixed = [one + (two - one) * share for one, two in zip(_channels(colour), _channels(other), strict=True)]
    return "#" + "".join([f"{round(value * 255):02x}" for value in mixed])


def _channels(colour: str) -> list[float]:
    return [int(pair, 16) / 255 for pair in re.findall("..", colour.removeprefix("#"))]


def _logo(path: Path) -> Logo:
    try:
        return Logo(path.read_bytes(), _LOGO_TYPES[path.suffix.lower()])
    except (OSError, KeyError):
        raise SettingError(
            "REGULARS_BRAND_LOGO", f"names {path}, which cannot be used", "Name a PNG or SVG file that can be read."
        ) from None
