"""Scheduled work of webhooks."""

from datetime import timedelta

from regulars.platform.db.transaction import Transaction
from regulars.platform.jobs.registry import task
from regulars.platform.settings import Settings
from regulars.platform.webhooks import service


@task(cron="41 3 * * *", by_settings=True)
async def forget_old_deliveries(tx: Transaction, settings: Settings) -> bool:
    """Delete what was delivered or given up long enough ago, some thousand at a time."""
    return await service.forget_old(tx, timedelta(days=settings.keep_deliveries_days))
