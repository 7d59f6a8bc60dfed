"""SQL of jobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from regulars.platform.bulk.contracts import ListWanted
from regulars.platform.db.transaction import Rows, Transaction

# A job that somebody wants stopped counts as stopped at once; its next step writes that down.
_COLUMNS: LiteralString = """
SELECT * FROM (
    SELECT j.job_id, j.kind, j.asked_by, j.asked_at,
           CASE WHEN j.ended_at IS NULL AND c.job_id IS NOT NULL THEN 'cancelled' ELSE j.state END AS state,
           j.done, j.all_of_it, j.counts, j.failure, j.began_at, coalesce(j.ended_at, c.cancelled_at) AS ended_at
    FROM jobs AS j LEFT JOIN job_cancellations AS c ON c.job_id = j.job_id
) AS j
"""
_INSERT: LiteralString = """
INSERT INTO jobs (job_id, kind, asked_by, asked_at, state, done, all_of_it, counts, carry, steps, failures)
VALUES (%s, %s, %s, %s, 'queued', 0, %s, '{}', %s, 0, 0)
"""
_LIST: LiteralString = (
    _COLUMNS
    + """
WHERE (%(asked_by)s::text IS NULL OR j.asked_by = %(asked_by)s)
  AND (%(kind)s::text IS NULL OR j.kind = %(kind)s)
  AND (%(state)s::text IS NULL OR j.state = %(state)s)
  AND (%(at)s::timestamptz IS NULL OR (j.asked_at, j.job_id) < (%(at)s, %(id)s))
ORDER BY j.asked_at DESC, j.job_id DESC LIMIT %(limit)s
"""
)
_READ: LiteralString = _COLUMNS + "WHERE j.job_id = ANY(%s)"
TAKE_UP: LiteralString = """
SELECT j.kind, j.asked_by, j.carry, j.counts, j.all_of_it, j.steps, j.failures,
       EXISTS (SELECT 1 FROM job_cancellations AS c WHERE c.job_id = j.job_id)
FROM jobs AS j WHERE j.job_id = %s AND j.state IN ('queued', 'running') FOR UPDATE
"""
_GO_ON: LiteralString = """
UPDATE jobs SET state = 'running', done = %s, all_of_it = %s, counts = %s, carry = %s, steps = steps + 1, failures = 0,
    began_at = coalesce(began_at, %s)
