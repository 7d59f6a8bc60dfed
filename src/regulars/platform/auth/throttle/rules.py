"""How long to wait after how many attempts. Pure: the state and the instant come in, the next state comes out.

What was tried runs out of a bucket as time passes, so whoever tries less often than it leaks never fills it, however
long they go on; whoever tries more often is brought down to that rate.
"""

from datetime import datetime, timedelta
from math import ceil, log2

from msgspec import Struct
from msgspec.structs import replace

_LAST_DOUBLING_IS_KEPT = 2  # what a full bucket holds above the longest wait


class Policy(Struct, frozen=True, kw_only=True):
    """What one kind of attempt may cost its maker.

    One attempt is forgotten every `leak_seconds`, and `success_returns` beside itself with each success. The first
    `free` that are not forgotten follow one another at will; after each further one nothing is tried for
    `base_seconds`, twice that, four times that, at most `cap_seconds`. In the long run nobody makes more than one
    attempt in the shorter of `leak_seconds` and `cap_seconds`.
    """

    bucket: str
    free: int
    base_seconds: int
    cap_seconds: int
    leak_seconds: int
    success_returns: float = 0.0

    @property
    def fullest(self) -> float:
        """What is held against anybody at most: no attempts of long ago are added up for ever."""
        return self.free + log2(self.cap_seconds / self.base_seconds) + _LAST_DOUBLING_IS_KEPT

    @property
    def forgotten_after_seconds(self) -> float:
        """After how long nothing at all is held against anybody."""
        return self.fullest * self.leak_seconds


class Tally(Struct, frozen=True, kw_only=True):
    """Attempts that were not forgotten when the last one was made, and until when nothing is tried (wall clock)."""

    attempts: float
    attempted_at: datetime
    blocked_until: datetime | None


def seconds_to_wait(tally: Tally | None, policy: Policy, now: datetime) -> int:
    """Return for how long nothing may be tried; 0 if it may now.

    A block never lasts longer than the policy's longest: when the clock was put back, it does not count for more.
    """
    if tally is None or tally.blocked_until is None:
        return 0
    left = (tally.blocked_until - now).total_seconds()
    return ceil(left) if 0 < left <= policy.cap_seconds else 0


def held(tally: Tally | None, policy: Policy, now: datetime) -> float:
    """Return how many attempts are not forgotten by now."""
    if tally is None:
        return 0.0
    passed = max(0.0, (now - tally.attempted_at).total_seconds())
    return max(0.0, tally.attempts - passed / policy.leak_seconds)


def after_attempt(tally: Tally | None, policy: Policy, now: datetime) -> Tally:
    """Return the tally once one more attempt was counted; ask `seconds_to_wait` before."""
    attempts = min(held(tally, policy, now) + 1, policy.fullest)
    return Tally(attempts=attempts, attempted_at=now, blocked_until=_blocked_until(attempts, policy, now))


def after_success(tally: Tally, policy: Policy, now: datetime, weight: float = 0.0) -> Tally:
    """Take an attempt back but for `weight` (0 to 1) of it, and the wait that it brought.

    With `weight` 0 it counts for nothing, and what the policy gives for a success is taken back beside it.
    """
    returned = 1 - weight + (policy.success_returns if weight == 0 else 0)
    attempts = max(0.0, held(tally, policy, now) - returned)
    again = replace(tally, attempts=attempts, attempted_at=now, blocked_until=None)
    return replace(again, blocked_until=_blocked_until(attempts, policy, now)) if weight else again


def _blocked_until(attempts: float, policy: Policy, now: datetime) -> datetime | None:
    counted = ceil(attempts)  # what has leaked by half still counts whole, so that `free` is what it says
    if counted < policy.free:
        return None
    return now + timedelta(seconds=min(policy.cap_seconds, policy.base_seconds * 2 ** (counted - policy.free)))
