"""What a roll-up is."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import LiteralString, NamedTuple

from regulars.platform.db.snapshots import Window
from regulars.platform.db.transaction import Transaction

Recompute = Callable[[Transaction, Window | None], Awaitable[Sequence[date]]]
"""Recomputes the days that the events of a window touched (None: every day), and returns them."""


@dataclass(frozen=True, slots=True)
class RollUp:
    """A roll-up of some tables of a room. `table` is one of them: its lock keeps two runs apart.

    `edition` is raised when it gets other tables: it then begins anew, whatever an earlier release still does.
    """

    name: str
    table: LiteralString
    recompute: Recompute = field(repr=False)
    edition: int = 1

    @property
    def reader(self) -> str:
        """The name under which it reads the outbox."""
        return f"roll-up of {self.name}" + (f", {self.edition}" if self.edition > 1 else "")


class Span(NamedTuple):
    """Days that follow each other, both included, and instants between which they lie in every time zone."""

    first: str
    last: str
    since: str
    until: str


EVER = Span("-infinity", "infinity", "-infinity", "infinity")


class Standing(NamedTuple):
    """How far a roll-up has come: it holds all that was committed at `as_of` of the programme clock.

    `computed_at` is that instant by the wall clock. `first_day` and `last_day` have facts; None: no day has.
    """

    as_of: datetime
    computed_at: datetime
    first_day: date | None
    last_day: date | None
