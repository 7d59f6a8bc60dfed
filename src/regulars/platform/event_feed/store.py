"""SQL of the feed: pages of the outbox between two snapshots that the reader brings along."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from regulars.platform.db import arrays, snapshots
from regulars.platform.db.snapshots import IN_WINDOW, NOTHING_SEEN, OUTBOX, Window
from regulars.platform.db.transaction import Statement, Transaction


class Standing(NamedTuple):
    """How the database stands to a cursor.

    `taken` is what is visible now. `is_ahead`: the cursor has seen transactions that this server has not begun.
    `knows`: the event that the cursor saw last is here under its number.
    """

    epoch: bytes
    taken: str
    is_ahead: bool
    knows: bool


class Row(NamedTuple):
    """A row of the outbox."""

    seq: int
    event_id: UUID
    type: str
    member_id: UUID | None
    recorded_at: datetime
    payload: str


class Page(NamedTuple):
    """Rows of a window. `looked_to` is (number, id) of the row up to which was looked; None: to the window's end."""

    rows: list[Row]
    looked_to: tuple[int, UUID] | None


_STANDING: LiteralString = """
SELECT pg_current_snapshot()::text, pg_snapshot_xmax(%(newest)s::pg_snapshot) > pg_snapshot_xmax(pg_current_snapshot()),
       EXISTS (SELECT 1 FROM outbox WHERE seq = %(seen_seq)s AND event_id = %(seen)s)
"""


async def read_standing(tx: Transaction, newest: str, seen_seq: int, seen: UUID | None) -> Standing:
    """Return how the database stands to a cursor of which `newest` is the later snapshot."""
    epoch, found = await tx.read(
        snapshots.epoch(), Statement(_STANDING, {"newest": newest, "seen_seq": seen_seq, "seen": seen})
    )
    taken, is_ahead, knows = found[0]
    return Standing(snapshots.epoch_in(epoch), taken, is_ahead, knows)


async def newest_event(tx: Transaction) -> tuple[int, UUID] | None:
    """Return number and id of the event with the highest number."""
    rows = await tx.rows("SELECT seq, event_id FROM outbox ORDER BY seq DESC LIMIT 1")
    return (rows[0][0], rows[0][1]) if rows else None


async def open_window(tx: Transaction, last: str, taken: str) -> Window | None:
    """Return the rows visible in `taken` and not in `last`; None if there are none."""
    if last != NOTHING_SEEN:
        return await snapshots.window_between(tx, OUTBOX, last, taken)
    # All there is: the ends of the index say so, without a look at each row.
    first, end = (await tx.rows("SELECT min(seq), max(seq) FROM outbox"))[0]
    return None if first is None else Window(last, taken, first - 1, end)


_REST: LiteralString = """
    ORDER BY seq LIMIT %(limit)s
)
SELECT seq, event_id, type, member_id, recorded_at, payload FROM told
UNION ALL
SELECT seq, event_id, NULL, NULL, NULL, NULL FROM bound
"""

# The bound and the rows up to it are of one statement: of two, the later one might see more rows below the bound.
_PAGE: LiteralString = (
    "WITH bound AS MATERIALIZED ("  # noqa: S608 - our own text
    """
    SELECT seq, event_id FROM outbox WHERE seq > %(last_seq)s AND seq <= %(end_seq)s
    ORDER BY seq OFFSET %(look_at)s - 1 LIMIT 1
), told AS (
    SELECT seq, event_id, type, member_id, recorded_at, payload FROM outbox
    WHERE seq > %(last_seq)s AND seq <= coalesce((SELECT seq FROM bound), %(end_seq)s)
      AND type = ANY (%(types)s::text[]) AND (member_id = %(member_id)s::uuid OR %(member_id)s::uuid IS NULL)
""" + IN_WINDOW + _REST
)


async def read_page(
    tx: Transaction, window: Window, types: Sequence[str], member_id: UUID | None, *, limit: int, look_at: int
) -> Page:
    """Return the next rows of a window of these types (and this member), at most `limit`, in order.

    `look_at` rows at most are looked at, so that a page costs the same however rare what it asks for is.
    """
    wanted = {"types": arrays.texts(types), "member_id": member_id, "limit": limit, "look_at": look_at}
    rows, looked_to = [], None
    for row in await tx.rows(_PAGE, window._asdict() | wanted):
        if row[2] is None:
            looked_to = (row[0], row[1])
        else:
            rows.append(Row(*row))
    return Page(sorted(rows), looked_to)


async def has_news(tx: Transaction, last: str | None) -> tuple[str, bool]:
    """Return what is visible now, and whether events became visible since `last` (None: that is not known)."""
    taken = (await tx.rows("SELECT pg_current_snapshot()::text"))[0][0]
    if last is None or taken == last:
        return taken, last is None
    return taken, await snapshots.window_between(tx, OUTBOX, last, taken) is not None
