"""SQL of reports."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from regulars.platform.db.transaction import Rows, Statement, Transaction

# A report that somebody wants stopped counts as stopped at once; its next slice writes that down.
_COLUMNS: LiteralString = """
SELECT r.report_id, r.kind, r.parameters, r.asked_by, r.asked_at,
       CASE WHEN r.ended_at IS NULL AND c.report_id IS NOT NULL THEN 'cancelled' ELSE r.state END,
       r.done, r.all_of_it, r.result, r.error, r.began_at, r.as_of, coalesce(r.ended_at, c.cancelled_at)
FROM reports AS r LEFT JOIN report_cancellations AS c ON c.report_id = r.report_id
"""
_ASK: LiteralString = """
INSERT INTO reports (report_id, kind, parameters, question, asked_by, asked_at, state, done, all_of_it, carry, attempts)
VALUES (%s, %s, %s, %s, %s, %s, 'queued', 0, 0, 'null', 0)
ON CONFLICT (question) WHERE state IN ('queued', 'running') DO NOTHING RETURNING report_id
"""
_RECORD: LiteralString = """
INSERT INTO reports (report_id, kind, parameters, question, asked_by, asked_at, state, done, all_of_it, carry, attempts,
                     result, began_at, as_of, ended_at)
VALUES (%s, %s, %s, %s, %s, %s, 'done', 1, 1, 'null', 0, %s, %s, %s, %s)
"""
_CLOSE_STOPPED: LiteralString = """
UPDATE reports AS r SET state = 'cancelled', ended_at = c.cancelled_at
FROM report_cancellations AS c
WHERE c.report_id = r.report_id AND r.question = %s AND r.state IN ('queued', 'running')
"""
_LATEST: LiteralString = _COLUMNS + "WHERE r.question = %s ORDER BY r.asked_at DESC, r.report_id DESC LIMIT 1"
_LATEST_DONE: LiteralString = (
    _COLUMNS + "WHERE r.question = %s AND r.state = 'done' ORDER BY r.asked_at DESC, r.report_id DESC LIMIT 1"
)
_OF_KIND: LiteralString = _COLUMNS + "WHERE r.kind = %s ORDER BY r.asked_at DESC, r.report_id DESC LIMIT %s"
_READ: LiteralString = _COLUMNS + "WHERE r.report_id = %s"
_CANCEL: LiteralString = """
INSERT INTO report_cancellations (report_id, cancelled_by, cancelled_at)
SELECT report_id, %s, %s FROM reports WHERE report_id = %s AND state IN ('queued', 'running')
ON CONFLICT (report_id) DO NOTHING
"""
_TAKE_UP: LiteralString = """
SELECT r.kind, r.parameters, r.carry, r.attempts,
       EXISTS (SELECT 1 FROM report_cancellations AS c WHERE c.report_id = r.report_id)
FROM reports AS r WHERE r.report_id = %s AND r.state IN ('queued', 'running') FOR UPDATE
"""
_GO_ON: LiteralString = """
UPDATE reports SET state = 'running', done = %s, all_of_it = %s, carry = %s, attempts = 0,
    began_at = coalesce(began_at, %s), as_of = coalesce(as_of, %s)
WHERE report_id = %s
"""
_FINISH: LiteralString = """
UPDATE reports SET state = 'done', done = greatest(all_of_it, 1), all_of_it = greatest(all_of_it, 1), result = %s,
    carry = 'null', ended_at = %s, began_at = coalesce(began_at, %s), as_of = coalesce(as_of, %s)
