"""A version comes into force: time has decided it, and this books it, some hundred members a transaction.

Whoever posts meanwhile is decided by the same rule first (`Book.begin`): who deserves a higher tier by a version that
asks for other thresholds, or counts another window, rises at its instant. Nobody falls by it: that is for the reviews.
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
from regulars.platform.db.transaction import Transaction

NOBODY: Final = store.NOBODY
EVERYBODY: Final = store.EVERYBODY
NOBODY_EVER: Final = 10**18  # growth that nobody has: there is no second tier


async def book_arrivals(tx: Transaction, configuration: Configuration, at_once: int) -> bool:
    """Book some more of what the versions that have come do to members' tiers; returns whether there may be more.

    Publishes PolicyInForce when it begins with a version. Source: loyalty_policies, member_books, ledger_transfers.
    """
    found = await store.next_arrival(tx, tx.now)
    if found is None:
        return False
    version, active_from, swept_to = found
    await configuration.follow(tx, (await tx.read(configuration.question))[0])
    if swept_to is None:
        if await store.begin(tx, version, tx.now):
            tx.publish(PolicyInForce(member_id=None, recorded_at=tx.now, version=version, active_from=active_from))
        return True
    taken = await store.take(tx, version)
    if taken is None:
        return False
    turn = next((one for one in configuration.turns if one.version == version), None)
    until = await store.span_after(tx, taken, at_once)
    if turn is not None:
        await catch_up(tx, configuration, await touched(tx, turn, taken, until), tx.now)
    store.swept(tx, version, until)
    if turn is None or until == EVERYBODY:
        store.finished(tx, version, tx.now)
    return True


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
