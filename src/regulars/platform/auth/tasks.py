"""What ended is deleted: sessions, sign-ins under way, links, attempts."""

from regulars.platform.auth.staff import sessions
from regulars.platform.auth.throttle import service as throttle
from regulars.platform.db.transaction import Transaction
from regulars.platform.jobs.registry import task

_AT_MOST = 1_000


@task(cron="23 * * * *")
async def forget_attempts(tx: Transaction) -> bool:
    """Delete tallies of attempts that no policy remembers."""
    return await throttle.forget_old(tx, at_most=_AT_MOST)


@task(cron="29 3 * * *")
async def forget_staff_sessions(tx: Transaction) -> bool:
    """Delete sessions, steps and links of staff that ended a week ago."""
    return await sessions.forget_ended(tx, at_most=_AT_MOST)
