"""The icon that stands for the portal on a home screen where SVG is not taken (iOS): a card on the brand's colour.

Drawn here, point by point, so that no library of pictures is needed for one picture.
"""

import struct
import zlib
from functools import lru_cache
from math import hypot
from typing import Final

SIZE_PX: Final = 180
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_RGB: Final = 2  # PNG's colour type

Colour = tuple[int, int, int]
# Centre, half of width and height, radius of the corners, all in parts of the picture.
_CARD: Final = (0.5, 0.5, 0.31, 0.21, 0.05)
_BAND: Final = (0.5, 0.425, 0.31, 0.035, 0.0)
_LINE: Final = (0.35, 0.6, 0.09, 0.0225, 0.0225)


@lru_cache(maxsize=4)
def touch_icon(background: str, foreground: str) -> bytes:
    """Return the icon as PNG, in two colours written as `#rrggbb`. Drawing takes about 0.2 s, so it is kept."""
    behind, before = _channels(background), _channels(foreground)
    rows = []
    for y in range(SIZE_PX):
        row = bytearray([0])  # no filter
        for x in range(SIZE_PX):
            card = _covered(_CARD, x, y)
            share = card * (1 - _covered(_BAND, x, y)) * (1 - _covered(_LINE, x, y)) if card else 0.0
            row += bytes([round(one + (two - one) * share) for one, two in zip(behind, before, strict=True)])
        rows.append(bytes(row))
    header = struct.pack(">IIBBBBB", SIZE_PX, SIZE_PX, 8, _RGB, 0, 0, 0)
    pixels = zlib.compress(b"".join(rows), 9)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _covered(box: tuple[float, float, float, float, float], x: int, y: int) -> float:
    """Return how much of a point a box with round corners covers, 0 to 1: by the distance to its edge."""
    middle_x, middle_y, half_width, half_height, radius = (part * SIZE_PX for part in box)
    beyond_x = abs(x + 0.5 - middle_x) - half_width + radius
    beyond_y = abs(y + 0.5 - middle_y) - half_height + radius
    outside = hypot(max(beyond_x, 0), max(beyond_y, 0))
    distance = outside + min(max(beyond_x, beyond_y), 0) - radius
    return min(max(0.5 - distance, 0.0), 1.0)


def _channels(colour: str) -> Colour:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
