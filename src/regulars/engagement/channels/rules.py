"""Pure decisions about messages: which ways they take, what is told at all, when is tried again."""

import re
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
_CODES_AT_MOST = 2
_FAULTS_AT_MOST = 5
FAULT = "fault: "
_ENHANCED = re.compile(r"5\d\d[ -]5\.(?:1\.(\d+)|\d+\.\d+)")
_NOBODY_THERE = re.compile(
    r"(?:unknown|no such|invalid|non-?existent) (?:local )?(?:user|recipient|mailbox|address|account)"
    r"|(?:user|recipient|mailbox|address|account) (?:is )?(?:unknown|invalid|not found|unavailable)"
    r"|does(?: not|n't) exist|no mailbox here",
    re.IGNORECASE,
)

# Whoever waits for a code waits now; notices come last.
_URGENCY = {MessageKind.CODE: 0, MessageKind.EXPIRING_POINTS: 2}
_USUAL_URGENCY = 1

# Told by e-mail unless the member withdrew consent to service messages by e-mail; all else is part of the purchase
# or of signing in itself.
NEEDS_NO_REFUSAL = frozenset({MessageKind.EXPIRING_POINTS})


# What lets somebody in, or decides for them, is forgotten once it has left the house.
WIPED_ONCE_SENT = frozenset({MessageKind.CODE, MessageKind.CONFIRM_CONSENT})


# Read in the inbox alone: nobody can be pestered at their address with one point after another.
INBOX_ONLY = frozenset({MessageKind.POINTS_RECEIVED})


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
    if has_email and not refused and kind not in INBOX_ONLY and MessageChannel.EMAIL in reachable:
        channels.append(MessageChannel.EMAIL)
    return channels


def emails_of(identities: Iterable[IdentityShown]) -> list[IdentityShown]:
    """Return a member's e-mail addresses: the one proved last first, then those that nobody proved, as given."""
    found = [one for one in identities if one.kind is IdentityKind.EMAIL and one.value is not None]
    proved = [one for one in found if one.verified_at is not None]
    proved.sort(key=lambda one: one.verified_at or one.added_at, reverse=True)
    return [*proved, *(one for one in found if one.verified_at is None)]


def is_refused(address: IdentityShown, refused_at: datetime | None) -> bool:
    """Tell whether an address is left alone: refused as nobody's, and not proved since."""
    return refused_at is not None and (address.verified_at is None or address.verified_at <= refused_at)


def pause_after(attempts: int, asked: timedelta | None = None) -> timedelta:
    """Return how long to wait after so many attempts: doubling from 30 s to an hour, or as long as was asked for."""
    pause: timedelta = min(_FIRST_PAUSE * 2 ** min(attempts - 1, _DOUBLINGS), _LONGEST_PAUSE)
    return pause if asked is None else min(max(pause, asked), 2 * _LONGEST_PAUSE)


def state_when_late(kind: MessageKind) -> MessageState:
    """Return what becomes of a message that could not be sent in time: a code is worth nothing then."""
    return MessageState.FAILED if kind is MessageKind.CODE else MessageState.PARKED


def says_nobody_there(answer: str) -> bool:
    """Tell whether a mail server's refusal of a recipient says that the address is nobody's, for good.

    By the enhanced status where there is one (RFC 3463: 5.1.x is about the address, .7 and .8 about the sender's), else
    by the words that servers use. What is full, forbidden or suspected is something else, and may pass.
    """
    if enhanced := _ENHANCED.match(answer):
        return enhanced.group(1) not in {"7", "8"} if enhanced.group(1) else False
    return answer.startswith(("550", "551", "553")) and _NOBODY_THERE.search(answer) is not None


def may_be_handed_over(kind: MessageKind, handed_over: int, *, is_paid: bool) -> bool:
    """Tell whether a message may go out that may have reached its provider so often, this time included.

    What costs goes out once, a code once more: somebody waits for it.
    """
    return not is_paid or handed_over <= (_CODES_AT_MOST if kind is MessageKind.CODE else 1)


def is_given_up_as_faulty(attempts: int, answer_before: str) -> bool:
    """Tell whether a message is tried no more that breaks on our side again and again."""
    return attempts >= _FAULTS_AT_MOST and answer_before.startswith(FAULT)


def mask_address(channel: MessageChannel, address: str) -> str:
    """Return an address as those see it who may not read personal data."""
    if channel is MessageChannel.EMAIL:
        local, _, domain = address.rpartition("@")
        return f"{local[:1]}***@{domain}"
    return f"{address[:3]}****{address[-2:]}"
