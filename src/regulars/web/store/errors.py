"""What the counter's pages refuse by themselves."""

from regulars.platform.errors import Conflict, NotAllowed


class MemberGone(Conflict):
    """What the till carried of a member or an order is too old, or another device's."""

    code = "till_began_anew"
    message = "This was left alone for too long. Please begin anew."


class BoughtTooLongAgo(NotAllowed):
    """Old purchases are taken back while a store manager is signed in at the till."""

    code = "bought_too_long_ago"
    message = "This was bought more than {days} days ago. A store manager must sign in at this till to take it back."


class TooMuchComesBack(NotAllowed):
    """Large returns are taken while a store manager is signed in at the till."""

    code = "too_much_comes_back"
    message = "This is more than a till takes back by itself. A store manager must sign in at it to take it back."
