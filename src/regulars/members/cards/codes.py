"""How a card code is written: `RC` and 52 digits and capitals, which QR codes pack well (version 3 at level M).

In base 32: the member id (16 bytes), the second from which the code is good (4), a random number (2) that tells two
phones of one member apart, and the first 10 bytes of an HMAC over all that. 80 bits are enough for what is good for
one minute, where each guess is a scan at a till. The member id is no secret: no right follows from knowing it.

The HMAC knows how often others were parted from the member, too: whoever was taken for the member until then holds
codes of before, which are good no more.
"""

from base64 import b32decode, b32encode
from datetime import UTC, datetime
from hmac import compare_digest, digest
from typing import Final, NamedTuple
from uuid import UUID

from regulars.platform.vault.cipher import key_for

PREFIX: Final = "RC"
_TAG_BYTES: Final = 10
_TIME_BYTES: Final = 4
_SALT_BYTES: Final = 2
_ID_BYTES: Final = 16
_BYTES: Final = _ID_BYTES + _TIME_BYTES + _SALT_BYTES + _TAG_BYTES
_LETTERS: Final = 52  # of 32 bytes in base 32, without the padding
_PADDING: Final = "===="
PARTED_AT_MOST: Final = 64  # how often a member was parted from others, as far as codes can tell


class Opened(NamedTuple):
    """What a code of ours says; `parted` is how often others had been parted from the member when it was made."""

    member_id: UUID
    starts_at: datetime
    content: bytes
    parted: int


def write(pepper: bytes, member_id: UUID, starts_at: datetime, salt: bytes, parted: int) -> str:
    """Return the code that is good from `starts_at` (a whole second)."""
    content = member_id.bytes + int(starts_at.timestamp()).to_bytes(_TIME_BYTES, "big") + salt
    return PREFIX + b32encode(content + _tag(pepper, content, min(parted, PARTED_AT_MOST))).decode().rstrip("=")


def read(pepper: bytes, code: str) -> Opened | None:
    """Return what a code says, as a scanner types it (small letters, spaces and line ends do no harm).

    None if it is not one of ours.
    """
    typed = "".join(code[: 4 * _LETTERS].split()).upper()
    if len(typed) != len(PREFIX) + _LETTERS or not typed.startswith(PREFIX) or not typed.isascii():
        return None
    try:
        raw = b32decode(typed[len(PREFIX) :] + _PADDING)
    except ValueError:
        return None
    content, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
    if len(raw) != _BYTES:
        return None
    tags = (_tag(pepper, content, parted) for parted in range(PARTED_AT_MOST + 1))
    parted = next((n for n, one in enumerate(tags) if compare_digest(tag, one)), None)
    if parted is None:
        return None
    second = int.from_bytes(content[_ID_BYTES : _ID_BYTES + _TIME_BYTES], "big")
    return Opened(UUID(bytes=content[:_ID_BYTES]), datetime.fromtimestamp(second, UTC), content, parted)


def _tag(pepper: bytes, content: bytes, parted: int) -> bytes:
    signed = content + bytes([parted]) if parted else content
    return digest(key_for(pepper, "card code"), signed, "sha256")[:_TAG_BYTES]