WHERE report_id = %s
"""
# A job that failed for good, or was deleted, leaves its report open; nobody would ever compute it, or ask anew.
_END_ABANDONED: LiteralString = """
UPDATE reports AS r SET state = 'failed', error = %s, ended_at = %s
WHERE r.state IN ('queued', 'running') AND r.asked_at < %s AND NOT EXISTS (
    SELECT 1 FROM procrastinate_jobs AS j
    WHERE j.task_name = %s AND j.status IN ('todo', 'doing') AND j.args ->> 'report_id' = r.report_id::text
)
"""
_FORGET: LiteralString = """
DELETE FROM reports WHERE report_id IN (
    SELECT report_id FROM reports WHERE ended_at < %s ORDER BY ended_at LIMIT %s
) RETURNING report_id
"""


class Taken(NamedTuple):
    """An open report, locked: what it is of, what to go on from, its failures in a row, and whether to stop it."""

    kind: str
    parameters: str
    carry: str
    failures: int
    is_stopped: bool


def read_one_snapshot(tx: Transaction) -> None:
    """Let a slice read of one instant, by whatever plan is best for many rows."""
    tx.write("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    tx.write("SET LOCAL enable_seqscan = on")


async def insert(tx: Transaction, row: Sequence[Any], question: str) -> bool:
    """Add a report unless one with the same question is open; returns whether it was added."""
    tx.write(_CLOSE_STOPPED, (question,))
    return bool(await tx.rows(_ASK, row))


def record(tx: Transaction, row: Sequence[Any], result: str, *, began: datetime, at: datetime) -> None:
    """Add a report that was computed elsewhere, with its result."""
    tx.write(_RECORD, (*row, result, began, tx.now, at))


async def latest(tx: Transaction, question: str) -> Rows:
    """Return the columns of the last report asked for with this question, or nothing."""
    return await tx.rows(_LATEST, (question,))


async def latest_done(tx: Transaction, question: str) -> Rows:
    """Return the columns of the last report with this question that has a result, or nothing."""
    return await tx.rows(_LATEST_DONE, (question,))


async def latest_and_done(tx: Transaction, question: str) -> tuple[Rows, Rows]:
    """Return the columns of the last report with this question, and of the last one with a result, or nothing."""
    last, done = await tx.read(Statement(_LATEST, (question,)), Statement(_LATEST_DONE, (question,)))
    return last, done


async def of_kind(tx: Transaction, kind: str, limit: int) -> Rows:
    """Return the columns of the last reports of a kind."""
    return await tx.rows(_OF_KIND, (kind, limit))


async def read(tx: Transaction, report_id: UUID) -> Rows:
    """Return the columns of one report, or nothing."""
    return await tx.rows(_READ, (report_id,))


def cancel(tx: Transaction, report_id: UUID, by: str, at: datetime) -> None:
    """Note that somebody wants a report stopped, if it is still open."""
    tx.write(_CANCEL, (by, at, report_id))


async def take_up(tx: Transaction, report_id: UUID) -> Taken | None:
    """Lock a report that is open; None for one that is not."""
    return next((Taken._make(row) for row in await tx.rows(_TAKE_UP, (report_id,))), None)


def go_on(tx: Transaction, report_id: UUID, done: int, all_of_it: int, carry: str, *, at: datetime) -> None:
    """Note what a slice did, at an instant of the wall clock."""
    tx.write(_GO_ON, (done, all_of_it, carry, at, tx.now, report_id))


def finish(tx: Transaction, report_id: UUID, result: str, *, began: datetime, at: datetime) -> None:
    """Note the result. Instants are the wall clock's: when the slice began, and when it ended."""
    tx.write(_FINISH, (result, at, began, tx.now, report_id))


def count_failure(tx: Transaction, report_id: UUID) -> None:
    """Note that a slice failed and is to be tried again."""
    tx.write("UPDATE reports SET attempts = attempts + 1 WHERE report_id = %s", (report_id,))


def end(tx: Transaction, report_id: UUID, state: str, error: str | None, *, at: datetime) -> None:
    """Note that a report ended without a result, at an instant of the wall clock."""
    tx.write(
        "UPDATE reports SET state = %s, error = %s, ended_at = %s WHERE report_id = %s", (state, error, at, report_id)
    )


def end_abandoned(tx: Transaction, task: str, error: str, *, asked_before: datetime, at: datetime) -> None:
    """End open reports that no job of this task is going to compute."""
    tx.write(_END_ABANDONED, (error, at, asked_before, task))


async def forget(tx: Transaction, before: datetime, at_most: int) -> bool:
    """Delete reports that ended before; returns whether there may be more."""
    return len(await tx.rows(_FORGET, (before, at_most))) == at_most
