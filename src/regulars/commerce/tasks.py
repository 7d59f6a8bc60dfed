"""Enrolment codes that ended are deleted."""

from regulars.commerce.devices import service as devices
from regulars.platform.db.transaction import Transaction
from regulars.platform.jobs.registry import task

_AT_MOST = 1_000


@task(cron="43 3 * * *")
async def forget_device_codes(tx: Transaction) -> bool:
    """Delete enrolment codes that ended a week ago."""
    return await devices.forget_old(tx, at_most=_AT_MOST)
