"""Where a list goes on: an instant and the ids that tell apart what has the same, as an address carries them."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DIGITS: Final = 18


def write_place(at: datetime, *ids: UUID) -> str:
    """Write the place behind a row, exact to the microsecond."""
    return "_".join([str((at - _EPOCH) // _MICROSECOND), *[one.hex for one in ids]])


def read_place(text: str | None, ids: int) -> tuple[datetime, list[UUID]] | None:
    """Read a place with so many ids; None for what is none of ours, which starts from the beginning."""
    micros, *others = (text or "").split("_")
    if not (micros.isascii() and micros.isdecimal() and len(micros) <= _DIGITS and len(others) == ids):
        return None
    try:
        return _EPOCH + int(micros) * _MICROSECOND, [UUID(one) for one in others]
    except (ValueError, OverflowError):
        return None
