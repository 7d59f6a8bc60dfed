"""SQL of how far roll-ups have come."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import LiteralString

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Rows, Statement, Transaction

STANDING: LiteralString = """
SELECT r.as_of, r.computed_at,
       (SELECT min(d.day) FROM rollup_days AS d WHERE d.name = r.name),
       (SELECT max(d.day) FROM rollup_days AS d WHERE d.name = r.name)
FROM rollups AS r WHERE r.name = %s
"""
CHANGED: LiteralString = """
SELECT max(changed_at) FROM rollup_days WHERE name = %s AND day BETWEEN %s AND %s
"""
_NOTE_DAYS: LiteralString = """
INSERT INTO rollup_days (name, day, changed_at) SELECT %s, day, %s FROM unnest(%s::date[]) AS day
ON CONFLICT (name, day) DO UPDATE SET changed_at = excluded.changed_at
"""
_NOTE: LiteralString = """
INSERT INTO rollups (name, as_of, computed_at) VALUES (%s, %s, %s)
ON CONFLICT (name) DO UPDATE SET as_of = excluded.as_of, computed_at = excluded.computed_at
"""


def hold(tx: Transaction, table: LiteralString) -> None:
    """Keep other runs away, and read one snapshot from then on.

    The lock is taken before the snapshot: a run that waited for another one sees what that one wrote. (A function that
    takes an advisory lock would be a query, and a query takes the snapshot before it waits.)
    """
    tx.write("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    tx.write(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")


def plan_for_many_rows(tx: Transaction) -> None:
    """Let the planner read whole tables, which workers' transactions else forbid, and sum them up in memory."""
    tx.write("SET LOCAL enable_seqscan = on")
    tx.write("SET LOCAL work_mem = '128MB'")


def standing(name: str) -> Statement:
    """Return what asks how far a roll-up has come."""
    return Statement(STANDING, (name,))


async def changed(tx: Transaction, name: str, first: date, last: date) -> Rows:
    """Return when one of these days changed last, by the wall clock."""
    return await tx.rows(CHANGED, (name, first, last))


def forget_days(tx: Transaction, name: str) -> None:
    """Forget every day; those that there are get noted anew."""
    tx.write("DELETE FROM rollup_days WHERE name = %s", (name,))


def note(tx: Transaction, name: str, days: Iterable[date], *, as_of: datetime, at: datetime) -> None:
    """Note that these days changed at an instant of the wall clock, and how far the roll-up has come."""
    tx.write(_NOTE_DAYS, (name, at, arrays.texts(sorted({day.isoformat() for day in days}))))
    tx.write(_NOTE, (name, as_of, at))
