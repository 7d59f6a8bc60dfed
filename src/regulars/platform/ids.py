"""Identifiers: time-ordered UUIDs (version 7) inside, `mbr_` and 32 hex digits outside.

Randomness here makes ids distinct, not secret: no right follows from knowing an id.
"""

import os
import re
from datetime import UTC, datetime
from hashlib import sha256
from random import Random
from uuid import UUID

from regulars.platform.clock import wall_now

_VERSION_7 = 0x7 << 76
_VARIANT = 0x2 << 62
_RANDOM_A_MASK = 0xFFF
_RANDOM_B_MASK = (1 << 62) - 1
_HEX_DIGITS = re.compile("[0-9a-f]{32}")  # as `public_id` writes them: one id is written in one way

_random = Random(os.urandom(32))  # noqa: S311 - distinct, not secret (see above); the kernel's source costs 1 us a call
os.register_at_fork(after_in_child=lambda: _random.seed(os.urandom(32)))


def _version_7(milliseconds: int, bits: int) -> int:
    return (
        (milliseconds & 0xFFFF_FFFF_FFFF) << 80
        | _VERSION_7
        | ((bits >> 62) & _RANDOM_A_MASK) << 64
        | _VARIANT
        | (bits & _RANDOM_B_MASK)
    )


def new_id() -> UUID:
    """Return a fresh id whose order follows the wall clock, to the millisecond."""
    return UUID(int=_version_7(int(wall_now().timestamp() * 1000), _random.getrandbits(74)))


def new_ids_in_hex(count: int) -> list[str]:
    """Return fresh ids made together, as 32 hex digits each: what a column of them is written from."""
    milliseconds = int(wall_now().timestamp() * 1000)
    return [f"{_version_7(milliseconds, _random.getrandbits(74)):032x}" for _ in range(count)]


def derived_id(at: datetime, *parts: str) -> UUID:
    """Return the id that follows from a fact: the same instant and parts give the same id in every process."""
    digest = sha256("\x00".join(parts).encode()).digest()
    return UUID(int=_version_7(int(at.timestamp() * 1000), int.from_bytes(digest[:10], "big")))


def made_at(value: UUID) -> datetime:
    """Return the instant, to the millisecond, that an id carries."""
    return datetime.fromtimestamp((value.int >> 80) / 1000, tz=UTC)


def public_id(prefix: str, value: UUID) -> str:
    """Write an id as callers see it, e.g. `mbr_0190f0c27c5a7cc58f8c1d2e3f405162`."""
    return f"{prefix}_{value.hex}"


def parse_public_id(prefix: str, text: str) -> UUID | None:
    """Read an id as `public_id` writes it; None if it is not one of this kind, or written in another way."""
    head, _, digits = text.partition("_")
    return UUID(digits) if head == prefix and _HEX_DIGITS.fullmatch(digits) else None
