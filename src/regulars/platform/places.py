"""Where a list goes on: an instant and the ids that tell apart what has the same, as cursors carry them."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DIGITS: Final = 18  # the last microsecond there is has as many


def write_place(at: datetime, *ids: UUID) -> str:
    """Write the place behind a row, exact to the microsecond."""
    return "_".join([str((at - _EPOCH) // _MICROSECOND), *[one.hex for one in ids]])


def read_place(text: str | None) -> tuple[datetime, UUID] | None:
    """Read a place with one id; None for what is none of ours."""
    found = _read(text, 1)
    return None if found is None else (found[0], found[1][0])


def read_place_of_two(text: str | None) -> tuple[datetime, UUID, UUID] | None:
    """Read a place with two ids; None for what is none of ours."""
    found = _read(text, 2)
    return None if found is None else (found[0], found[1][0], found[1][1])


def _read(text: str | None, ids: int) -> tuple[datetime, list[UUID]] | None:
    micros, *others = (text or "").split("_")
    if not (micros.isascii() and micros.isdecimal() and len(micros) <= _DIGITS and len(others) == ids):
        return None
    try:
        return _EPOCH + int(micros) * _MICROSECOND, [UUID(one) for one in others]
    except (ValueError, OverflowError):
        return None
