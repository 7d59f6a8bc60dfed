"""Refusals of card codes."""

from regulars.platform.errors import Conflict, InvalidInput


class CardCodeExpired(InvalidInput):
    """A code whose minute has passed, or has not come."""

    code = "card_code_expired"
    message = "This card code is no longer valid. Let the member show the card again; it changes every half minute."


class CardCodeUsed(Conflict):
    """A code that was read before."""

    code = "card_code_used"
    message = "This card code was read before. Wait for the next one; it changes every half minute."


class CardCodeForged(InvalidInput):
    """Nothing that we made."""

    code = "card_code_forged"
    message = "This is not a member card of ours. Ask for the phone number instead."
