"""Refusals of members who want to get in. None of them tells whether there is such a member."""

from regulars.platform.errors import DomainError, InvalidInput


class CodeWrong(DomainError):
    """Not the code that was sent."""

    code = "code_wrong"
    status = 401
    message = "This is not the code. Look again; {tries_left} more tries with this one."


class CodeStale(DomainError):
    """The code is too old, was used, or was tried too often; or this is not the browser it was asked for in."""

    code = "code_stale"
    status = 401
    message = "This code is no longer good. Ask for a new one."


class CannotReceiveCodes(InvalidInput):
    """An identity that nothing can be sent to."""

    code = "cannot_receive_codes"
    message = "A code can be sent to a phone number or an e-mail address. Give one of them."


class NothingToProve(DomainError):
    """A member who is to prove who they are once more has no phone number and no e-mail address for a code."""

    code = "nothing_to_prove"
    status = 409
    message = "There is no phone number and no e-mail address to which a code could be sent. Ask the shop for help."


class AddressNotProved(DomainError):
    """A number or address that a merge brought, and nobody had proved, opens no session from outside."""

    code = "address_not_proved"
    status = 403
    message = (
        "This number or address came to the membership when two were merged, and nobody has confirmed yet whose it "
        "is. Sign in with another one of yours and confirm this one in your profile, or ask the shop for help."
    )


class WordingUnknown(InvalidInput):
    """A consent in words that are not the ones that sign-up shows."""

    code = "wording_unknown"
    message = "The wording of a consent has changed meanwhile. Read it again, and send the form again."
