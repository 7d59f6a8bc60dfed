"""What is news and what is history: a handler declared `@live` is handed no history.

A handler that speaks to people must not speak of the past. A fact is news when

- the programme clock ticks (while a replay holds it, nothing is news), and
- the fact was recorded since the clock was last set: whatever a replay recorded before is history, and
- it was recorded at most a day ago by the programme clock, so that a worker that comes back after a week, or an event
  that lay parked, does not speak of what nobody waits for any more.

History is passed over without a mark, at the cost of reading it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from regulars.platform.db.programme_clock import read_setting
from regulars.platform.db.transaction import Transaction
from regulars.platform.outbox.contracts import Handler

NEWS_FOR = timedelta(hours=24)

HandlerT = TypeVar("HandlerT", bound=Handler)

_live: set[Handler] = set()


def live(handler: HandlerT) -> HandlerT:
    """Declare that a handler is handed news only."""
    _live.add(handler)
    return handler


def is_live(handler: Handler) -> bool:
    """Tell whether a handler is handed news only."""
    return handler in _live


@dataclass(frozen=True, slots=True)
class News:
    """What is news at an instant: facts recorded from `since` on (programme clock); None while the clock is held."""

    since: datetime | None

    @classmethod
    async def at(cls, tx: Transaction) -> "News":
        """Return what is news in this transaction."""
        setting = await read_setting(tx.connection)
        oldest = tx.now - NEWS_FOR
        if setting is None:
            return cls(oldest)
        return cls(max(oldest, setting.programme_at) if setting.ticking else None)

    def has(self, recorded_at: datetime) -> bool:
        """Tell whether a fact recorded at that instant is news."""
        return self.since is not None and recorded_at >= self.since
