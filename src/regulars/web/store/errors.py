"""What the counter's pages refuse by themselves."""

from regulars.platform.errors import Conflict


class MemberGone(Conflict):
    """What the till carried of a member or an order is too old, or another device's."""

    code = "till_began_anew"
    message = "This was left alone for too long. Please begin anew."
