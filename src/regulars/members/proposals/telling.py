"""Proposals are opened and ended, and that is told: whoever opens or ends one goes through here."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from regulars.domain_events.members import MergeProposalEnded, MergeProposed
from regulars.members.contracts.proposals import Proposal
from regulars.members.proposals import store
from regulars.members.proposals.store import Opened
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import new_id

Ended = Literal["done", "dismissed", "superseded"]
# A merge ends the proposal first; whether staff or the rule confirmed it is written beside it, and is no other outcome.
_OUTCOMES: Final[dict[Ended, str]] = {"done": "merged", "dismissed": "dismissed", "superseded": "superseded"}


async def open_or_add(tx: Transaction, wish: Opened) -> UUID:
    """Open a proposal, or count one more for the one that is open; return its id."""
    fresh = new_id()
    found = await store.open_or_add(tx, fresh, wish)
    if found == fresh:
        tx.publish(MergeProposed(member_id=wish.first, other_id=wish.other, proposal_id=found, recorded_at=tx.now))
    return found


async def end(
    tx: Transaction,
    one: Proposal,
    state: Ended,
    *,
    at: datetime,
    by: str,
    reason: str,
    merge_id: UUID | None = None,
) -> bool:
    """End a proposal that is open; False if it is not (any more)."""
    if not await store.end(tx, one.proposal_id, state, at=at, by=by, reason=reason, merge_id=merge_id):
        return False
    tx.publish(
        MergeProposalEnded(
            member_id=one.member_id,
            other_id=one.other_id,
            proposal_id=one.proposal_id,
            outcome=_OUTCOMES[state],
            recorded_at=at,
        )
    )
    return True


def reopen(tx: Transaction, one: Proposal, examine_at: datetime) -> None:
    """Open a proposal again that a merge of one of the two had ended."""
    store.reopen(tx, one.proposal_id, examine_at)
    tx.publish(
        MergeProposed(member_id=one.member_id, other_id=one.other_id, proposal_id=one.proposal_id, recorded_at=tx.now)
    )
