"""Refusals of the ledger."""

from regulars.platform.errors import Conflict, InvalidInput, NotFound


class UnknownMember(NotFound):
    """No member has this id."""

    code = "unknown_member"
    message = "There is no member {member_id}. Look the member up by phone, e-mail or card first."


class AmountNotPositive(InvalidInput):
    """Postings move whole, positive units."""

    code = "amount_not_positive"
    message = "The amount is {amount}; it must be a whole number above 0."


class AmountIsZero(InvalidInput):
    """A correction of nothing."""

    code = "amount_is_zero"
    message = "The amount is 0; a correction must go up or down."


class WalletNotSpendable(InvalidInput):
    """Only spendable wallets pay."""

    code = "wallet_not_spendable"
    message = "Nothing can be redeemed from the wallet “{wallet}”. Use a spendable wallet."


class InsufficientPoints(Conflict):
    """Less is spendable at this moment than asked."""

    code = "insufficient_points"
    message = "Only {available} can be spent from “{wallet}” now, {asked} are asked. Ask for less, or wait for others."
    near_miss = "{missing} more would have been enough."


class PointsNotUsable(Conflict):
    """The policy for paying with points does not allow it."""

    code = "points_not_usable"
    message = (
        "This order cannot be paid with {asked} points: at most {allowed} can now "
        "(spendable: {spendable}, needed at least: {minimum}, debt: {debt}). Use at most {allowed}."
    )
    near_miss = "{over} fewer would have been taken."


class ReferenceReused(InvalidInput):
    """The reference is taken by a different posting."""

    code = "reference_reused"
    message = "The reference “{reference}” already stands for another posting. Use one of its own for each fact."


class AlreadySettled(Conflict):
    """The order is in the books."""

    code = "order_already_settled"
    message = "The order {order_id} is already settled."


class NotSettled(Conflict):
    """The order is not in the books."""

    code = "order_not_settled"
    message = "The order {order_id} is not settled, so nothing of it can be returned."


class TimesContradict(InvalidInput):
    """A lot must become available before it expires, and not begin in the future."""

    code = "times_contradict"
    message = "The times contradict each other: {problem}. Correct them and send the request again."


class DeadlinePassed(InvalidInput):
    """A hold that would be over before it begins."""

    code = "deadline_passed"
    message = "The deadline {deadline} is not later than now ({now}). Choose a later one."


class TooManyHolds(Conflict):
    """A member's holds are bounded: each is looked at whenever points are spent."""

    code = "too_many_holds"
    message = "There are {open} open holds already, and no more than {at_most} may be. Post or void some of them first."


class UnknownHold(NotFound):
    """The member has no hold of this id."""

    code = "unknown_hold"
    message = "There is no such hold of this member. List the member's holds to find it."


class HoldOver(Conflict):
    """A hold ends once."""

    code = "hold_over"
    message = "This hold is over since {ended_at}; {posted} of {amount} were used. Place another one if needed."


class HoldTooSmall(Conflict):
    """No more can be posted than is held."""

    code = "hold_too_small"
    message = "The hold keeps {held}, {asked} are asked. Ask for {held} at most, and redeem the rest beside it."
    near_miss = "{over} fewer could have been used."


class ApprovalNeeded(Conflict):
    """The policy asks for a second person."""

    code = "approval_needed"
    message = "A correction of more than {limit} needs approval. Ask for it as an adjustment request."
    near_miss = "{over} less would have needed nobody else."


class ApprovalNeededToday(ApprovalNeeded):
    """The policy lets one person correct so much in a day, and then asks for a second one."""

    code = "approval_needed_today"
    message = (
        "One person corrects up to {limit} units a day without a second person, and you have corrected {corrected} "
        "today (from midnight UTC): a correction by {asked} needs approval. Ask for it as an adjustment request."
    )
    near_miss = "Up to {left} would have needed nobody else today."


class NothingToExtend(Conflict):
    """The lot is used up or kept by holds, or the member has no such lot."""

    code = "nothing_to_extend"
    message = "There is nothing free in this lot that could be extended: it is used up, held, or not this member's."


class LotOver(Conflict):
    """What has run out stays run out."""

    code = "lot_over"
    message = "This lot ran out at {expired_at}. What is over is not extended; correct the balance, if that is right."


class UnknownRequest(NotFound):
    """The member has no adjustment request of this id."""

    code = "unknown_request"
    message = "There is no such adjustment request of this member. List the requests to find it."


class RequestOver(Conflict):
    """A request is answered once, and in time."""

    code = "request_over"
    message = "This adjustment request is no longer open since {at}. Ask anew if it is still needed."


class AlreadyAskedFor(Conflict):
    """The correction waits for a second person: it is not posted beside that."""

    code = "already_asked_for"
    message = "The correction “{reference}” was asked for already, and waits for somebody's answer until {expires_at}."


class OwnRequest(Conflict):
    """Two persons means two."""

    code = "own_request"
    message = "Nobody answers their own adjustment request. Somebody else must look at it."


class MergeWaitsForHolds(Conflict):
    """What a hold keeps cannot change hands."""

    code = "merge_waits_for_holds"
    message = "The member to be merged has {open} open holds. Post or void them first, or wait for their end."


class MergeWaitsForRequests(Conflict):
    """A correction that was asked for belongs to these books."""

    code = "merge_waits_for_requests"
    message = "Corrections of the member to be merged are still waiting for a second person. Have them answered first."


class UndoWaitsForHolds(Conflict):
    """What a hold keeps of what is to go back cannot be given, and is not spent either."""

    code = "undo_waits_for_holds"
    message = (
        "What is to go back is kept by {open} open holds of the member that stays. Post or void them first, or wait "
        "for their end."
    )


class BooksMerged(Conflict):
    """Books are part of one other's at most, and part of none while others are part of them anew."""

    code = "books_merged"
    message = "The books of {member} are part of those of {into}. Merge the members whom both ids mean now."


class MergeNotInForce(Conflict):
    """A merge is undone once, while it is in force."""

    code = "merge_not_in_force"
    message = (
        "The books of {member} are not part of those of {survivor} by this merge: it was undone, or never carried out."
    )


class UndoWaitsForLater(Conflict):
    """Merges that build on each other are undone from the last."""

    code = "undo_waits_for_later"
    message = "The books of {survivor} are part of those of {into} since. Undo that merge first."


class UndoLacksGrowth(Conflict):
    """What counts for the tier cannot be owed."""

    code = "undo_lacks_growth"
    message = (
        "Of the growth that the merge brought {lacking} are no longer there: somebody corrected it since. "
        "Correct it upward by as much, then undo the merge."
    )


class UnknownTransfer(NotFound):
    """The member's books have no transfer of this id."""

    code = "unknown_transfer"
    message = "There is no such transfer of this member. Take its id from the member's statement."


class UnknownLot(NotFound):
    """The member has no lot of this id."""

    code = "unknown_lot"
    message = "There is no such lot of this member. List the member's lots to find it."


class UnknownPreview(NotFound):
    """No preview has this id, or it is forgotten."""

    code = "unknown_preview"
    message = "There is no such preview; they are kept for a month. Ask for another one."
