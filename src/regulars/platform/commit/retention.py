"""How long the answers to earlier requests are kept, and what refusals were decided by."""

from datetime import timedelta

from regulars.platform.clock import wall_now
from regulars.platform.commit import store
from regulars.platform.db.transaction import Transaction

KEEP_ANSWERS = timedelta(hours=24)
KEEP_REFUSALS = timedelta(days=90)
_AT_MOST = 10_000


async def forget_old_answers(tx: Transaction) -> bool:
    """Delete answers older than 24 hours (wall clock), at most 10,000; True if there may be more."""
    return await store.forget(tx, wall_now() - KEEP_ANSWERS, _AT_MOST) == _AT_MOST


async def forget_old_refusals(tx: Transaction) -> bool:
    """Delete refusals older than 90 days (wall clock), at most 10,000; True if there may be more."""
    return await store.forget_refusals(tx, wall_now() - KEEP_REFUSALS, _AT_MOST) == _AT_MOST
