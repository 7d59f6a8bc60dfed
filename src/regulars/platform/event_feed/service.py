"""Reading the feed."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from msgspec.structs import replace

from regulars.platform.db.snapshots import NOTHING_SEEN, Window
from regulars.platform.db.transaction import Transaction
from regulars.platform.event_feed import cursors, store
from regulars.platform.event_feed.contracts import FeedPage, Wanted
from regulars.platform.event_feed.cursors import Cursor
from regulars.platform.event_feed.errors import EventCursorOutdated, UnknownEventType
from regulars.platform.event_feed.store import Row
from regulars.platform.public_events.catalogue import BY_NAME
from regulars.platform.public_events.telling import class_names, tell

NOW: Final = "now"
LOOK_AT: Final = 20_000  # rows at most that one answer looks at, told or not
_UUID_BYTES: Final = 16


def types_in(names: Sequence[str]) -> tuple[str, ...]:
    """Return the event classes of public types. Raises UnknownEventType (422)."""
    for name in names:
        if name not in BY_NAME:
            raise UnknownEventType(pointer="/query/types", type=name[:64])
    return tuple(class_names(names))


async def read_feed(
    tx: Transaction, cursor: str | None, wanted: Wanted, source: str, *, look_at: int = LOOK_AT
) -> FeedPage:
    """Return what comes behind a cursor: from the beginning without one, nothing but a cursor for `now`.

    The transaction has written nothing. Raises EventCursorUnreadable (422), EventCursorOutdated (410). Source: outbox.
    """
    if cursor == NOW:
        at = await _now(tx)
        return FeedPage([], cursors.write(at), has_more=False, taken=at.last_snapshot)
    at, taken = await _begin(tx, cursor)
    rows: list[Row] = []
    has_more = True
    while has_more and len(rows) < wanted.limit:
        if at.window_snapshot is None:
            window = await store.open_window(tx, at.last_snapshot, taken)
            if window is None:
                has_more = False
                break
            at = replace(at, window_snapshot=window.snapshot, last_seq=max(0, window.last_seq), end_seq=window.end_seq)
        step = await _go_on(tx, at, wanted, wanted.limit - len(rows), look_at)
        at, rows, has_more = step.at, rows + step.rows, not step.waits
        if step.is_enough:
            break
    events = [tell(row.event_id, row.type, row.member_id, row.recorded_at, row.payload, source) for row in rows]
    return FeedPage(events, cursors.write(at), has_more, taken)


async def _begin(tx: Transaction, cursor: str | None) -> tuple[Cursor, str]:
    """Return where a reader is, and what is visible now."""
    at = Cursor(b"", NOTHING_SEEN) if cursor is None else cursors.read(cursor)
    seen = UUID(bytes=at.seen) if len(at.seen) == _UUID_BYTES else None
    known_seq = max(at.seen_seq, at.end_seq)
    standing = await store.read_standing(
        tx, store.Met(at.window_snapshot or at.last_snapshot, at.seen_seq, seen, known_seq)
    )
    if cursor is None:
        return replace(at, epoch=standing.epoch), standing.taken
    is_of_here = standing.knows or not at.seen_seq
    if standing.epoch != at.epoch or standing.is_ahead or standing.differs or not is_of_here:
        raise EventCursorOutdated(pointer="/query/cursor")
    return at, standing.taken


async def _now(tx: Transaction) -> Cursor:
    """Return the cursor of who has read everything there is."""
    standing = await store.read_standing(tx, store.Met())
    newest = await store.newest_event(tx)
    at = Cursor(standing.epoch, standing.taken)
    return at if newest is None else replace(at, seen_seq=newest[0], seen=newest[1].bytes)


class _Step(NamedTuple):
    """Rows, where they led, whether that is enough for one answer, whether the next row waits for a later release."""

    rows: list[Row]
    at: Cursor
    is_enough: bool
    waits: bool = False


async def _go_on(tx: Transaction, at: Cursor, wanted: Wanted, limit: int, look_at: int) -> _Step:
    """Read on in the window that is open."""
    window = Window(at.last_snapshot, at.window_snapshot or at.last_snapshot, at.last_seq, at.end_seq)
    page = await store.read_page(tx, window, wanted.types, wanted.member_id, limit=limit, look_at=look_at)
    last = page.rows[-1] if page.rows else None
    if last is not None:
        at = _past(at, last.seq, last.event_id)
    if last is not None and len(page.rows) == limit:
        return _Step(page.rows, await _moved(tx, at, last.seq), is_enough=False)
    if page.strange is not None:
        return _Step(page.rows, await _moved(tx, at, page.strange - 1), is_enough=True, waits=True)
    if page.looked_to is not None:
        at = _past(at, *page.looked_to)
        return _Step(page.rows, await _moved(tx, at, page.looked_to[0]), is_enough=True)
    return _Step(page.rows, await _moved(tx, at, at.end_seq), is_enough=False)


async def _moved(tx: Transaction, at: Cursor, place: int) -> Cursor:
    """Move a cursor within its window; of one that is read to its end it keeps the last event, wanted or not."""
    if place < at.end_seq or at.window_snapshot is None:
        return replace(at, last_seq=place)
    if at.end_seq > at.seen_seq:
        at = _past(at, at.end_seq, await store.event_at(tx, at.end_seq))
    return replace(at, last_snapshot=at.window_snapshot, window_snapshot=None, last_seq=0, end_seq=0)


def _past(at: Cursor, seq: int, event_id: UUID) -> Cursor:
    """Note that a cursor was led past an event: the one with the highest number counts."""
    return replace(at, seen_seq=seq, seen=event_id.bytes) if seq > at.seen_seq else at
