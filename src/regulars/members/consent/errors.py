"""Refusals about consent."""

from regulars.platform.errors import Conflict, InvalidInput, NotFound


class ConsentChannelUnfit(InvalidInput):
    """A purpose that reaches members without a channel, or one that reaches nobody with a channel."""

    code = "consent_channel_unfit"
    status = 422
    message = (
        "Consent to {purpose} does not go with the channel {channel}. Name a channel for service, marketing and "
        "research; use “any” for profiling and sharing."
    )


class ConsentAddressMissing(Conflict):
    """A consent that counts only once it is confirmed by e-mail, of a member who has no e-mail address."""

    code = "consent_address_missing"
    message = (
        "This consent counts only once it is confirmed by e-mail, and no e-mail address of this member is known. "
        "Add one first."
    )


class ConsentNotRequested(Conflict):
    """A letter is asked for again, but nothing waits to be confirmed any more."""

    code = "consent_not_requested"
    message = "Nothing waits to be confirmed here: it was confirmed or taken back, or the address was changed."


class ConfirmationOver(NotFound):
    """The link of a letter that asks to confirm a consent is too old, used, replaced, or not whole."""

    code = "consent_confirmation_over"
    message = (
        "This link is no longer good: it is too old, a newer letter was sent, or your decision has changed since. "
        "Sign in to see what you agree to."
    )


class WordingDiffers(Conflict):
    """A version of a wording that is known with another text."""

    code = "wording_differs"
    message = "The wording {version} is known with another text. Give a changed text a version of its own."
