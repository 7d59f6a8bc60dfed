"""Whom ids stand for: the way from a member's own books to those in which what is addressed to it is posted.

A merge makes an id stand for another's books. What is posted there under the old id is kept as a forward, for ever: the
reference, hold or order was used for that id, too, and is found whatever comes later, be it the merge's undoing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from regulars.loyalty.ledger.entries import Forward, Named
from regulars.loyalty.ledger.needs import Needs
from regulars.loyalty.ledger.store import reading
from regulars.platform.db.transaction import Transaction

POSTING: Final = "posting"
HOLD: Final = "hold"
ORDER: Final = "order"


@dataclass(slots=True)
class Ways:
    """The ways of a batch's ids. `merged` leads from books to those of which they are part, `forwards` from a name."""

    merged: dict[UUID, UUID] = field(default_factory=dict)
    forwards: dict[tuple[Named, UUID, str], UUID] = field(default_factory=dict)
    new: list[Forward] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Return whether any id of the batch stands for another's books, or once did."""
        return bool(self.merged or self.forwards)

    def of(self, member_id: UUID) -> Sequence[UUID]:
        """Return an id, and behind it each of those into whose books the one before was merged."""
        if member_id not in self.merged:
            return (member_id,)
        way = [member_id]
        while (further := self.merged.get(way[-1])) is not None:
            if further in way:
                raise AssertionError(
                    f"the books of {member_id} lead back to themselves; `regulars verify` tells which do"
                )
            way.append(further)
        return way

    def find(self, kind: Named, member_id: UUID, name: str, knows: Callable[[UUID], bool]) -> UUID:
        """Return whose books know what was addressed to an id under a name, else those that the id stands for.

        The first along the way that knows it answers, by its own books or by what was posted elsewhere for it.
        """
        way = self.of(member_id)
        for each in way:
            if knows(each):
                return each
            there = self.forwards.get((kind, each, name))
            if there is not None:
                return there
        return way[-1]

    def keep(self, kind: Named, member_id: UUID, name: str, there: UUID, recorded_at: datetime) -> None:
        """Keep that what was addressed to an id stands with another: for it, and for each on its way there."""
        for each in self.of(member_id):
            if each == there or (kind, each, name) in self.forwards:
                return
            self.forwards[kind, each, name] = there
            self.new.append(Forward(each, kind, name, there, recorded_at))


@dataclass(slots=True)
class Traced:
    """What a batch has to see with everybody whom its ids stand for, and the ways that lead there."""

    needs: Needs
    ways: Ways


async def trace(tx: Transaction, needs: Needs) -> Traced:
    """Follow the ids that a batch names to whom they stand for. Locks nothing: ask again behind the locks."""
    wanted = needs.copy()
    while True:
        before = wanted.size()
        links, forwards = await tx.read(
            reading.read_links(sorted(wanted.members)), reading.read_forwards(sorted(wanted.names()))
        )
        ways = Ways(
            {member_id: into for member_id, into in links if into is not None},
            {(kind, member_id, name): there for member_id, kind, name, there in forwards},
        )
        wanted.follow(ways.merged, ways.forwards)
        if wanted.size() == before:
            return Traced(wanted, ways)
