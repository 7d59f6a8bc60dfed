"""Which consents make sense, which one is in force, and which waits to be confirmed."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from regulars.members.consent.errors import ConsentChannelUnfit
from regulars.members.contracts import Consent, ConsentChannel, Decision, Purpose
from regulars.platform.errors import DomainError

WITHOUT_CHANNEL = frozenset({Purpose.PROFILING, Purpose.SHARING})
LINK_LASTS = timedelta(days=7)
LETTERS_A_DAY = 5
DAY = timedelta(days=1)
_FIRST_PAUSE_SECONDS = 60

Pair = tuple[Purpose, ConsentChannel]


def check(purpose: Purpose, channel: ConsentChannel) -> DomainError | None:
    """Say whether a purpose goes with a channel."""
    if (channel is ConsentChannel.ANY) == (purpose in WITHOUT_CHANNEL):
        return None
    return ConsentChannelUnfit(pointer="/channel", purpose=purpose.value, channel=channel.value)


def in_force(history: Iterable[Consent]) -> list[Consent]:
    """Return, for each purpose and channel, the decision that took effect last; what was only requested is none.

    `history` is in the order in which the decisions became known: of two that took effect at once, the later stands.
    """
    latest: dict[Pair, Consent] = {}
    for consent in sorted(history, key=lambda one: one.effective_at):
        if consent.decision is not Decision.REQUESTED:
            latest[consent.purpose, consent.channel] = consent
    return sorted(latest.values(), key=lambda one: (one.purpose, one.channel))


def requested(history: Iterable[Consent]) -> list[Consent]:
    """Return, for each purpose and channel, the request that waits: whatever was decided after it has ended it."""
    latest: dict[Pair, Consent] = {}
    for consent in sorted(history, key=lambda one: one.effective_at):
        latest[consent.purpose, consent.channel] = consent
    return [one for one in latest.values() if one.decision is Decision.REQUESTED]


def wait_for_letter(sent: Iterable[tuple[int, datetime]], now: datetime) -> int:
    """Return for how many seconds no letter is sent to a member, who was sent so many, each time lastly at an instant.

    Five in 24 hours.
    """
    lately = [(letters, at) for letters, at in sent if now - at < DAY]
    if sum([letters for letters, _ in lately]) < LETTERS_A_DAY:
        return 0
    return _seconds_until(min([at for _, at in lately]) + DAY, now)


def wait_for_another(letters: int, asked_at: datetime, now: datetime) -> int:
    """Return for how many seconds a letter is not sent again: a minute after the first, two after the second, four."""
    return _seconds_until(asked_at + timedelta(seconds=_FIRST_PAUSE_SECONDS * 2 ** (letters - 1)), now)


def _seconds_until(at: datetime, now: datetime) -> int:
    return max(0, -((now - at) // timedelta(seconds=1)))
