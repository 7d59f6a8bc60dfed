"""Scheduled work of the outbox."""

from datetime import timedelta

from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.jobs.registry import task
from regulars.platform.outbox import service
from regulars.platform.settings import Settings

# Longer than a backup may be old that somebody restores: a replay must still find the marks.
KEEP_MARKS = timedelta(days=90)
_AT_MOST = 5_000


@task(cron="17 3 * * *")
async def forget_handled(tx: Transaction) -> bool:
    """Remove marks of handled events that can no longer come again."""
    return await service.forget_handled(tx, wall_now() - KEEP_MARKS, at_most=_AT_MOST)


@task(cron="19 3 * * *", by_settings=True)
async def forget_events(tx: Transaction, settings: Settings) -> bool:
    """Delete events that are kept no longer."""
    if not settings.keep_events_days:
        return False
    kept = max(KEEP_MARKS, timedelta(days=settings.keep_events_days))
    return await service.forget_events(tx, wall_now() - kept, at_most=_AT_MOST)
