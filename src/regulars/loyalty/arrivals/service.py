"""A version comes into force: time has decided it, and this books it, some hundred members a transaction.

Whoever posts meanwhile is decided by the same rule first (`Book.begin`): who deserves a higher tier by a version that
asks for other thresholds, or counts another window, rises at its instant. Nobody falls by it: that is for the reviews.
**And what began before is waited for.** A batch that began just before the instant decides by the version before,
rightly, and may commit when its members were gone through already. Every batch asks first which versions are being
booked: who asks after that began records nothing before the instant (`Configuration.open_from`), and is decided by the
version. Who asked before holds a lock on the table; these are noted, and when they have ended everybody is gone
through again (`platform/db/holders.py`). Only then is it done.

The preview of a draft (`loyalty/preview`) asks for the same members and lets the same books decide, but writes
nothing of it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from regulars.domain_events.loyalty import PolicyInForce
from regulars.loyalty.arrivals import store
from regulars.loyalty.ledger.service import catch_up
from regulars.loyalty.policy.contracts import Turn
from regulars.loyalty.policy.service import Configuration
from regulars.platform.db.holders import still_there
from regulars.platform.db.transaction import Transaction

NOBODY: Final = store.NOBODY
EVERYBODY: Final = store.EVERYBODY
NOBODY_EVER: Final = 10**18  # growth that nobody has: there is no second tier


async def book_arrivals(tx: Transaction, configuration: Configuration, at_once: int) -> bool:
    """Book some more of what the versions that have come do to members' tiers; returns whether there may be more.

    Publishes PolicyInForce when it begins with a version. Where all that is left is to wait for transactions that began
    before, there is no more for now. Source: loyalty_policies, policy_arrivals, member_books, ledger_transfers.
    """
    found = await store.next_arrival(tx, tx.now)
    if found is None:
        return False
    version, active_from, begun_at = found
    await configuration.follow(tx, (await tx.read(configuration.question))[0])
    if begun_at is None:
        if await store.begin(tx, version, tx.now):
            tx.publish(PolicyInForce(member_id=None, recorded_at=tx.now, version=version, active_from=active_from))
        return True
    taken = await store.take(tx, version)
    if taken is None:
        return False
    turn = next((one for one in configuration.turns if one.version == version), None)
    if turn is None:
        store.finished(tx, version, tx.now)
        return True
    after, awaited = await _waited(tx, *taken)
    if after == EVERYBODY:
        return False
    until = await store.span_after(tx, after, at_once)
    await catch_up(tx, configuration, await touched(tx, turn, after, until), tx.now)
    store.swept(tx, version, until, awaited)
    if until == EVERYBODY and not awaited:
        store.finished(tx, version, tx.now)
    return True


async def _waited(tx: Transaction, swept_to: UUID, awaited: Sequence[str] | None) -> tuple[UUID, Sequence[str]]:
    """Return from where to go on, and who is waited for yet: from the beginning once all have ended."""
    if awaited is None:
        return swept_to, await store.holders(tx)
    if not awaited:
        return swept_to, awaited
    left = await still_there(tx, awaited)
    return (swept_to, left) if left else (NOBODY, left)


async def touched(tx: Transaction, turn: Turn, after: UUID, until: UUID) -> Sequence[UUID]:
    """Return of the members in `(after, until]` those whose tier or review a version may change when it comes.

    Those who have been decided on by it already (`policy_seen`) are left out.
    """
    tier = turn.policy.tier
    return await store.touched(
        tx,
        after,
        until,
        version=turn.version,
        at=turn.at,
        window=timedelta(days=tier.window_days),
        enough=tier.tiers[1].threshold if turn.lifts and len(tier.tiers) > 1 else NOBODY_EVER,
    )


async def next_span(tx: Transaction, after: UUID, members: int) -> UUID:
    """Return the last member id of the next so many books after one; `EVERYBODY` where fewer are left."""
    return await store.span_after(tx, after, members)
