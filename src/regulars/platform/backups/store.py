"""SQL of backups: the place in the log up to which the server keeps it for us."""

from datetime import datetime
from typing import LiteralString

from regulars.platform.backups.contracts import SLOT, Archiving, Copying
from regulars.platform.db.transaction import Transaction

_STATE: LiteralString = "SELECT coalesce(wal_status, ''), active_pid FROM pg_replication_slots WHERE slot_name = %s"
_CREATE: LiteralString = "SELECT pg_create_physical_replication_slot(%s, true)"
_DROP: LiteralString = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s"
_LAST_CHANGE: LiteralString = "SELECT pg_last_xact_replay_timestamp()"
_FREE: LiteralString = "SELECT pg_terminate_backend(%s, 5000)"


async def slot_state(tx: Transaction) -> tuple[str, int | None] | None:
    """Return whether the log is still there from our place on (`lost`: it is not), and who reads; None without one."""
    rows = await tx.rows(_STATE, (SLOT,))
    return (rows[0][0], rows[0][1]) if rows else None


async def create_slot(tx: Transaction) -> None:
    """Let the server keep the log from here on until it is read."""
    await tx.rows(_CREATE, (SLOT,))


async def drop_slot(tx: Transaction) -> None:
    """Let the server keep nothing for us."""
    await tx.rows(_DROP, (SLOT,))


async def end_reader(tx: Transaction, process: int) -> None:
    """End a reader of the log that nobody minds any more, and wait for its end."""
    await tx.rows(_FREE, (process,))


async def last_change(tx: Transaction) -> datetime | None:
    """Return when what was recovered last was committed; None if nothing was, since the server started."""
    found: datetime | None = (await tx.rows(_LAST_CHANGE))[0][0]
    return found


_COPYING: LiteralString = """
SELECT s.active, coalesce(s.wal_status, ''), pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(r.write_lsn, s.restart_lsn))
FROM pg_replication_slots AS s LEFT JOIN pg_stat_replication AS r ON r.pid = s.active_pid WHERE s.slot_name = %s
"""
_ARCHIVING: LiteralString = """
SELECT current_setting('archive_mode'), last_archived_time, failed_count, last_failed_time FROM pg_stat_archiver
"""


async def copying(tx: Transaction) -> Copying | None:
    """Return how the log is copied to our backups; None where the server keeps nothing for them."""
    rows = await tx.rows(_COPYING, (SLOT,))
    return Copying(rows[0][0], rows[0][1], int(rows[0][2] or 0)) if rows else None


async def archiving(tx: Transaction) -> Archiving:
    """Return how the server archives its log by its own means."""
    return Archiving._make((await tx.rows(_ARCHIVING))[0])
