"""How long to wait after how many attempts. Pure: the state and the instant come in, the next state comes out."""

from datetime import datetime, timedelta
from math import ceil

from msgspec import Struct
from msgspec.structs import replace


class Policy(Struct, frozen=True, kw_only=True):
    """What one kind of attempt may cost its maker.

    The first `free` attempts follow one another at will; after each further one nothing is tried for `base_seconds`,
    twice that, four times that, at most `cap_seconds`. Nothing is held against anybody `forget_seconds` after the last.
    """

    bucket: str
    free: int
    base_seconds: int
    cap_seconds: int
    forget_seconds: int


class Tally(Struct, frozen=True, kw_only=True):
    """Attempts that were not forgiven, and until when nothing is tried (wall clock)."""

    attempts: int
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


def after_attempt(tally: Tally | None, policy: Policy, now: datetime) -> Tally:
    """Return the tally once one more attempt was counted; ask `seconds_to_wait` before."""
    attempts = 1
    if tally is not None and now - tally.attempted_at < timedelta(seconds=policy.forget_seconds):
        attempts += tally.attempts
    blocked_until = None
    if attempts >= policy.free:
        doublings = min(attempts - policy.free, 30)  # beyond any cap, and no endless number
        blocked_until = now + timedelta(seconds=min(policy.cap_seconds, policy.base_seconds * 2**doublings))
    return Tally(attempts=attempts, attempted_at=now, blocked_until=blocked_until)


def after_success(tally: Tally) -> Tally:
    """Take back one attempt, and the wait that it brought."""
    return replace(tally, attempts=max(0, tally.attempts - 1), blocked_until=None)
