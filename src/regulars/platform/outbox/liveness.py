"""What is news and what is history: a handler declared `@live` or `@lasting` is handed no history.

A handler that speaks to people must not speak of the past. A fact is news when

- the programme clock ticks (while a replay holds it, nothing is news), and
- the fact was recorded since the clock was last set: whatever a replay recorded before is history, and
- it was recorded at most a day ago by the programme clock, so that a worker that comes back after a week, or an event
  that lay parked, does not speak of what nobody waits for any more.

History is passed over without a mark, at the cost of reading it.

A handler that tells other systems must tell everything, however late: for `@lasting` the third rule does not hold. It
says itself which types anybody wants at present; the rest is passed over without a mark, too.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from regulars.platform.db.programme_clock import read_setting
from regulars.platform.db.transaction import Transaction
from regulars.platform.outbox.contracts import Handler

NEWS_FOR = timedelta(hours=24)
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

HandlerT = TypeVar("HandlerT", bound=Handler)

Wanted = Callable[[Transaction], Awaitable[frozenset[str]]]
"""Returns the names of the event classes that are wanted at present."""

_live: set[Handler] = set()
_lasting: dict[Handler, Wanted] = {}


def live(handler: HandlerT) -> HandlerT:
    """Declare that a handler is handed news only."""
    _live.add(handler)
    return handler


def lasting(wanted: Wanted) -> Callable[[HandlerT], HandlerT]:
    """Declare that a handler is handed no history, but news of any age, of the types that `wanted` names."""

    def declare(handler: HandlerT) -> HandlerT:
        _lasting[handler] = wanted
        return handler

    return declare


def wanted_by(handler: Handler) -> Wanted | None:
    """Return what says which types a lasting handler wants; None for any other handler."""
    return _lasting.get(handler)


def is_live(handler: Handler) -> bool:
    """Tell whether a handler is handed news only."""
    return handler in _live or handler in _lasting


@dataclass(frozen=True, slots=True)
class News:
    """What is news at an instant: facts recorded from `since` on (programme clock); None while the clock is held.

    What is no history is recorded from `history_until` on.
    """

    since: datetime | None
    history_until: datetime = _BEGINNING

    @classmethod
    async def at(cls, tx: Transaction) -> "News":
        """Return what is news in this transaction."""
        setting = await read_setting(tx.connection)
        oldest = tx.now - NEWS_FOR
        if setting is None:
            return cls(oldest)
        return cls(max(oldest, setting.programme_at) if setting.ticking else None, setting.programme_at)

    def has(self, recorded_at: datetime, *, of_any_age: bool = False) -> bool:
        """Tell whether a fact recorded at that instant is news; `of_any_age`: or was, and is no history."""
        if self.since is None:
            return False
        return recorded_at >= (self.history_until if of_any_age else self.since)
