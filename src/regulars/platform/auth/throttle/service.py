"""Attempts are counted before they are made, in a transaction of their own that commits whatever comes of them.

So a hundred guesses at once are a hundred guesses: each waits for the row of the one before it, in every process.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from regulars.platform import clock
from regulars.platform.auth.throttle import rules, store
from regulars.platform.auth.throttle.errors import TooManyAttempts
from regulars.platform.auth.throttle.rules import Policy
from regulars.platform.db.transaction import Transaction

FORGET_AFTER = timedelta(days=2)  # longer than any policy remembers; a test compares


class Attempt(NamedTuple):
    """An attempt of one kind by one subject: an account or a place, as a keyed hash."""

    policy: Policy
    subject: bytes

    @property
    def key(self) -> store.Key:
        """Where it is counted."""
        return self.policy.bucket, self.subject


async def count(tx: Transaction, *attempts: Attempt) -> TooManyAttempts | None:
    """Count an attempt, or say that none may be made now; then nothing is counted. Commit whichever it is.

    Holds the rows of all of them until the transaction ends. Who is refused leaves no row behind.
    """
    now = clock.wall_now()
    tallies = await store.lock(tx, [attempt.key for attempt in attempts], now)
    wait = max(rules.seconds_to_wait(tallies[attempt.key], attempt.policy, now) for attempt in attempts)
    if wait:
        for attempt in attempts:
            if tallies[attempt.key].attempts == 0:
                store.delete(tx, attempt.key)
        return TooManyAttempts(retry_after_seconds=wait)
    for attempt in attempts:
        store.update(tx, attempt.key, rules.after_attempt(tallies[attempt.key], attempt.policy, now))
    return None


async def wait_for(tx: Transaction, *attempts: Attempt) -> int:
    """Return for how many seconds nothing of this kind may be tried; 0 if it may now."""
    now = clock.wall_now()
    tallies = await store.lock(tx, [attempt.key for attempt in attempts], now)
    return max(rules.seconds_to_wait(tallies[attempt.key], attempt.policy, now) for attempt in attempts)


async def forgive(tx: Transaction, *attempts: Attempt, weight: float = 0.0) -> None:
    """Take back an attempt each, but for `weight` of it: it was no guess. What others tried stays counted."""
    now = clock.wall_now()
    tallies = await store.lock(tx, [attempt.key for attempt in attempts], now)
    for attempt in attempts:
        store.update(tx, attempt.key, rules.after_success(tallies[attempt.key], attempt.policy, now, weight))


def forget(tx: Transaction, attempts: Sequence[Attempt]) -> None:
    """Forget all that was tried: the account proved to be its owner's."""
    for attempt in sorted(attempts, key=lambda one: one.key):
        store.delete(tx, attempt.key)


async def forget_old(tx: Transaction, *, at_most: int) -> bool:
    """Delete tallies that no policy remembers; True if there may be more."""
    return await store.delete_old(tx, clock.wall_now() - FORGET_AFTER, at_most) == at_most
