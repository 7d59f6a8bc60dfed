"""Scheduled work of the outbox."""

from datetime import timedelta

from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.jobs.registry import task
from regulars.platform.outbox import service

# Longer than a backup may be old that somebody restores: a replay must still find the marks.
KEEP_MARKS = timedelta(days=90)


@task(cron="17 3 * * *")
async def forget_handled(tx: Transaction) -> None:
    """Remove marks of handled events that can no longer come again."""
    await service.forget_handled(tx, wall_now() - KEEP_MARKS)
