"""Opaque cursors: where the page before ended."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import msgspec

from regulars.commerce.errors import CursorUnreadable

_encode = msgspec.json.Encoder().encode


def write(place: object) -> str:
    """Write where a page ended."""
    return urlsafe_b64encode(_encode(place)).decode()


def read(cursor: str, place: Any) -> Any:  # noqa: ANN401 - a type, annotated or not, and its value
    """Read where a page ended, as a value of the type `place`. Raises CursorUnreadable (422)."""
    try:
        return msgspec.json.decode(urlsafe_b64decode(cursor.encode("ascii")), type=place)
    except (binascii.Error, UnicodeError, msgspec.MsgspecError):
        raise CursorUnreadable(pointer="/query/cursor") from None
