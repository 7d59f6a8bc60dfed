"""Refusals of looking for somebody to give to."""

from regulars.platform.errors import InvalidInput


class NobodyToGiveTo(InvalidInput):
    """What was typed is nobody's, or of somebody who cannot be given anything: the sentence does not say which."""

    code = "nobody_to_give_to"
    message = (
        "Nothing can be given to anybody by this. Check the number, address or card, "
        "or ask the other person which one they are a member by."
    )
