"""How the transfers of a month become one digest. Who has the rows can recompute it: docs/finance.md tells it all."""

from collections.abc import Iterable
from datetime import date
from hashlib import sha256
from typing import Any, Final

PARTS: Final = 256
BYTES: Final = 32


def parts_of(rows: Iterable[tuple[Any, ...]]) -> bytes:
    """Return the digests of the parts end to end; zeros where nobody booked. Rows are (part, digest, ...)."""
    found = {row[0]: bytes(row[1]) for row in rows}
    return b"".join([found.get(part, bytes(BYTES)) for part in range(PARTS)])


def of_month(previous: bytes | None, month: date, parts: bytes) -> bytes:
    """Return SHA-256 over the digest of the month before (zeros for the first), the month's name and its parts."""
    return sha256((previous or bytes(BYTES)) + f"{month:%Y-%m}\n".encode() + parts).digest()


def different(kept: bytes, recomputed: bytes) -> list[int]:
    """Return which parts are not the same."""
    return [
        part
        for part in range(PARTS)
        if kept[part * BYTES : (part + 1) * BYTES] != recomputed[part * BYTES : (part + 1) * BYTES]
    ]
