"""What pages call the kinds, channels and states of messages."""

from typing import Final

from regulars.engagement.contracts import MessageChannel, MessageKind, MessageState
from regulars.web.kit.cells import Badge, Tone
from regulars.web.kit.texts import mark

KINDS: Final[dict[MessageKind, str]] = {
    MessageKind.CODE: mark("Sign-in code"),
    MessageKind.RECEIPT: mark("Receipt"),
    MessageKind.RETURN_SETTLED: mark("Return settled"),
    MessageKind.TIER_UP: mark("New tier"),
    MessageKind.EXPIRING_POINTS: mark("Points expire"),
    MessageKind.CONFIRM_ADDRESS: mark("Address to confirm"),
    MessageKind.CONFIRM_CONSENT: mark("Consent to confirm"),
    MessageKind.POINTS_SENT: mark("Points sent"),
    MessageKind.POINTS_RECEIVED: mark("Points received"),
    MessageKind.POINTS_TAKEN_BACK: mark("Gift taken back"),
    MessageKind.WEBHOOK_DISABLED: mark("Webhook disabled"),
}
CHANNELS: Final[dict[MessageChannel, str]] = {
    MessageChannel.EMAIL: mark("E-mail message"),
    MessageChannel.SMS: mark("Text message"),
    MessageChannel.INBOX: mark("Inbox"),
}
STATES: Final[dict[MessageState, str]] = {
    MessageState.QUEUED: mark("Waiting"),
    MessageState.SENT: mark("Sent"),
    MessageState.PARKED: mark("Parked"),
    MessageState.FAILED: mark("Given up"),
}
_TONES: Final[dict[MessageState, Tone]] = {
    MessageState.QUEUED: "info",
    MessageState.SENT: "success",
    MessageState.PARKED: "warning",
    MessageState.FAILED: "neutral",
}


def state_badge(state: MessageState) -> Badge:
    """Return a state as a badge."""
    return Badge(STATES[state], _TONES[state])
