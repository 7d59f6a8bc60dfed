"""Sees how members stand before and after the facts whose outcome is to be explained."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from regulars.commerce.contracts import OrderFact, OrderOutcome, ReturnOrder, ReturnOutcome
from regulars.loyalty import api as loyalty
from regulars.platform.errors import DomainError

Outcome = OrderOutcome | ReturnOutcome | DomainError


@dataclass(slots=True)
class Seen:
    """How a member stood before and after one fact; None where nobody is concerned."""

    before: loyalty.Standing | None = None
    after: loyalty.Standing | None = None


@dataclass(slots=True)
class Witness:
    """Watches the facts at some positions of a batch."""

    positions: frozenset[int]
    seen: dict[int, Seen] = field(default_factory=dict)

    def ask(self, facts: Sequence[OrderFact], needs: loyalty.Needs) -> None:
        """Ask for the lots of the members it will look at."""
        for position in self.positions:
            fact = facts[position]
            if not isinstance(fact, ReturnOrder) and fact.member_id is not None:
                needs.lots_of.add(fact.member_id)

    def see(
        self, position: int, fact: OrderFact, books: loyalty.Books, decide: Callable[[OrderFact], Outcome]
    ) -> Outcome:
        """Decide, looking before and after where asked."""
        if position not in self.positions:
            return decide(fact)
        named = None if isinstance(fact, ReturnOrder) else fact.member_id
        before = _standing(books, named)
        result = decide(fact)
        member_id = result.member_id if isinstance(result, OrderOutcome | ReturnOutcome) else None
        self.seen[position] = Seen(before, _standing(books, member_id))
        return result


def _standing(books: loyalty.Books, member_id: UUID | None) -> loyalty.Standing | None:
    if member_id is None:
        return None
    try:
        return loyalty.standing(books, member_id, books.now)
    except DomainError:  # an unknown member, or no policy yet: the decision itself says so
        return None
