"""The one table of public events: what each fact of `domain_events` is called outside, and whose ids it carries.

A name is a promise: it never changes, and never means something else. Fields are only added. What is not told has its
excuse below; a test asks for one or the other of every event.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from regulars.domain_events import commerce, loyalty, members
from regulars.domain_events.base import Event

EVENT_PREFIX: Final = "evt"
MEMBER_PREFIX: Final = "mbr"

_MEMBER: Final = {"member_id": MEMBER_PREFIX}
_OTHER: Final = {"other_id": MEMBER_PREFIX}
_MERGE: Final = {"merge_id": "mrg"}
_PROPOSAL: Final = {"proposal_id": "mpr"}
_HOUSEHOLD: Final = {"household_id": "hhd"}
_GIFT: Final = {"transfer_id": "ptr"}
_REQUEST: Final = {"request_id": "adj"}
_IDENTITY: Final = {"identity_id": "idn"}
_CONSENT: Final = {"consent_id": "cns"}


class PublicType(NamedTuple):
    """What an event is called outside; `ids` gives the prefix of each field that holds an id."""

    name: str
    event: type[Event]
    ids: Mapping[str, str]


def _told(name: str, event: type[Event], *ids: Mapping[str, str]) -> PublicType:
    prefixes = dict(_MEMBER)
    for each in ids:
        prefixes |= each
    return PublicType(name, event, prefixes)


PUBLIC_TYPES: Final = (
    # members
    _told("member.signed_up", members.MemberSignedUp),
    _told("member.identity_added", members.IdentityAdded, _IDENTITY),
    _told("member.identity_removed", members.IdentityRemoved, _IDENTITY),
    _told("member.merged", members.MemberMerged, {"into": MEMBER_PREFIX}, _MERGE),
    _told("member.merge_undone", members.MergeUndone, {"out_of": MEMBER_PREFIX}, _MERGE),
    _told("member.erasure_asked", members.ErasureAsked),
    _told("member.erasure_withdrawn", members.ErasureWithdrawn),
    _told("member.erased", members.MemberErased),
    _told("merge_proposal.opened", members.MergeProposed, _OTHER, _PROPOSAL),
    _told("merge_proposal.ended", members.MergeProposalEnded, _OTHER, _PROPOSAL),
    _told("household.formed", members.HouseholdFormed, _HOUSEHOLD),
    _told("household.joined", members.HouseholdJoined, _HOUSEHOLD),
    _told("household.left", members.HouseholdLeft, _HOUSEHOLD),
    _told("household.head_changed", members.HouseholdHeadChanged, _HOUSEHOLD),
    _told("household.dissolved", members.HouseholdDissolved, _HOUSEHOLD),
    _told("consent.changed", members.ConsentChanged, _CONSENT),
    # commerce
    _told("order.paid", commerce.OrderPaid),
    _told("order.returned", commerce.OrderReturned),
    _told("order.cancelled", commerce.OrderCancelled),
    # loyalty
    _told("points.accrued", loyalty.PointsAccrued),
    _told("points.redeemed", loyalty.PointsRedeemed),
    _told("points.adjusted", loyalty.PointsAdjusted),
    _told("points.expired", loyalty.PointsExpired),
    _told("points.extended", loyalty.PointsExtended),
    _told("points.moved", loyalty.PointsMoved),
    _told("points.held", loyalty.PointsHeld),
    _told("hold.ended", loyalty.HoldEnded),
    _told("transfer.sent", loyalty.TransferSent, _OTHER, _GIFT),
    _told("transfer.received", loyalty.TransferReceived, _OTHER, _GIFT),
    _told("transfer.taken_back", loyalty.TransferTakenBack, _OTHER, _GIFT),
    _told("adjustment.asked", loyalty.AdjustmentAsked, _REQUEST),
    _told("adjustment.approved", loyalty.AdjustmentApproved, _REQUEST),
    _told("adjustment.refused", loyalty.AdjustmentRefused, _REQUEST),
    _told("tier.reached", loyalty.TierReached),
    _told("tier.lost", loyalty.TierLost),
    _told("policy.scheduled", loyalty.PolicyScheduled),
    _told("policy.withdrawn", loyalty.PolicyWithdrawn),
    _told("policy.in_force", loyalty.PolicyInForce),
)

# Facts that stay in the house, each with its reason.
UNTOLD: Final[Mapping[type[Event], str]] = {
    members.ConsentRequested: "Asks for a letter to be written; that a consent waits is told by consent.changed.",
}

BY_NAME: Final = {one.name: one for one in PUBLIC_TYPES}
BY_CLASS_NAME: Final = {one.event.__name__: one for one in PUBLIC_TYPES}
KNOWN_CLASSES: Final = (
    *BY_CLASS_NAME,
    *[one.__name__ for one in UNTOLD],
)  # an event of any other is of a later release
