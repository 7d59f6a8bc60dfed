"""Which channels a deployment can send by."""

from regulars.engagement.contracts import MessageChannel
from regulars.platform.settings import Settings


def is_mail_set_up(settings: Settings) -> bool:
    """Tell whether e-mails can be sent: there is a server, and an address to send from."""
    return settings.smtp_host is not None and settings.mail_sender is not None


def is_sms_set_up(settings: Settings) -> bool:
    """Tell whether SMS can be sent: there is a gateway."""
    return settings.sms_url is not None


def reachable(settings: Settings) -> frozenset[MessageChannel]:
    """Return the channels by which messages leave, or would leave: in development mode the outbox stands in."""
    channels = {MessageChannel.INBOX}
    if settings.development or is_mail_set_up(settings):
        channels.add(MessageChannel.EMAIL)
    if settings.development or is_sms_set_up(settings):
        channels.add(MessageChannel.SMS)
    return frozenset(channels)
