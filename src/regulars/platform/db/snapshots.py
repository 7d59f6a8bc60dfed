"""Reading an append-only table completely, and in order, while others write to it.

Rows become visible when their transaction commits, which is not the order in which they were numbered. A reader that
remembers "the last number" loses what commits late; one that orders by transaction id turns round what two
transactions wrote about one member, for the second may have got its id first and then waited for the first one's
lock. So a reader remembers a *snapshot*: its next window holds exactly the rows that are visible now and were not
visible then, in the order of their numbers. Nothing is lost (a late commit belongs to a later window), and what was
written after another transaction's commit can become visible only together with it or later.

Exactly one transaction at a time reads for one reader: it holds an advisory lock, which, unlike a row lock, gives it
no transaction id. That matters: a transaction's own id counts as visible in the snapshots it takes.
"""

from typing import LiteralString, NamedTuple
from uuid import uuid4

from sqlalchemy import BigInteger, Column, Table, Text
from sqlalchemy.types import UserDefinedType

from regulars.platform.db.schema import metadata
from regulars.platform.db.transaction import Rows, Statement, Transaction


class Snapshot(UserDefinedType[str]):
    """PostgreSQL's record of which transactions had been committed at an instant."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Return the type's name in SQL."""
        return "pg_snapshot"


relay_cursors = Table(
    "relay_cursors",
    metadata,
    Column("reader", Text, primary_key=True),
    Column("log", Text, nullable=False),
    Column("last_snapshot", Snapshot, nullable=False),
    Column("window_snapshot", Snapshot),
    Column("last_seq", BigInteger, nullable=False),
    Column("end_seq", BigInteger, nullable=False),
)

NOTHING_SEEN = "1:1:"
_EPOCH_LOG = "epoch"  # of the row of relay_cursors, if there is one, that tells one restored database from another
_EPOCH_READER = "epoch "
_ALWAYS_VISIBLE = "3"


class Log(NamedTuple):
    """An append-only table with a column `transaction_id` and a column that numbers its rows."""

    table: LiteralString
    seq: LiteralString


OUTBOX = Log("outbox", "seq")
AUDIT_ENTRIES = Log("audit_entries", "entry_id")
LOGS = {log.table: log for log in (OUTBOX, AUDIT_ENTRIES)}


class Window(NamedTuple):
    """Rows visible in `snapshot` and not in `last_snapshot`, numbered above `last_seq` and up to `end_seq`."""

    last_snapshot: str
    snapshot: str
    last_seq: int
    end_seq: int


class RestoredElsewhere(RuntimeError):
    """The database was restored into a server whose transaction ids start lower: see `rebase`."""


# What a page of a window selects by; the bounds let the planner walk the primary key, whatever the table's size.
IN_WINDOW: LiteralString = """
    AND pg_visible_in_snapshot(transaction_id, %(snapshot)s::pg_snapshot)
    AND NOT pg_visible_in_snapshot(transaction_id, %(last_snapshot)s::pg_snapshot)
"""

# The events of some types in a window, for statements that join them: `WITH told AS (` + this + `)`.
EVENTS_IN_WINDOW: LiteralString = (
    """
SELECT type, member_id, recorded_at, payload::jsonb AS fact FROM outbox
WHERE seq > %(last_seq)s AND seq <= %(end_seq)s AND type = ANY (%(types)s::text[])
"""
    + IN_WINDOW
)

# The earliest instant of the events of some types that a reader had not read when it was where `ReadTo` says, as the
# statement sees them; null: there are none. To be joined as EVENTS_IN_WINDOW is. What a reader has read since only
# makes the instant earlier than need be.
EARLIEST_UNREAD: LiteralString = """
SELECT min(recorded_at) AS recorded_at FROM (
    SELECT recorded_at FROM outbox WHERE transaction_id >= %(next_transaction)s::xid8 AND type = ANY (%(types)s::text[])
    UNION ALL
    SELECT recorded_at FROM outbox
    WHERE transaction_id = ANY (%(running)s::xid8[]) AND type = ANY (%(types)s::text[])
) AS unread
"""
_READ_TO: LiteralString = """
SELECT pg_snapshot_xmax(last_snapshot)::text, ARRAY(SELECT pg_snapshot_xip(last_snapshot)::text)
FROM relay_cursors WHERE reader = %s
"""


class ReadTo(NamedTuple):
    """Where a reader was: it had read what transactions before `next_transaction` wrote, but for those then running."""

    next_transaction: str
    running: list[str]


def read_to(reader: str) -> Statement:
    """Return what asks where a reader is, to go along with other reads; `read_to_in` reads the answer."""
    return Statement(_READ_TO, (reader,))


def read_to_in(rows: Rows) -> ReadTo | None:
    """Return where a reader is; None if it never read."""
    return ReadTo._make(rows[0]) if rows else None


