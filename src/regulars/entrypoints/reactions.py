"""Every reaction of the system on one page: which handlers take which facts.

An event without reactions is listed with an empty list. Events reach each handler at least once, in batches, in
order for each member; see docs/events.md.
"""

from regulars.domain_events import commerce, loyalty, members
from regulars.engagement import handlers as engagement
from regulars.platform.outbox.contracts import Reactions
from regulars.platform.webhooks import handlers as webhooks

REACTIONS: Reactions = {
    # members
    members.MemberSignedUp: [webhooks.announce],
    members.IdentityAdded: [webhooks.announce],
    members.IdentityRemoved: [webhooks.announce],
    members.ConsentChanged: [webhooks.announce],
    members.ConsentRequested: [engagement.ask_to_confirm_consent],
    members.MemberMerged: [webhooks.announce],
    members.MergeUndone: [webhooks.announce],
    members.MergeProposed: [webhooks.announce],
    members.MergeProposalEnded: [webhooks.announce],
    members.HouseholdFormed: [webhooks.announce],
    members.HouseholdJoined: [webhooks.announce],
    members.HouseholdLeft: [webhooks.announce],
    members.HouseholdHeadChanged: [webhooks.announce],
    members.HouseholdDissolved: [webhooks.announce],
    members.ErasureAsked: [webhooks.announce],
    members.ErasureWithdrawn: [webhooks.announce],
    members.MemberErased: [webhooks.announce],
    # commerce
    commerce.OrderPaid: [engagement.send_receipts, webhooks.announce],
    commerce.OrderReturned: [engagement.tell_of_returns, webhooks.announce],
    commerce.OrderCancelled: [webhooks.announce],
    # loyalty
    loyalty.PointsAccrued: [webhooks.announce],
    loyalty.PointsRedeemed: [webhooks.announce],
    loyalty.PointsAdjusted: [webhooks.announce],
    loyalty.PointsExpired: [webhooks.announce],
    loyalty.PointsExtended: [webhooks.announce],
    loyalty.PointsMoved: [webhooks.announce],
    loyalty.TransferSent: [engagement.tell_of_points_sent, webhooks.announce],
    loyalty.TransferReceived: [engagement.tell_of_points_received, webhooks.announce],
    loyalty.TransferTakenBack: [engagement.tell_of_points_taken_back, webhooks.announce],
    loyalty.PointsHeld: [webhooks.announce],
    loyalty.HoldEnded: [webhooks.announce],
    loyalty.AdjustmentAsked: [webhooks.announce],
    loyalty.AdjustmentApproved: [webhooks.announce],
    loyalty.AdjustmentRefused: [webhooks.announce],
    loyalty.TierReached: [engagement.congratulate, webhooks.announce],
    loyalty.TierLost: [webhooks.announce],
    loyalty.PolicyScheduled: [webhooks.announce],
    loyalty.PolicyWithdrawn: [webhooks.announce],
    loyalty.PolicyInForce: [webhooks.announce],
}
