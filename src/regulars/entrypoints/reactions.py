"""Every reaction of the system on one page: which handlers take which facts.

An event without reactions is listed with an empty list. Events reach each handler at least once, in batches, in
order for each member; see docs/events.md.
"""

from regulars.domain_events import commerce, loyalty, members
from regulars.engagement import handlers as engagement
from regulars.platform.outbox.contracts import Reactions

REACTIONS: Reactions = {
    # members
    members.MemberSignedUp: [],
    members.IdentityAdded: [],
    members.IdentityRemoved: [],
    members.ConsentChanged: [],
    members.ConsentRequested: [engagement.ask_to_confirm_consent],
    members.MemberMerged: [],
    members.MergeUndone: [],
    members.MergeProposed: [],
    members.MergeProposalEnded: [],
    members.HouseholdFormed: [],
    members.HouseholdJoined: [],
    members.HouseholdLeft: [],
    members.HouseholdHeadChanged: [],
    members.HouseholdDissolved: [],
    members.ErasureAsked: [],
    members.ErasureWithdrawn: [],
    members.MemberErased: [],
    # commerce
    commerce.OrderPaid: [engagement.send_receipts],
    commerce.OrderReturned: [engagement.tell_of_returns],
    commerce.OrderCancelled: [],
    # loyalty
    loyalty.PointsAccrued: [],
    loyalty.PointsRedeemed: [],
    loyalty.PointsAdjusted: [],
    loyalty.PointsExpired: [],
    loyalty.PointsExtended: [],
    loyalty.PointsMoved: [],
    loyalty.TransferSent: [engagement.tell_of_points_sent],
    loyalty.TransferReceived: [engagement.tell_of_points_received],
    loyalty.TransferTakenBack: [engagement.tell_of_points_taken_back],
    loyalty.PointsHeld: [],
    loyalty.HoldEnded: [],
    loyalty.AdjustmentAsked: [],
    loyalty.AdjustmentApproved: [],
    loyalty.AdjustmentRefused: [],
    loyalty.TierReached: [engagement.congratulate],
    loyalty.TierLost: [],
    loyalty.PolicyScheduled: [],
    loyalty.PolicyWithdrawn: [],
    loyalty.PolicyInForce: [],
}
