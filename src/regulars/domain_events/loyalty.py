"""Facts of the loyalty domain."""

from datetime import datetime
from uuid import UUID

from regulars.domain_events.base import Event


class PointsAccrued(Event, frozen=True, kw_only=True):
    """Units came into a wallet by a direct posting (not by an order: that is `OrderPaid`)."""

    wallet: str
    amount: int
    reference: str


class PointsRedeemed(Event, frozen=True, kw_only=True):
    """Units left a wallet by a direct posting."""

    wallet: str
    amount: int
    reference: str


class PointsAdjusted(Event, frozen=True, kw_only=True):
    """A correction, up (positive) or down (negative), with its reason in the ledger."""

    wallet: str
    amount: int
    reference: str


class PointsExpired(Event, frozen=True, kw_only=True):
    """What was left in lots that ran out."""

    wallet: str
    amount: int


class PointsExtended(Event, frozen=True, kw_only=True):
    """Units of a lot run out later than they would have, at `expires_at`; balances are as before."""

    wallet: str
    amount: int
    expires_at: datetime


class PointsMoved(Event, frozen=True, kw_only=True):
    """Units went from one member's wallet to another's (`amount` is signed): each of the two has a fact of its own."""

    wallet: str
    amount: int


class TransferSent(Event, frozen=True, kw_only=True):
    """A member gave units to another (`other_id`), as the policy allows; `TransferReceived` is the other's fact."""

    member_id: UUID
    transfer_id: UUID
    other_id: UUID
    wallet: str
    amount: int


class TransferReceived(Event, frozen=True, kw_only=True):
    """A member got units from another (`other_id`)."""

    member_id: UUID
    transfer_id: UUID
    other_id: UUID
    wallet: str
    amount: int


class TransferTakenBack(Event, frozen=True, kw_only=True):
    """A transfer was taken back; each of the two has a fact of its own (`side`: given, received).

    `amount` went back, `owed` of it out of nothing: who had received it owes that now. `expired` had run out meanwhile
    and did not go back.
    """

    member_id: UUID
    transfer_id: UUID
    other_id: UUID
    side: str
    wallet: str
    amount: int
    owed: int
    expired: int


class PointsHeld(Event, frozen=True, kw_only=True):
    """Units of a wallet are kept for a purpose until an instant; they are still the member's."""

    wallet: str
    amount: int
    reference: str
    deadline: datetime


class HoldEnded(Event, frozen=True, kw_only=True):
    """A hold was posted (`posted` units were used), voided, or timed out; the rest is free again."""

    wallet: str
    reference: str
    how: str
    posted: int
    released: int


class AdjustmentAsked(Event, frozen=True, kw_only=True):
    """Somebody asked for a correction (`amount` is signed) that a second person must approve before `expires_at`."""

    wallet: str
    amount: int
    request_id: UUID
    expires_at: datetime


class AdjustmentApproved(Event, frozen=True, kw_only=True):
    """A second person approved a correction; it is posted with that (`PointsAdjusted`)."""

    wallet: str
    amount: int
    request_id: UUID


class AdjustmentRefused(Event, frozen=True, kw_only=True):
    """A second person refused a correction; nothing is posted."""

    wallet: str
    amount: int
    request_id: UUID


class TierReached(Event, frozen=True, kw_only=True):
    """The member rose to a tier."""

    tier: str
    from_tier: str
    cause: str


class TierLost(Event, frozen=True, kw_only=True):
    """The member fell to a lower tier, at a review or by a return."""

    tier: str
    from_tier: str
    cause: str


class PolicyScheduled(Event, frozen=True, kw_only=True):
    """A version of the policy comes into force at `active_from`, unless it is withdrawn before."""

    version: int
    active_from: datetime


class PolicyWithdrawn(Event, frozen=True, kw_only=True):
    """A version that was scheduled does not come."""

    version: int


class PolicyInForce(Event, frozen=True, kw_only=True):
    """A version decides since `active_from`; told by the worker, some minutes after at the latest."""

    version: int
    active_from: datetime
