"""Refusals that other domains give, too."""

from regulars.platform.errors import Gone


class MemberGone(Gone):
    """The member was erased: only the number is left, for the books."""

    code = "member_gone"
    message = (
        "This member was erased, and cannot be read, found or given anything. Only the number is left, for the books."
    )