_LOCK: LiteralString = "(hashtextextended('regulars reader ' || %s, 0))"

_READ_CURSOR: LiteralString = """
SELECT coalesce(last_snapshot, '1:1:'), window_snapshot, coalesce(last_seq, 0), coalesce(end_seq, 0), taken,
       pg_snapshot_xmax(last_snapshot) > pg_snapshot_xmax(taken), pg_current_xact_id_if_assigned() IS NOT NULL
FROM (SELECT pg_current_snapshot() AS taken) AS this LEFT JOIN relay_cursors ON reader = %s
"""

# The rows not visible in the last snapshot are those of the transactions that ran then and those that began later:
# both are found by index, however long the oldest of them has been running.
_NEW_ROWS: LiteralString = """
FROM (SELECT {seq} AS seq, transaction_id FROM {table}
 WHERE transaction_id >= pg_snapshot_xmax(%(last_snapshot)s::pg_snapshot)
   AND transaction_id < pg_snapshot_xmax(%(snapshot)s::pg_snapshot)
 UNION ALL
 SELECT {seq}, transaction_id FROM {table}
 WHERE transaction_id = ANY (ARRAY(SELECT pg_snapshot_xip(%(last_snapshot)s::pg_snapshot)))) AS candidates
WHERE pg_visible_in_snapshot(transaction_id, %(snapshot)s::pg_snapshot)
"""

_BOUNDS = "SELECT min(seq), max(seq)" + _NEW_ROWS
_COUNT = (
    "SELECT count(*), min(seq)"
    + _NEW_ROWS
    + "AND NOT (seq <= %(last_seq)s AND pg_visible_in_snapshot(transaction_id, %(current)s::pg_snapshot))"
)

_SAVE_CURSOR: LiteralString = """
INSERT INTO relay_cursors (reader, log, last_snapshot, window_snapshot, last_seq, end_seq)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (reader) DO UPDATE
SET log = excluded.log, last_snapshot = excluded.last_snapshot, window_snapshot = excluded.window_snapshot,
    last_seq = excluded.last_seq, end_seq = excluded.end_seq
"""


async def try_hold(tx: Transaction, reader: str) -> bool:
    """Become the one who reads for `reader` until this transaction ends; False if somebody else does."""
    return bool((await tx.rows("SELECT pg_try_advisory_xact_lock" + _LOCK, (reader,)))[0][0])


async def hold(tx: Transaction, reader: str) -> None:
    """Wait until nobody else reads for `reader`, and keep it so until this transaction ends."""
    await tx.rows("SELECT pg_advisory_xact_lock" + _LOCK, (reader,))


async def open_window(tx: Transaction, reader: str, log: Log) -> Window | None:
    """Return what `reader`, held by this transaction, reads next; None if there is nothing new.

    Raises RestoredElsewhere, and RuntimeError if the transaction has written already (see above).
    """
    return await _window(tx, reader, log, may_have_written=False)


async def look_ahead(tx: Transaction, reader: str, log: Log) -> Window | None:
    """Return what `reader` would read next but for what this transaction wrote itself; the cursor is not to be moved.

    Raises RestoredElsewhere.
    """
    return await _window(tx, reader, log, may_have_written=True)


async def _window(tx: Transaction, reader: str, log: Log, *, may_have_written: bool) -> Window | None:
    last, current, last_seq, end_seq, taken, from_the_future, has_written = (await tx.rows(_READ_CURSOR, (reader,)))[0]
    if has_written and not may_have_written:
        raise RuntimeError("a window is opened before its transaction writes: it would miss its own rows")
    if from_the_future:
        raise RestoredElsewhere(f"the cursor of {reader} is ahead of this server's transaction ids")
    if current is not None:
        return Window(last, current, last_seq, end_seq)
    return await window_between(tx, log, last, taken)


async def window_between(tx: Transaction, log: Log, last: str, taken: str) -> Window | None:
    """Return what was not visible in the snapshot `last` and is in `taken`; None if there is nothing.

    A snapshot is a transaction's own record of `pg_current_snapshot()`; readers without a row of their own keep both.
    """
    bounds = _BOUNDS.format(table=log.table, seq=log.seq)
    first, end = (await tx.rows(bounds, {"last_snapshot": last, "snapshot": taken}))[0]
    return None if first is None else Window(last, taken, first - 1, end)


def advance(tx: Transaction, reader: str, log: Log, window: Window, last_seq: int) -> None:
    """Move the cursor behind `last_seq`, beside the effects of what was read; a window read to its end is closed."""
    if last_seq >= window.end_seq:
        tx.write(_SAVE_CURSOR, (reader, log.table, window.snapshot, None, 0, 0))
    else:
        position = (window.last_snapshot, window.snapshot, last_seq, window.end_seq)
        tx.write(_SAVE_CURSOR, (reader, log.table, *position))


