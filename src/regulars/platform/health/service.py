"""Whether this process may be used, and what is done about jobs that failed."""

import asyncio
from datetime import datetime

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.clock import wall_now
from regulars.platform.db.database import CONNECTION_LOST, Database
from regulars.platform.db.migrate import head
from regulars.platform.db.transaction import Transaction
from regulars.platform.health import store
from regulars.platform.health.contracts import FailedTask
from regulars.platform.health.errors import DatabaseSilent, NotMigrated

ANSWER_SECONDS = 2.0


async def require_ready(database: Database) -> str:
    """Return the schema's revision once the database answers, is migrated, and its programme clock is known.

    Raises DatabaseSilent or NotMigrated (both 503).
    """
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            async with database.transaction() as tx:
                found = await store.select_revision(tx)
            if found != head():
                raise NotMigrated(found=found or "—", needed=head())
            await database.follow_clock()
    except (*CONNECTION_LOST, TimeoutError) as error:
        raise DatabaseSilent from error
    return found


async def failed_tasks(tx: Transaction) -> list[FailedTask]:
    """Return the tasks of which jobs failed for good, by name."""
    return await store.failed_tasks(tx)


async def forget_ended_jobs(tx: Transaction, before: datetime, *, at_most: int) -> bool:
    """Delete jobs that ended before this instant of the wall clock; True if there may be more."""
    return await store.forget_ended(tx, before, at_most) == at_most


async def forget_schedule_runs(tx: Transaction, before: datetime, *, at_most: int) -> bool:
    """Delete what says that schedules were kept before this instant of the wall clock; True if there may be more."""
    return await store.forget_runs(tx, before, at_most) == at_most


async def retry_failed_jobs(tx: Transaction, *, reason: str) -> int:
    """Let every job that failed for good be tried once more; return how many. Audited."""
    count = await store.retry_failed(tx, wall_now())
    if count:
        tx.audit(
            AuditEntry(
                actor=tx.actor,
                action="retry_failed_jobs",
                subject="all failed jobs",
                reason=reason,
                request_id=tx.request_id,
                detail=f"{count} jobs",
            )
        )
    return count
