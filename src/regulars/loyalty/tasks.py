"""What time decides, booked every five minutes. Nothing waits for it: spendable and tier follow from the instant.

And the books, rolled up each minute, and months that are being closed.
"""

from regulars.loyalty.arrivals import service as arrivals
from regulars.loyalty.figures import rolling
from regulars.loyalty.finance import closing, reports
from regulars.loyalty.ledger import service
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.preview import reports as _previews  # noqa: F401 - declares its report
from regulars.loyalty.preview import service as previews
from regulars.platform.db.transaction import Transaction
from regulars.platform.jobs.registry import task
from regulars.platform.rollups import service as rollups

MEMBERS_AT_ONCE = 500
EVERY_FIVE_MINUTES = "*/5 * * * *"
REPORTS = (reports.COMPOSITION, reports.MONTH_CHECK)  # by this the worker knows them


@task(cron="* * * * *")
async def roll_up_books(tx: Transaction) -> None:
    """Recompute the sums of the days that what was booked since touched."""
    await rollups.bring_up_to_date(tx, rolling.BOOKS)


@task(cron=EVERY_FIVE_MINUTES)
async def book_expiries(tx: Transaction) -> bool:
    """Book what ran out by now, of some hundred members a transaction; returns whether there may be more."""
    return await service.expire_due(tx, Configuration(), tx.now, MEMBERS_AT_ONCE) > 0


@task(cron="* * * * *")
async def book_hold_ends(tx: Transaction) -> bool:
    """Book the deadlines of holds that came by now, of some hundred members a transaction."""
    return await service.time_out_due(tx, Configuration(), tx.now, MEMBERS_AT_ONCE) > 0


@task(cron=EVERY_FIVE_MINUTES)
async def book_tier_reviews(tx: Transaction) -> bool:
    """Book the tier reviews due by now, of some hundred members a transaction; returns whether there may be more."""
    return await service.review_due(tx, Configuration(), tx.now, MEMBERS_AT_ONCE) > 0


@task(cron="* * * * *")
async def book_policy_arrivals(tx: Transaction) -> bool:
    """Book what a version that came into force does to members' tiers, of some hundred members a transaction."""
    return await arrivals.book_arrivals(tx, Configuration(), MEMBERS_AT_ONCE)


@task(cron="41 3 * * *")
async def forget_previews(tx: Transaction) -> bool:
    """Delete the lists of members of previews that are forgotten."""
    return await previews.forget(tx, MEMBERS_AT_ONCE)


@task(cron="* * * * *")
async def close_months(tx: Transaction) -> None:
    """Bring the month that is being closed to its end, once what began before it has ended."""
    await closing.go_on(tx, Configuration())
