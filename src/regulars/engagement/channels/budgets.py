"""How many codes leave the house in an hour and in a day: a ceiling on what anybody can make us spend.

Counted by channel in hours of the wall clock; a day is this hour and the 23 before it. The last quarter is kept for
browsers in which the address was proved before: whoever uses up the rest, from ever so many places, keeps out those
who come for the first time, and no member on a device of their own.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from regulars.engagement.channels import store
from regulars.engagement.contracts import MessageChannel
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.settings import Settings

_HOURS_BEFORE = timedelta(hours=23)
_KEPT = timedelta(days=7)
_KEPT_FOR_KNOWN = 4  # one in so many


class Budget(Struct, frozen=True, kw_only=True):
    """How many codes are sent by one channel at most, and how many of them to whoever asks."""

    per_hour: int
    per_day: int

    def of_anybody(self) -> "Budget":
        """Return what is left for browsers that are not known."""
        return Budget(
            per_hour=self.per_hour - self.per_hour // _KEPT_FOR_KNOWN,
            per_day=self.per_day - self.per_day // _KEPT_FOR_KNOWN,
        )


class Spent(Struct, frozen=True, kw_only=True):
    """How many codes were sent by one channel in this hour and in this day."""

    this_hour: int
    this_day: int

    def share_of(self, budget: Budget) -> float:
        """Return how much of the budget is used up, the fuller of both; 1 is all of it."""
        return max(self.this_hour / budget.per_hour, self.this_day / budget.per_day)


def budget_of(settings: Settings) -> Budget:
    """Return what the settings say."""
    return Budget(per_hour=settings.codes_per_hour, per_day=settings.codes_per_day)


async def spend(tx: Transaction, channel: MessageChannel, budget: Budget, at: datetime) -> bool:
    """Count one code, or say that none may be sent now. The hour's row is held until the transaction ends.

    Who is refused must not commit: the code that was not sent would stay counted.
    """
    hour = _hour_of(at)
    this_hour = await store.count_code(tx, channel.value, hour)
    _, this_day = await store.codes_of(tx, channel.value, hour, hour - _HOURS_BEFORE)
    return this_hour <= budget.per_hour and this_day <= budget.per_day


async def spent(tx: Transaction, channel: MessageChannel) -> Spent:
    """Return how many codes were sent lately."""
    hour = _hour_of(wall_now())
    this_hour, this_day = await store.codes_of(tx, channel.value, hour, hour - _HOURS_BEFORE)
    return Spent(this_hour=this_hour, this_day=this_day)


def forget(tx: Transaction) -> None:
    """Delete counts that no day holds any more."""
    store.forget_codes(tx, wall_now() - _KEPT)


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
