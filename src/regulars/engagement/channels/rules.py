"""Pure decisions about messages: which ways they take, what is told at all, when is tried again."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from regulars.engagement.contracts import MessageChannel, MessageKind, MessageState
from regulars.members.contracts import IdentityKind, IdentityShown

# What happened longer before it was recorded than this is settled silently: nobody waits for its receipt.
TOLD_WITHIN = timedelta(hours=72)
SEND_FOR = timedelta(days=3)
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)
_DOUBLINGS = 12

# Whoever waits for a code waits now; notices come last.
_URGENCY = {MessageKind.CODE: 0, MessageKind.EXPIRING_POINTS: 2}
_USUAL_URGENCY = 1

# Told by e-mail unless the member withdrew consent to service messages by e-mail; all else is part of the purchase
# or of signing in itself.
NEEDS_NO_REFUSAL = frozenset({MessageKind.EXPIRING_POINTS})


def urgency_of(kind: MessageKind) -> int:
    """Return how urgent a message is; 0 goes first."""
    return _URGENCY.get(kind, _USUAL_URGENCY)


def is_told(occurred_at: datetime | None, recorded_at: datetime) -> bool:
    """Tell whether a fact is told to its member: not one that was reported long after it happened."""
    return occurred_at is not None and recorded_at - occurred_at <= TOLD_WITHIN


def channels_of(
    kind: MessageKind, reachable: Iterable[MessageChannel], *, has_email: bool, refused_email: bool
) -> list[MessageChannel]:
    """Return by which channels a member is told: always in the inbox, by e-mail where one can be reached so.

    SMS carry codes only: they cost, and they disturb.
    """
    channels = [MessageChannel.INBOX]
    refused = refused_email and kind in NEEDS_NO_REFUSAL
    if has_email and not refused and MessageChannel.EMAIL in reachable:
        channels.append(MessageChannel.EMAIL)
    return channels


def email_of(identities: Iterable[IdentityShown]) -> tuple[str, bool] | None:
    """Return a member's e-mail address and whether it is verified: the one verified last, else the first given."""
    best: IdentityShown | None = None
    for one in identities:
        if one.kind is not IdentityKind.EMAIL or one.value is None:
            continue
        if best is None or (
            one.verified_at is not None and (best.verified_at is None or one.verified_at >= best.verified_at)
        ):
            best = one
    return None if best is None or best.value is None else (best.value, best.verified_at is not None)


def pause_after(attempts: int, asked: timedelta | None = None) -> timedelta:
    """Return how long to wait after so many attempts: doubling from 30 s to an hour, or as long as was asked for."""
    pause: timedelta = min(_FIRST_PAUSE * 2 ** min(attempts - 1, _DOUBLINGS), _LONGEST_PAUSE)
    return pause if asked is None else min(max(pause, asked), 2 * _LONGEST_PAUSE)


def state_when_late(kind: MessageKind) -> MessageState:
    """Return what becomes of a message that could not be sent in time: a code is worth nothing then."""
    return MessageState.FAILED if kind is MessageKind.CODE else MessageState.PARKED


def mask_address(channel: MessageChannel, address: str) -> str:
    """Return an address as those see it who may not read personal data."""
    if channel is MessageChannel.EMAIL:
        local, _, domain = address.rpartition("@")
        return f"{local[:1]}***@{domain}"
    return f"{address[:3]}****{address[-2:]}"
