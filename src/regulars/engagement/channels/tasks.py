"""Scheduled work of messages."""

from regulars.engagement.channels import budgets, service
from regulars.platform.db.transaction import Transaction
from regulars.platform.jobs.registry import task


@task(cron="41 3 * * *")
async def forget_old_messages(tx: Transaction) -> bool:
    """Delete messages that have been kept long enough; returns whether there may be more."""
    budgets.forget(tx)
    return await service.forget_old(tx)
