"""What was seen of two members opens a proposal, or is counted for the one that was decided."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from regulars.members.contracts.identity_rules import IdentityRules
from regulars.members.contracts.proposals import Evidence
from regulars.members.proposals import store, telling
from regulars.members.proposals.rules import turned
from regulars.members.proposals.store import Opened
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction


async def speak_for(tx: Transaction, opened: Opened, seen: Sequence[Evidence]) -> None:
    """Open a proposal, or add to the one that is open; where it was decided against, count it there."""
    settled = await store.settled(tx, opened.first, opened.other, opened.rank)
    if settled is None:
        member_id, proposal_id = opened.first, await telling.open_or_add(tx, opened)
    else:
        proposal_id, member_id, is_in_order = settled
        store.seen_again(tx, member_id, proposal_id, opened.seen, opened.at)
        seen = seen if is_in_order else turned(seen)
    for one in seen:
        store.add_evidence(tx, member_id, proposal_id, one)


def look_at(rules: IdentityRules) -> datetime:
    """Return when the rule looks at what is opened now, by the wall clock: staff can decide before."""
    return wall_now() + timedelta(minutes=rules.automatic_after_minutes)
