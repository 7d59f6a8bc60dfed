"""SQL of the feed: pages of the outbox between two snapshots that the reader brings along."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from regulars.platform.db import arrays, snapshots
from regulars.platform.db.snapshots import IN_WINDOW, NOTHING_SEEN, OUTBOX, Window
from regulars.platform.db.transaction import Statement, Transaction
from regulars.platform.public_events.catalogue import BY_CLASS_NAME, KNOWN_CLASSES


class Standing(NamedTuple):
    """How the database stands to a cursor.

    `taken` is what is visible now. `is_ahead`: the cursor has seen transactions that this server has not begun.
    `knows`: the event that the cursor saw last is here under its number. `differs`: of what the cursor has seen there
    is something behind all that it knows of, so that it has seen something else.
    """

    epoch: bytes
    taken: str
    is_ahead: bool
    knows: bool
    differs: bool


class Row(NamedTuple):
    """A row of the outbox."""

    seq: int
    event_id: UUID
    type: str
    member_id: UUID | None
    recorded_at: datetime
    payload: str


class Page(NamedTuple):
    """Rows of a window. `looked_to` is (number, id) of the row up to which was looked; None: to the window's end.

    `strange`: the number of the first row of a class that this release does not know; nothing from it on is given.
    """

    rows: list[Row]
    looked_to: tuple[int, UUID] | None
    strange: int | None = None


# After a restore to an earlier instant transaction ids are given out once more. What is written first has the lowest of
# them and the lowest numbers: if the cursor takes them for read, it is of what was there before.
_STANDING: LiteralString = """
SELECT pg_current_snapshot()::text, pg_snapshot_xmax(%(newest)s::pg_snapshot) > pg_snapshot_xmax(pg_current_snapshot()),
       EXISTS (SELECT 1 FROM outbox WHERE seq = %(seen_seq)s AND event_id = %(seen)s),
       EXISTS (
           SELECT 1
           FROM (SELECT transaction_id FROM outbox WHERE seq > %(known_seq)s ORDER BY seq LIMIT 1000) AS following
           WHERE pg_visible_in_snapshot(transaction_id, %(newest)s::pg_snapshot)
       )
"""


class Met(NamedTuple):
    """What a cursor has met: its later snapshot, the highest number and id of what it was led past, and the highest
    number of all that is visible in that snapshot.
    """

    newest: str = NOTHING_SEEN
    seen_seq: int = 0
    seen: UUID | None = None
    known_seq: int = 0


async def read_standing(tx: Transaction, met: Met) -> Standing:
    """Return how the database stands to a cursor."""
    epoch, found = await tx.read(snapshots.epoch(), Statement(_STANDING, met._asdict()))
    return Standing(snapshots.epoch_in(epoch), *found[0])


async def event_at(tx: Transaction, seq: int) -> UUID:
    """Return the id of the event with a number that there is."""
    event_id: UUID = (await tx.rows("SELECT event_id FROM outbox WHERE seq = %s", (seq,)))[0][0]
    return event_id


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
UNION ALL
SELECT seq, NULL, NULL, NULL, NULL, NULL FROM strange
"""

# The bound and the rows up to it are of one statement: of two, the later one might see more rows below the bound.
_PAGE: LiteralString = (
    "WITH bound AS MATERIALIZED ("  # noqa: S608 - our own text
    """
    SELECT seq, event_id FROM outbox WHERE seq > %(last_seq)s AND seq <= %(end_seq)s
    ORDER BY seq OFFSET %(look_at)s - 1 LIMIT 1
), strange AS MATERIALIZED (
    SELECT seq FROM outbox
    WHERE seq > %(last_seq)s AND seq <= coalesce((SELECT seq FROM bound), %(end_seq)s)
      AND %(all)s AND type <> ALL (%(known)s::text[])
"""
    + IN_WINDOW
    + """
    ORDER BY seq LIMIT 1
), told AS (
    SELECT seq, event_id, type, member_id, recorded_at, payload FROM outbox
    WHERE seq > %(last_seq)s AND seq <= coalesce((SELECT seq FROM bound), %(end_seq)s)
      AND seq < coalesce((SELECT seq FROM strange), %(end_seq)s + 1)
      AND type = ANY (%(types)s::text[]) AND (member_id = %(member_id)s::uuid OR %(member_id)s::uuid IS NULL)
"""
    + IN_WINDOW
    + _REST
)


async def read_page(
    tx: Transaction, window: Window, types: Sequence[str], member_id: UUID | None, *, limit: int, look_at: int
) -> Page:
    """Return the next rows of a window of these types (all without any) and this member, at most `limit`, in order.

    `look_at` rows at most are looked at, so that a page costs the same however rare what it asks for is. Who asks for
    all types is given nothing from the first row of an unknown class on: a process of the later release will.
    """
    wanted = {"types": arrays.texts(types or BY_CLASS_NAME), "member_id": member_id, "limit": limit, "look_at": look_at}
    known = {"all": not types, "known": arrays.texts(KNOWN_CLASSES)}
    rows, looked_to, strange = [], None, None
    for row in await tx.rows(_PAGE, window._asdict() | wanted | known):
        if row[1] is None:
            strange = row[0]
        elif row[2] is None:
            looked_to = (row[0], row[1])
        else:
            rows.append(Row(*row))
    return Page(sorted(rows), looked_to, strange)


async def has_news(tx: Transaction, last: str) -> tuple[str, bool]:
    """Return what is visible now, and whether events became visible since `last`."""
    taken = (await tx.rows("SELECT pg_current_snapshot()::text"))[0][0]
    if taken == last:
        return taken, False
    return taken, await snapshots.window_between(tx, OUTBOX, last, taken) is not None
