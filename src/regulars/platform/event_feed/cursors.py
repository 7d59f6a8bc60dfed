"""The feed's cursor: a reader's whole state, carried by the reader.

docs/events.md tells why a number is not enough: what commits late would be skipped. So a cursor holds what a row of
`relay_cursors` holds (two snapshots and the numbers within), and costs the database nothing. Beside it stands what
tells whether it still fits this database: the epoch, drawn anew by each logical restore, and the last event seen,
which after a restore to an earlier instant is another or none.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from regulars.platform.event_feed.errors import EventCursorUnreadable

_VERSION: Final = 1
_AT_MOST: Final = 16_000  # characters: some thousands of transactions under way
_MOST: Final = 2**62
_NEVER_GIVEN: Final = 2**32  # of each so many ids no transaction has the first, and no snapshot ends with it
_Number = Annotated[int, Meta(ge=0, le=_MOST)]


class _Taken(Struct, frozen=True, array_like=True):
    """A snapshot: xmin, how much higher xmax is, and how far each transaction that ran lies behind the one before."""

    xmin: Annotated[int, Meta(ge=1, le=_MOST)]
    span: _Number
    steps: list[_Number]


class _Written(Struct, frozen=True, array_like=True):
    version: int
    epoch: bytes
    last: _Taken
    window: _Taken | None
    last_seq: _Number
    end_seq: _Number
    seen_seq: _Number
    seen: bytes


class Cursor(Struct, frozen=True):
    """Where a reader is: all of `last_snapshot` is read, and of `window_snapshot`, if there is one, up to `last_seq`.

    `seen_seq` and `seen` (the id's bytes) are of the last event it was led past; 0 and empty if of none.
    """

    epoch: bytes
    last_snapshot: str
    window_snapshot: str | None = None
    last_seq: int = 0
    end_seq: int = 0
    seen_seq: int = 0
    seen: bytes = b""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Written).decode


def write(cursor: Cursor) -> str:
    """Write a cursor."""
    written = _Written(
        _VERSION,
        cursor.epoch,
        _taken(cursor.last_snapshot),
        None if cursor.window_snapshot is None else _taken(cursor.window_snapshot),
        cursor.last_seq,
        cursor.end_seq,
        cursor.seen_seq,
        cursor.seen,
    )
    return urlsafe_b64encode(_encode(written)).decode().rstrip("=")


def read(text: str) -> Cursor:
    """Read a cursor. Raises EventCursorUnreadable for what is none of ours."""
    if len(text) > _AT_MOST:
        raise EventCursorUnreadable(pointer="/query/cursor")
    try:
        written = _decode(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
    except (binascii.Error, UnicodeError, msgspec.MsgspecError):
        raise EventCursorUnreadable(pointer="/query/cursor") from None
    window = written.window
    last, current = _shown(written.last), None if window is None else _shown(window)
    if written.version != _VERSION or last is None or (window is not None and current is None):
        raise EventCursorUnreadable(pointer="/query/cursor")
    return Cursor(written.epoch, last, current, written.last_seq, written.end_seq, written.seen_seq, written.seen)


def _taken(snapshot: str) -> _Taken:
    xmin, xmax, running = snapshot.split(":")
    low = int(xmin)
    steps, before = [], low
    for one in [int(each) for each in running.split(",") if each]:
        steps.append(one - before)
        before = one
    return _Taken(low, int(xmax) - low, steps)


def _shown(taken: _Taken) -> str | None:
    """Return a snapshot as PostgreSQL reads it; None for what it would not."""
    running, at = [], taken.xmin
    for step in taken.steps:
        at += step
        running.append(at)
    rises = all(step > 0 for step in taken.steps[1:])
    xmax = taken.xmin + taken.span
    if not rises or (running and running[-1] >= xmax) or xmax > _MOST:
        return None
    if not taken.xmin % _NEVER_GIVEN or not xmax % _NEVER_GIVEN:
        return None
    return f"{taken.xmin}:{xmax}:{','.join(map(str, running))}"