WHERE job_id = %s
"""
_END: LiteralString = """
UPDATE jobs SET state = %s, failure = %s, ended_at = %s, began_at = coalesce(began_at, %s) WHERE job_id = %s
"""
_CANCEL: LiteralString = """
INSERT INTO job_cancellations (job_id, cancelled_by, cancelled_at)
SELECT job_id, %s, %s FROM jobs WHERE job_id = %s AND state IN ('queued', 'running')
ON CONFLICT (job_id) DO NOTHING
"""
_RESUME: LiteralString = """
UPDATE jobs SET state = 'queued', failure = NULL, failures = 0, ended_at = NULL
WHERE job_id = %s AND state IN ('cancelled', 'failed') RETURNING job_id
"""
# An entry of the queue that failed for good, or was deleted, leaves its job open; nobody would ever go on with it.
_END_ABANDONED: LiteralString = """
UPDATE jobs AS o SET state = 'failed', failure = %s, ended_at = %s
WHERE o.state IN ('queued', 'running') AND o.asked_at < %s AND NOT EXISTS (
    SELECT 1 FROM procrastinate_jobs AS j
    WHERE j.task_name = %s AND j.status IN ('todo', 'doing') AND j.args ->> 'job_id' = o.job_id::text
)
"""
_FORGET_ENDED: LiteralString = """
DELETE FROM jobs WHERE job_id = %s AND state IN ('done', 'failed', 'cancelled') RETURNING job_id
"""
_FORGET: LiteralString = """
DELETE FROM jobs WHERE job_id IN (
    SELECT job_id FROM jobs WHERE ended_at < %s ORDER BY ended_at LIMIT %s
) RETURNING job_id
"""


class Locked(NamedTuple):
    """An open job, locked: its columns as they are kept, its failures in a row, and whether to stop it."""

    kind: str
    asked_by: str
    carry: str
    counts: str
    all_of_it: int
    steps: int
    failures: int
    is_stopped: bool


def insert(
    tx: Transaction, job_id: UUID, kind: str, *, asked_by: str, at: datetime, all_of_it: int, carry: str
) -> None:
    """Add a job that waits."""
    tx.write(_INSERT, (job_id, kind, asked_by, at, all_of_it, carry))


async def listed(tx: Transaction, wanted: ListWanted) -> Rows:
    """Return the columns of jobs."""
    at, job_id = wanted.before or (None, None)
    asked = {"asked_by": wanted.asked_by, "kind": wanted.kind, "state": wanted.state, "limit": wanted.limit}
    return await tx.rows(_LIST, asked | {"at": at, "id": job_id})


async def read(tx: Transaction, job_id: UUID) -> Rows:
    """Return the columns of one job, or nothing."""
    return await read_many(tx, [job_id])


async def read_many(tx: Transaction, job_ids: Sequence[UUID]) -> Rows:
    """Return the columns of those of some jobs that there are."""
    return await tx.rows(_READ, (list(job_ids),))


async def take_up(tx: Transaction, job_id: UUID) -> Locked | None:
    """Lock a job that is open; None for one that is not."""
    return next((Locked._make(row) for row in await tx.rows(TAKE_UP, (job_id,))), None)


def go_on(tx: Transaction, job_id: UUID, progress: tuple[int, int], *, counts: str, carry: str, at: datetime) -> None:
    """Note what a step did."""
    tx.write(_GO_ON, (*progress, counts, carry, at, job_id))


def end(tx: Transaction, job_id: UUID, state: str, failure: str | None, at: datetime) -> None:
    """Note how a job ended."""
    tx.write(_END, (state, failure, at, at, job_id))


def count_failure(tx: Transaction, job_id: UUID) -> None:
    """Note that a step failed and is to be tried again."""
    tx.write("UPDATE jobs SET failures = failures + 1 WHERE job_id = %s", (job_id,))


def cancel(tx: Transaction, job_id: UUID, by: str, at: datetime) -> None:
    """Note that somebody wants a job stopped, if it is still open."""
    tx.write(_CANCEL, (by, at, job_id))


async def close_stopped(tx: Transaction, job_id: UUID, at: datetime) -> None:
    """Write down that a job was stopped which no step has come to since; waits for one that is under way."""
    stopped = await tx.rows("SELECT 1 FROM job_cancellations WHERE job_id = %s", (job_id,))
    if stopped and await take_up(tx, job_id):
        end(tx, job_id, "cancelled", None, at)


async def resume(tx: Transaction, job_id: UUID) -> bool:
    """Let a job that ended without having done all wait again; returns whether it is one."""
    tx.write("DELETE FROM job_cancellations WHERE job_id = %s", (job_id,))
    return bool(await tx.rows(_RESUME, (job_id,)))


def end_abandoned(tx: Transaction, task: str, failure: str, *, asked_before: datetime, at: datetime) -> None:
    """End open jobs that no entry of the queue is going to go on with."""
    tx.write(_END_ABANDONED, (failure, at, asked_before, task))


async def forget_ended(tx: Transaction, job_id: UUID) -> bool:
    """Delete one job if it ended; returns whether it did."""
    return bool(await tx.rows(_FORGET_ENDED, (job_id,)))


async def forget(tx: Transaction, before: datetime, at_most: int) -> bool:
    """Delete jobs that ended before; returns whether there may be more."""
    return len(await tx.rows(_FORGET, (before, at_most))) == at_most
