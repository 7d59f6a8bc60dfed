"""The facts that are told of what was posted directly, and of how holds ended."""

from collections.abc import Iterator
from typing import Final

from regulars.domain_events.loyalty import (
    HoldEnded,
    PointsAccrued,
    PointsAdjusted,
    PointsExpired,
    PointsExtended,
    PointsRedeemed,
    TierLost,
    TierReached,
)
from regulars.loyalty.contracts import Accrue, Adjust, ExtendLot, Posting, Redeem
from regulars.loyalty.ledger.entries import HoldEnd, Journal
from regulars.loyalty.ledger.needs import PostingCommand
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.tiers.rules import code_of

DirectEvent = PointsAccrued | PointsRedeemed | PointsAdjusted
_EVENT_OF: Final[dict[type[Accrue | Redeem | Adjust], type[DirectEvent]]] = {
    Accrue: PointsAccrued,
    Redeem: PointsRedeemed,
    Adjust: PointsAdjusted,
}


def of_posting(command: PostingCommand, posting: Posting) -> DirectEvent | PointsExtended:
    """Return what is told of a posting that was just made."""
    if isinstance(command, ExtendLot):
        return PointsExtended(
            member_id=posting.member_id,
            recorded_at=posting.recorded_at,
            wallet=posting.wallet,
            amount=posting.amount,
            expires_at=command.expires_at,
        )
    return _EVENT_OF[type(command)](
        member_id=posting.member_id,
        recorded_at=posting.recorded_at,
        wallet=posting.wallet,
        amount=command.amount,
        reference=posting.reference,
    )


def of_end(end: HoldEnd, wallet: str) -> Iterator[PointsRedeemed | HoldEnded | PointsExpired]:
    """Give what followed from the end of a hold."""
    if end.posted:
        yield PointsRedeemed(
            member_id=end.member_id,
            recorded_at=end.recorded_at,
            wallet=wallet,
            amount=end.posted,
            reference=end.hold.reference,
        )
    yield HoldEnded(
        member_id=end.member_id,
        recorded_at=end.recorded_at,
        wallet=wallet,
        reference=end.hold.reference,
        how=end.how,
        posted=end.posted,
        released=end.hold.amount - end.posted,
    )
    if end.expired:
        yield PointsExpired(member_id=end.member_id, recorded_at=end.recorded_at, wallet=wallet, amount=end.expired)


def of_tier_changes(journal: Journal, configuration: Configuration) -> Iterator[TierReached | TierLost]:
    """Give the rises and falls that were decided."""
    for member_id, _, before, after, cause, _, _, version, _, recorded_at in journal.tier_changes:
        if before == after:  # held since another day, by a merge that was undone
            continue
        policy = configuration.policy_of_version(version).tier
        event = TierReached if after > before else TierLost
        yield event(
            member_id=member_id,
            recorded_at=recorded_at,
            tier=code_of(policy, after),
            from_tier=code_of(policy, before),
            cause=cause,
        )
