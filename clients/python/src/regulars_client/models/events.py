"""Of `client.events`.

Written from the API's description: `make client` does it anew.
"""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from regulars_client.models.shared import Money


class AdjustmentApprovedData(Struct, frozen=True, kw_only=True):
    """A second person approved a correction; it is posted with that (`PointsAdjusted`)."""

    member_id: str | None
    wallet: str
    amount: int
    request_id: str


class AdjustmentAskedData(Struct, frozen=True, kw_only=True):
    """Somebody asked for a correction (`amount` is signed) that a second person must approve before `expires_at`."""

    member_id: str | None
    wallet: str
    amount: int
    request_id: str
    expires_at: datetime


class AdjustmentRefusedData(Struct, frozen=True, kw_only=True):
    """A second person refused a correction; nothing is posted."""

    member_id: str | None
    wallet: str
    amount: int
    request_id: str


class ConsentChangedData(Struct, frozen=True, kw_only=True):
    """Something happened to a consent (`decision`: given, withdrawn, requested, lapsed); only `given` is consent."""

    member_id: str
    consent_id: str
    purpose: str
    channel: str
    decision: str
    wording_version: str
    effective_at: datetime


class PublicEvent(Struct, frozen=True, kw_only=True):
    """A fact, as it is told outside: a CloudEvent in JSON, without personal data.

    `id` is the same however often the event comes. `subject` is the member's id; what is about no member has none.
    `time` is when the programme learned of it. What `data` holds depends on `type`: see `webhooks`.
    """

    specversion: str = "1.0"
    id: str
    source: str
    type: str
    subject: str | UnsetType = UNSET
    time: str
    datacontenttype: str = "application/json"
    data: dict[str, Any]


class EventsAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.events.list`: read what happened."""

    events: list[PublicEvent]
    has_more: bool
    """Ask again at once: there is more to look at."""
    next_cursor: str
    """Never null: it is where to go on, now or tomorrow."""


class HoldEndedData(Struct, frozen=True, kw_only=True):
    """A hold was posted (`posted` units were used), voided, or timed out; the rest is free again."""

    member_id: str | None
    wallet: str
    reference: str
    how: str
    posted: int
    released: int


class HouseholdDissolvedData(Struct, frozen=True, kw_only=True):
    """A household is no more; `member_id` was its last head."""

    member_id: str | None
    household_id: str


class HouseholdFormedData(Struct, frozen=True, kw_only=True):
    """Members live together; `member_id` is the head. HouseholdJoined follows for each of them."""

    member_id: str | None
    household_id: str


class HouseholdHeadChangedData(Struct, frozen=True, kw_only=True):
    """A member is the head of a household."""

    member_id: str | None
    household_id: str


class HouseholdJoinedData(Struct, frozen=True, kw_only=True):
    """A member lives in a household."""

    member_id: str | None
    household_id: str


class HouseholdLeftData(Struct, frozen=True, kw_only=True):
    """A member lives in a household no more."""

    member_id: str | None
    household_id: str


class MemberErasedData(Struct, frozen=True, kw_only=True):
    """The member's key is destroyed: nothing personal can be read any more. The number stays, for the books."""

    member_id: str


class MemberErasureAskedData(Struct, frozen=True, kw_only=True):
    """A member is to be erased at `due_at` (wall clock), unless that is withdrawn before."""

    member_id: str
    due_at: datetime


class MemberErasureWithdrawnData(Struct, frozen=True, kw_only=True):
    """A member is not to be erased after all."""

    member_id: str


class MemberIdentityAddedData(Struct, frozen=True, kw_only=True):
    """A member can also be found by another identity."""

    member_id: str
    identity_id: str
    kind: str


class MemberIdentityRemovedData(Struct, frozen=True, kw_only=True):
    """A member can no longer be found by one of the identities."""

    member_id: str
    identity_id: str
    kind: str


class MemberMergeUndoneData(Struct, frozen=True, kw_only=True):
    """A member who was part of another is one of its own again: its id means itself."""

    member_id: str
    out_of: str
    merge_id: str


class MemberMergedData(Struct, frozen=True, kw_only=True):
    """A member became part of another: its id means `into` from now on."""

    member_id: str
    into: str
    merge_id: str


class MemberSignedUpData(Struct, frozen=True, kw_only=True):
    """A member exists. `identity_kinds` names the identities given at sign-up; no IdentityAdded follows for them."""

    member_id: str
    signed_up_at: datetime
    market: str
    language: str
    channel: str
    store_id: str | None
    identity_kinds: list[str]


class MergeProposalEndedData(Struct, frozen=True, kw_only=True):
    """A proposal is open no more. `outcome`: `merged` (by whomever), `dismissed` (they are two), or `superseded`."""

    member_id: str
    other_id: str
    proposal_id: str
    outcome: str


class MergeProposalOpenedData(Struct, frozen=True, kw_only=True):
    """`member_id` and `other_id` may be one person: a proposal to merge them is open, for the first time or again."""

    member_id: str
    other_id: str
    proposal_id: str


class OrderCancelledData(Struct, frozen=True, kw_only=True):
    """An order ended before it was paid, or was undone as a whole after."""

    member_id: str | None
    order_id: str


class OrderPaidData(Struct, frozen=True, kw_only=True):
    """An order became paid and was settled: its points, growth and tier are in the books."""

    member_id: str
    order_id: str
    channel: str
    store_id: str | None
    market: str
    total: Money
    points_used: int
    points_earned: int
    growth_earned: int
    occurred_at: datetime | None
    store_name: str | None
    debt_repaid: int
    available_at: datetime | None
    expires_at: datetime | None


class OrderReturnedData(Struct, frozen=True, kw_only=True):
    """Part of an order, or what was left of it, came back and was settled anew."""

    member_id: str
    order_id: str
    return_id: str
    store_id: str | None
    returned: Money
    points_given_back: int
    points_clawed_back: int
    growth_reversed: int
    market: str
    occurred_at: datetime | None
    store_name: str | None
    to_debt: int
    money_back: Money | None


class PointsAccruedData(Struct, frozen=True, kw_only=True):
    """Units came into a wallet by a direct posting (not by an order: that is `OrderPaid`)."""

    member_id: str | None
    wallet: str
    amount: int
    reference: str


class PointsAdjustedData(Struct, frozen=True, kw_only=True):
    """A correction, up (positive) or down (negative), with its reason in the ledger."""

    member_id: str | None
    wallet: str
    amount: int
    reference: str


class PointsExpiredData(Struct, frozen=True, kw_only=True):
    """What was left in lots that ran out."""

    member_id: str | None
    wallet: str
    amount: int


class PointsExtendedData(Struct, frozen=True, kw_only=True):
    """Units of a lot run out later than they would have, at `expires_at`; balances are as before."""

    member_id: str | None
    wallet: str
    amount: int
    expires_at: datetime


class PointsHeldData(Struct, frozen=True, kw_only=True):
    """Units of a wallet are kept for a purpose until an instant; they are still the member's."""

    member_id: str | None
    wallet: str
    amount: int
    reference: str
    deadline: datetime


class PointsMovedData(Struct, frozen=True, kw_only=True):
    """Units went from one member's wallet to another's (`amount` is signed): each of the two has a fact of its own."""

    member_id: str | None
    wallet: str
    amount: int


class PointsRedeemedData(Struct, frozen=True, kw_only=True):
    """Units left a wallet by a direct posting."""

    member_id: str | None
    wallet: str
    amount: int
    reference: str


class PolicyInForceData(Struct, frozen=True, kw_only=True):
    """A version decides since `active_from`; told by the worker, some minutes after at the latest."""

    member_id: str | None
    version: int
    active_from: datetime


class PolicyScheduledData(Struct, frozen=True, kw_only=True):
    """A version of the policy comes into force at `active_from`, unless it is withdrawn before."""

    member_id: str | None
    version: int
    active_from: datetime


class PolicyWithdrawnData(Struct, frozen=True, kw_only=True):
    """A version that was scheduled does not come."""

    member_id: str | None
    version: int


class TierLostData(Struct, frozen=True, kw_only=True):
    """The member fell to a lower tier, at a review or by a return."""

    member_id: str | None
    tier: str
    from_tier: str
    cause: str


class TierReachedData(Struct, frozen=True, kw_only=True):
    """The member rose to a tier."""

    member_id: str | None
    tier: str
    from_tier: str
    cause: str


class TransferReceivedData(Struct, frozen=True, kw_only=True):
    """A member got units from another (`other_id`)."""

    member_id: str
    transfer_id: str
    other_id: str
    wallet: str
    amount: int


class TransferSentData(Struct, frozen=True, kw_only=True):
    """A member gave units to another (`other_id`), as the policy allows; `TransferReceived` is the other's fact."""

    member_id: str
    transfer_id: str
    other_id: str
    wallet: str
    amount: int


class TransferTakenBackData(Struct, frozen=True, kw_only=True):
    """A transfer was taken back; each of the two has a fact of its own (`side`: given, received)."""

    member_id: str
    transfer_id: str
    other_id: str
    side: str
    wallet: str
    amount: int
    owed: int
    expired: int
