"""Which consents make sense, and which one is in force."""

from collections.abc import Iterable

from regulars.members.consent.errors import ConsentChannelUnfit
from regulars.members.contracts import Consent, ConsentChannel, Purpose
from regulars.platform.errors import DomainError

WITHOUT_CHANNEL = frozenset({Purpose.PROFILING, Purpose.SHARING})


def check(purpose: Purpose, channel: ConsentChannel) -> DomainError | None:
    """Say whether a purpose goes with a channel."""
    if (channel is ConsentChannel.ANY) == (purpose in WITHOUT_CHANNEL):
        return None
    return ConsentChannelUnfit(pointer="/channel", purpose=purpose.value, channel=channel.value)


def in_force(history: Iterable[Consent]) -> list[Consent]:
    """Return, for each purpose and channel, the decision that took effect last.

    `history` is in the order in which the decisions became known: of two that took effect at once, the later stands.
    """
    latest: dict[tuple[Purpose, ConsentChannel], Consent] = {}
    for consent in sorted(history, key=lambda one: one.effective_at):
        latest[consent.purpose, consent.channel] = consent
    return sorted(latest.values(), key=lambda one: (one.purpose, one.channel))
