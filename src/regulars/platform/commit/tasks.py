"""Scheduled work of the idempotency keys."""

from regulars.platform.commit import retention
from regulars.platform.db.transaction import Transaction
from regulars.platform.jobs.registry import task


@task(cron="7 * * * *")
async def forget_old_answers(tx: Transaction) -> bool:
    """Forget answers that nobody may ask for any more."""
    return await retention.forget_old_answers(tx)


@task(cron="17 3 * * *")
async def forget_old_refusals(tx: Transaction) -> bool:
    """Forget refusals that nobody asks about any more."""
    return await retention.forget_old_refusals(tx)
