"""What carries a message out of the house, and the ways in which that can end."""

from datetime import timedelta
from typing import Protocol

from msgspec import Struct

from regulars.engagement.contracts import RenderedMail
from regulars.platform.logs import blot

_LONGEST_ANSWER = 200


class Outgoing(Struct, frozen=True, kw_only=True):
    """A message ready to go. `reference` is the same however often it is sent; `stop_url` ends such messages."""

    address: str
    rendered: RenderedMail
    text: str
    language: str
    reference: str
    stop_url: str | None = None

    def __repr__(self) -> str:
        return f"Outgoing({self.reference})"


class NotNow(Exception):
    """The message may go later: the provider asked to wait, or took too long."""

    def __init__(self, answer: str, wait: timedelta | None = None) -> None:
        self.answer = said(answer)
        self.wait = wait
        super().__init__(self.answer)


class Unreachable(NotNow):
    """The provider cannot be used by any message at present: not there, or our credentials are refused."""


class Uncertain(NotNow):
    """The provider was asked, and did not say whether it took the message: it may go out, and may be paid for."""


class Refused(Exception):
    """The provider will never take this message as it is. `nobody_there`: because the address is nobody's."""

    def __init__(self, answer: str, *, nobody_there: bool = False) -> None:
        self.answer = said(answer)
        self.nobody_there = nobody_there
        super().__init__(self.answer)


class Transport(Protocol):
    """Takes messages of one channel. May be used by several messages at a time.

    `is_paid`: what was taken costs, so a message that may have been is not simply handed over again.
    """

    is_paid: bool

    async def send(self, outgoing: Outgoing) -> str:
        """Hand a message over; returns what the provider answered. Raises NotNow, Unreachable, Refused."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class DevelopmentOutbox:
    """Takes every message and sends it nowhere: the page `/outbox` shows them."""

    is_paid = False

    async def send(self, outgoing: Outgoing) -> str:
        """Keep the message where it is."""
        del outgoing
        return DEVELOPMENT_ANSWER

    async def close(self) -> None:
        """Nothing to let go of."""


DEVELOPMENT_ANSWER = "development outbox"


def said(answer: str) -> str:
    """Return a provider's answer as it may be kept: one line, short, without addresses and long numbers."""
    return blot(" ".join(answer.split()))[:_LONGEST_ANSWER]
