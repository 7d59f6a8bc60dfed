"""Scheduled work of the queue itself."""

from datetime import timedelta

from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.health import service
from regulars.platform.jobs.registry import task
from regulars.platform.settings import Settings

# The queue asks for its own runs of the last minutes.
KEEP_RUNS = timedelta(days=2)
_AT_MOST = 5_000


@task(cron="53 3 * * *", by_settings=True)
async def forget_ended_jobs(tx: Transaction, settings: Settings) -> bool:
    """Delete jobs that failed for good so long ago that nobody will let them be tried again."""
    kept = timedelta(days=settings.keep_failed_jobs_days)
    return await service.forget_ended_jobs(tx, wall_now() - kept, at_most=_AT_MOST)


@task(cron="57 * * * *")
async def forget_schedule_runs(tx: Transaction) -> bool:
    """Delete what says at which instants schedules were kept."""
    return await service.forget_schedule_runs(tx, wall_now() - KEEP_RUNS, at_most=_AT_MOST)
