"""Sales are rolled up; enrolment codes that ended are deleted."""

from regulars.commerce.devices import service as devices
from regulars.commerce.figures import buyers, rolling
from regulars.platform.db.transaction import Transaction
from regulars.platform.jobs.registry import task
from regulars.platform.rollups import service as rollups

_AT_MOST = 1_000

REPORTS = (buyers.BUYERS,)  # by this the worker knows them


@task(cron="* * * * *")
async def roll_up_sales(tx: Transaction) -> None:
    """Recompute the sums of the days that orders and returns learned since touched."""
    await rollups.bring_up_to_date(tx, rolling.SALES)


@task(cron="43 3 * * *")
async def forget_device_codes(tx: Transaction) -> bool:
    """Delete enrolment codes that ended a week ago."""
    return await devices.forget_old(tx, at_most=_AT_MOST)
