"""Scheduled work of webhooks."""

from regulars.platform.db.transaction import Transaction
from regulars.platform.jobs.registry import task
from regulars.platform.webhooks import service


@task(cron="41 3 * * *")
async def forget_old_deliveries(tx: Transaction) -> bool:
    """Delete what was delivered or given up 30 days ago, some thousand at a time."""
    return await service.forget_old(tx)