async def count_unread(tx: Transaction, reader: str, log: Log) -> tuple[int, int | None]:
    """Return how many committed rows `reader` has not passed, and the number of the first of them."""
    last, current, last_seq, _, taken, _, _ = (await tx.rows(_READ_CURSOR, (reader,)))[0]
    parameters = {"last_snapshot": last, "snapshot": taken, "last_seq": last_seq, "current": current or NOTHING_SEEN}
    count, first = (await tx.rows(_COUNT.format(table=log.table, seq=log.seq), parameters))[0]
    return count, first


async def position(tx: Transaction, reader: str) -> Window:
    """Return how far `reader` has read: all of `last_snapshot`, and of `snapshot` up to `last_seq`."""
    last, current, last_seq, end_seq, _, _, _ = (await tx.rows(_READ_CURSOR, (reader,)))[0]
    return Window(last, current or NOTHING_SEEN, last_seq, end_seq)


# --- after a logical restore ----------------------------------------------------------------------------------

_FROM_THE_FUTURE: LiteralString = """
SELECT EXISTS (SELECT 1 FROM {table} WHERE transaction_id >= pg_snapshot_xmax(pg_current_snapshot()))
"""
_CURSOR_FROM_THE_FUTURE: LiteralString = """
SELECT EXISTS (
    SELECT 1 FROM relay_cursors
    WHERE greatest(pg_snapshot_xmax(last_snapshot), pg_snapshot_xmax(window_snapshot))
        > pg_snapshot_xmax(pg_current_snapshot())
)
"""
_UNREAD: LiteralString = """
EXISTS (
    SELECT 1 FROM relay_cursors AS c
    WHERE c.log = %(log)s AND NOT pg_visible_in_snapshot(r.transaction_id, c.last_snapshot)
      AND (c.window_snapshot IS NULL OR r.{seq} > c.last_seq
           OR NOT pg_visible_in_snapshot(r.transaction_id, c.window_snapshot))
)
"""
_RESTAMP: LiteralString = """
UPDATE {table} AS r
SET transaction_id = CASE WHEN {unread} THEN pg_current_xact_id() ELSE %(always)s::xid8 END
WHERE r.transaction_id >= pg_snapshot_xmin(%(taken)s::pg_snapshot) OR {unread}
"""


_EPOCH: LiteralString = "SELECT reader FROM relay_cursors WHERE log = %s"


def epoch() -> Statement:
    """Return what asks which restore, if any, this database comes from; `epoch_in` reads the answer."""
    return Statement(_EPOCH, (_EPOCH_LOG,))


def epoch_in(rows: Rows) -> bytes:
    """Return what tells a restored database from the one before: empty where nothing was ever restored."""
    return bytes.fromhex(rows[0][0].removeprefix(_EPOCH_READER)) if rows else b""


async def needs_rebase(tx: Transaction) -> bool:
    """True if rows or cursors bear transaction ids that this server has not reached: they come from another one.

    Ask in a transaction that has written nothing.
    """
    if (await tx.rows(_CURSOR_FROM_THE_FUTURE))[0][0]:
        return True
    for log in LOGS.values():
        if (await tx.rows(_FROM_THE_FUTURE.format(table=log.table)))[0][0]:
            return True
    return False


async def rebase(tx: Transaction) -> None:
    """Give rows and cursors this server's transaction ids, after a logical restore and before anything is served.

    What every reader had read stays read; what one had not read is read again by all of them, which the marks of
    handled events make harmless. Cost: one pass over the outbox and the audit log. Harmless when not needed.
    """
    readers = [reader for (reader,) in await tx.rows("SELECT reader FROM relay_cursors ORDER BY reader")]
    for reader in readers:
        await hold(tx, reader)
    # A roll-up tells what it has counted by its cursor alone: it begins anew.
    tx.write("DELETE FROM relay_cursors WHERE starts_with(reader, 'roll-up of ')")
    tx.write("DELETE FROM relay_cursors WHERE log = %s", (_EPOCH_LOG,))
    taken = (await tx.rows("SELECT pg_current_snapshot()"))[0][0]
    for log in LOGS.values():
        unread: LiteralString = _UNREAD.format(seq=log.seq)
        tx.write(f"LOCK TABLE {log.table} IN SHARE ROW EXCLUSIVE MODE")
        parameters = {"log": log.table, "always": _ALWAYS_VISIBLE, "taken": taken}
        tx.write(_RESTAMP.format(table=log.table, unread=unread), parameters)
    tx.write("UPDATE relay_cursors SET last_snapshot = %s, window_snapshot = NULL, last_seq = 0, end_seq = 0", (taken,))
    epoch = f"{_EPOCH_READER}{uuid4().hex}"  # drawn: two restores of one dump count alike
    tx.write(_SAVE_CURSOR, (epoch, _EPOCH_LOG, NOTHING_SEEN, None, 0, 0))
    await tx.flush()
