"""SQL of readiness, and of how a deployment stands."""

from datetime import datetime
from typing import LiteralString

from regulars.platform.db.transaction import Transaction
from regulars.platform.health.contracts import FailedTask, Jobs, Size, Storage, TableSize, Workers


async def select_revision(tx: Transaction) -> str | None:
    """Return the schema's revision; None if nothing was ever migrated."""
    rows = await tx.rows("SELECT to_regclass('alembic_version') IS NOT NULL")
    if not rows[0][0]:
        return None
    rows = await tx.rows("SELECT version_num FROM alembic_version")
    return str(rows[0][0]) if rows else None


# --- how a deployment stands ----------------------------------------------------------------------------------------


def hurry(tx: Transaction, milliseconds: int) -> None:
    """Let no statement of this transaction take longer; what takes longer fails."""
    tx.write(f"SET LOCAL statement_timeout = {milliseconds:d}")


_WORKERS: LiteralString = """
SELECT (SELECT count(*) FROM procrastinate_workers
        WHERE last_heartbeat > %s),
       greatest((SELECT max(last_heartbeat) FROM procrastinate_workers),
                (SELECT sealed_at FROM audit_seals ORDER BY seal_no DESC LIMIT 1))
"""


async def workers(tx: Transaction, since: datetime) -> Workers:
    """Return which workers there are; one is alive that has shown itself since then (wall clock)."""
    return Workers(*(await tx.rows(_WORKERS, (since,)))[0])


_JOBS: LiteralString = """
SELECT count(*) FILTER (WHERE status = 'todo' AND coalesce(scheduled_at, '-infinity') <= %(at)s),
       count(*) FILTER (WHERE status = 'todo' AND scheduled_at > %(at)s),
       count(*) FILTER (WHERE status = 'doing'),
       count(*) FILTER (WHERE status = 'failed'),
       coalesce(extract(epoch FROM %(at)s - min(greatest(scheduled_at, deferred_at)) FILTER (
           WHERE status = 'todo' AND coalesce(scheduled_at, '-infinity') <= %(at)s)), 0)::float8
FROM procrastinate_jobs AS j
LEFT JOIN LATERAL (SELECT max(at) AS deferred_at FROM procrastinate_events
                   WHERE job_id = j.id AND type IN ('deferred', 'deferred_for_retry', 'retried')) AS e
       ON j.status = 'todo'
WHERE status IN ('todo', 'doing', 'failed')
"""


async def jobs(tx: Transaction, at: datetime) -> Jobs:
    """Return how the queue of jobs stands, at an instant of the wall clock."""
    return Jobs(*(await tx.rows(_JOBS, {"at": at}))[0])


_FAILED_TASKS: LiteralString = """
SELECT task_name, count(*), max((SELECT max(at) FROM procrastinate_events WHERE job_id = j.id AND type = 'failed'))
FROM procrastinate_jobs AS j WHERE status = 'failed' GROUP BY task_name ORDER BY task_name LIMIT 50
"""


async def failed_tasks(tx: Transaction) -> list[FailedTask]:
    """Return the tasks of which jobs failed for good."""
    return [FailedTask(*row) for row in await tx.rows(_FAILED_TASKS)]


_RETRY_FAILED: LiteralString = """
SELECT procrastinate_retry_job_v2(id, %s, NULL, NULL, NULL)
FROM procrastinate_jobs WHERE status = 'failed'
"""


async def retry_failed(tx: Transaction, at: datetime) -> int:
    """Let every job that failed for good be tried once more; return how many."""
    return len(await tx.rows(_RETRY_FAILED, (at,)))


# When a job failed for good is told by its last event.
_FORGET_FAILED: LiteralString = """
WITH old AS (
    SELECT id FROM procrastinate_jobs AS j
    WHERE status IN ('failed', 'cancelled', 'aborted', 'succeeded')
      AND coalesce((SELECT max(at) FROM procrastinate_events WHERE job_id = j.id), '-infinity') < %s
    ORDER BY id LIMIT %s
), gone AS (DELETE FROM procrastinate_jobs AS j USING old WHERE j.id = old.id RETURNING 1)
SELECT count(*) FROM gone
"""


async def forget_ended(tx: Transaction, before: datetime, limit: int) -> int:
    """Delete jobs that ended, well or not, before this instant of the wall clock; return how many."""
    return int((await tx.rows(_FORGET_FAILED, (before, limit)))[0][0])


# What says that a schedule was kept at an instant: a row a run, which the queue itself never deletes.
_FORGET_RUNS: LiteralString = """
WITH old AS (
    SELECT id FROM procrastinate_periodic_defers WHERE defer_timestamp < extract(epoch FROM %s::timestamptz)
    ORDER BY id LIMIT %s
), gone AS (DELETE FROM procrastinate_periodic_defers AS d USING old WHERE d.id = old.id RETURNING 1)
SELECT count(*) FROM gone
"""


async def forget_runs(tx: Transaction, before: datetime, limit: int) -> int:
    """Delete what says that schedules were kept before this instant of the wall clock; return how many."""
    return int((await tx.rows(_FORGET_RUNS, (before, limit)))[0][0])


_SIZE: LiteralString = """
SELECT current_setting('server_version_num')::int, pg_database_size(current_database()),
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
       current_setting('max_connections')::int,
       (SELECT coalesce(max(extract(epoch FROM %(at)s - xact_start)), 0)::float8 FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend')
"""


async def size(tx: Transaction, at: datetime) -> Size:
    """Return the database in figures, at an instant of the wall clock."""
    return Size(*(await tx.rows(_SIZE, {"at": at}))[0])


_LARGEST: LiteralString = """
SELECT c.relname, pg_total_relation_size(c.oid), greatest(c.reltuples, 0)::bigint
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = current_schema()
ORDER BY 2 DESC, c.relname LIMIT %s
"""


async def largest_tables(tx: Transaction, limit: int) -> list[TableSize]:
    """Return the tables that take most room, the largest first; their rows are the server's estimate."""
    return [TableSize._make(row) for row in await tx.rows(_LARGEST, (limit,))]


_STORAGE: LiteralString = """
SELECT current_setting('server_encoding'), datcollate,
       datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid), current_setting('fsync')::boolean,
       current_setting('full_page_writes')::boolean, current_setting('synchronous_commit') <> 'off',
       current_setting('autovacuum')::boolean
FROM pg_database WHERE datname = current_database()
"""


async def storage(tx: Transaction) -> Storage:
    """Return how the database keeps what is written."""
    return Storage(*(await tx.rows(_STORAGE))[0])


_CLOCK: LiteralString = "SELECT query_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"


async def clock(tx: Transaction) -> datetime:
    """Return when the database's machine took up this question, by its own clock."""
    at: datetime = (await tx.rows(_CLOCK))[0][0]
    return at
