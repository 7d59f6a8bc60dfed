"""Refusals about consent."""

from regulars.platform.errors import InvalidInput


class ConsentChannelUnfit(InvalidInput):
    """A purpose that reaches members without a channel, or one that reaches nobody with a channel."""

    code = "consent_channel_unfit"
    status = 422
    message = (
        "Consent to {purpose} does not go with the channel {channel}. Name a channel for service, marketing and "
        "research; use “any” for profiling and sharing."
    )
