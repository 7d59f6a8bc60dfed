"""Refusals of transfers between members. Of a limit they tell how much is left, and when there is more."""

from regulars.platform.errors import Conflict, InvalidInput, NotFound


class TransfersNotAllowed(Conflict):
    """The policy in force knows no transfers."""

    code = "transfers_not_allowed"
    message = "Members cannot give points to each other: the policy in force does not allow it."


class TransferToOneself(InvalidInput):
    """Both ids stand for the same member."""

    code = "transfer_to_oneself"
    message = "Both ids stand for the same member. Name somebody else."


class TransferOutsideHousehold(Conflict):
    """The policy allows transfers within a household only."""

    code = "transfer_outside_household"
    message = "Points can be given within a household only, and these two do not live in the same one."


class TransferAcrossMarkets(Conflict):
    """A point is worth something else elsewhere."""

    code = "transfer_across_markets"
    message = "The two members belong to different markets. Points can be given within one market only."


class TransferTooSmall(InvalidInput):
    """Less than the policy lets be given."""

    code = "transfer_too_small"
    message = "At least {smallest} points can be given at once, {asked} are asked."
    near_miss = "{missing} more would have been enough."


class TransferTooLarge(InvalidInput):
    """More than the policy lets be given at once."""

    code = "transfer_too_large"
    message = "At most {largest} points can be given at once, {asked} are asked."
    near_miss = "{over} fewer would have been taken."


class TransferTooEarly(Conflict):
    """One of both signed up a short while ago."""

    code = "transfer_too_early"
    message = "Members give and get points from {days} days after they signed up; these two can from {from_at} on."


class TransferNeedsTier(Conflict):
    """The policy lets members of higher tiers give."""

    code = "transfer_needs_tier"
    message = "Points can be given from the tier {needed} on; the member holds {tier}."


class TransferOwes(Conflict):
    """Who owes gives nothing away."""

    code = "transfer_owes"
    message = "The member owes {debt} points. The next points earned repay them; then points can be given."


class GivenTodayLimit(Conflict):
    """The limit of what may be given on a day."""

    code = "given_today_limit"
    message = (
        "At most {limit} points can be given on a day, and {left} of them are left today. "
        "There is room from {again_at} on."
    )


class GivenThisMonthLimit(Conflict):
    """The limit of what may be given in a month."""

    code = "given_this_month_limit"
    message = (
        "At most {limit} points can be given in a month, and {left} of them are left in this one. "
        "There is room from {again_at} on."
    )


class GivenThisYearLimit(Conflict):
    """The limit of what may be given in twelve months."""

    code = "given_this_year_limit"
    message = (
        "At most {limit} points can be given in twelve months, and {left} of them are left. "
        "There is room from {again_at} on."
    )


class ReceivedTodayLimit(Conflict):
    """The limit of what may be got on a day."""

    code = "received_today_limit"
    message = (
        "The other member can get {left} more points today, of {limit} at most on a day. "
        "There is room from {again_at} on."
    )


class ReceivedThisMonthLimit(Conflict):
    """The limit of what may be got in a month."""

    code = "received_this_month_limit"
    message = (
        "The other member can get {left} more points this month, of {limit} at most in a month. "
        "There is room from {again_at} on."
    )


class ReceivedThisYearLimit(Conflict):
    """The limit of what may be got in twelve months."""

    code = "received_this_year_limit"
    message = (
        "The other member can get {left} more points now, of {limit} at most in twelve months. "
        "There is room from {again_at} on."
    )


class UnknownTransfer(NotFound):
    """The member gave nothing under this id."""

    code = "unknown_point_transfer"
    message = "The member gave no points by this transfer. List the member's transfers to find it."


class TransferReversedBefore(Conflict):
    """A transfer is taken back once."""

    code = "transfer_reversed_before"
    message = "This transfer was taken back at {reversed_at}."


class ReversalAfterMerge(Conflict):
    """What was given went on by a merge."""

    code = "reversal_after_merge"
    message = "One of both was merged with another member since. Undo that merge first, then take the transfer back."
