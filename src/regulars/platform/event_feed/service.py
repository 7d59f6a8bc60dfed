"""Reading the feed."""

from collections.abc import Sequence
from typing import Final
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
from regulars.platform.public_events.telling import ALL_CLASS_NAMES, class_names, tell

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
        return FeedPage([], cursors.write(await _now(tx)), has_more=False)
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
        found, at, looked_enough = await _go_on(tx, at, wanted, wanted.limit - len(rows), look_at)
        rows += found
        if looked_enough:
            break
    events = [tell(row.event_id, row.type, row.member_id, row.recorded_at, row.payload, source) for row in rows]
    return FeedPage(events, cursors.write(at), has_more)


async def _begin(tx: Transaction, cursor: str | None) -> tuple[Cursor, str]:
    """Return where a reader is, and what is visible now."""
    at = Cursor(b"", NOTHING_SEEN) if cursor is None else cursors.read(cursor)
    seen = UUID(bytes=at.seen) if len(at.seen) == _UUID_BYTES else None
    standing = await store.read_standing(tx, at.window_snapshot or at.last_snapshot, at.seen_seq, seen)
    if cursor is None:
        return replace(at, epoch=standing.epoch), standing.taken
    if standing.epoch != at.epoch or standing.is_ahead or (at.seen_seq and not standing.knows):
        raise EventCursorOutdated(pointer="/query/cursor")
    return at, standing.taken


async def _now(tx: Transaction) -> Cursor:
    """Return the cursor of who has read everything there is."""
    standing = await store.read_standing(tx, NOTHING_SEEN, 0, None)
    newest = await store.newest_event(tx)
    at = Cursor(standing.epoch, standing.taken)
    return at if newest is None else replace(at, seen_seq=newest[0], seen=newest[1].bytes)


async def _go_on(
    tx: Transaction, at: Cursor, wanted: Wanted, limit: int, look_at: int
) -> tuple[list[Row], Cursor, bool]:
    """Read on in the window that is open; return rows, where that led, and whether that is enough for one answer."""
    snapshot = at.window_snapshot or at.last_snapshot
    window = Window(at.last_snapshot, snapshot, at.last_seq, at.end_seq)
    page = await store.read_page(
        tx, window, wanted.types or ALL_CLASS_NAMES, wanted.member_id, limit=limit, look_at=look_at
    )
    last = page.rows[-1] if page.rows else None
    if last is not None:
        at = replace(at, seen_seq=last.seq, seen=last.event_id.bytes)
    if last is not None and len(page.rows) == limit:
        place, enough = last.seq, False
    elif page.looked_to is not None:
        place, enough = page.looked_to[0], True
        at = replace(at, seen_seq=place, seen=page.looked_to[1].bytes)
    else:
        place, enough = at.end_seq, False
    if place >= at.end_seq:
        at = replace(at, last_snapshot=snapshot, window_snapshot=None, last_seq=0, end_seq=0)
    else:
        at = replace(at, last_seq=place)
    return page.rows, at, enough
