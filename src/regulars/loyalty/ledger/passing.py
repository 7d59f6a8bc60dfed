"""Returns of orders of somebody whose books are part of another's by now.

The order stays where it was settled. Points are given back there, then what the return takes is brought, hop by hop
along the merges: the very lots that it would have taken had nobody been merged. What is left (points given back, a
debt) goes the same way on: the books end as empty as before.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from msgspec import structs

from regulars.loyalty.contracts import ReturnSettlement, SettleReturn
from regulars.loyalty.errors import NotSettled
from regulars.loyalty.ledger.book import Book
from regulars.loyalty.ledger.entries import Entry, Lot, Settlement, Take, pick
from regulars.loyalty.ledger.moves import Moving, sweep, together
from regulars.loyalty.ledger.settlement import is_of_order, sources_of_claw_back
from regulars.loyalty.ledger.settlement import settle_return as settle
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.tiers.rules import code_of


def merge_cause(book: Book) -> str:
    """Return what the references of a merge begin with: the one by which these books are part of others."""
    if book.merged_by is None:
        raise AssertionError(f"the books of {book.member_id} are nobody else's")
    return f"merge:{book.merged_by.hex}"


def settle_return(
    path: Sequence[Book], configuration: Configuration, command: SettleReturn, at: datetime
) -> ReturnSettlement:
    """Settle a return along `path`: first the book of the order, last the one into which it was merged."""
    book, top = path[0], path[-1]
    settlement = book.settlements.get(command.order_id)
    if settlement is None:
        raise NotSettled(order_id=command.order_id)
    now = together(path, at)
    policy = configuration.policy_at(now)
    tier_before = code_of(policy.tier, top.tier)
    passing = _Passing(path, configuration, now, f"order:{command.order_id}:return:{command.return_id}")
    result = settle(book, configuration, command, now, passing.bring)
    passing.send_on()
    return structs.replace(result, tier_before=tier_before, tier_after=code_of(policy.tier, top.tier))


class _Passing:
    """What one return moves along the merges."""

    def __init__(self, path: Sequence[Book], configuration: Configuration, now: datetime, named: str) -> None:
        self._path = path
        self._configuration = configuration
        self._now = now
        self._named = named

    def _moving(self, source: Book, target: Book, merged: Book) -> Moving:
        cause = f"{merge_cause(merged)}:{self._named}"
        return Moving(source, target, self._configuration, self._now, cause, "return")

    def bring(self, settlement: Settlement, terms: Policy, lost: int) -> None:
        """Bring to the order's book what the return will take, and its growth; some points may be there already."""
        policy = self._configuration.policy_at(self._now)
        hops = [self._moving(upper, lower, lower) for upper, lower in pairwise(reversed(self._path))]
        takes, _ = pick(self._sources(settlement, terms, policy), lost * settlement.multiplier)
        there = self._path[0].lots
        for take in takes:
            if there.get(take.lot.lot_no) is take.lot:
                continue
            found = take
            for moving in hops:
                found = Take(moving.lot(found, "back"), found.amount)
        growth = self._configuration.wallet(policy.tier.qualifying_wallet)
        entry = Entry(growth.wallet_id, settlement.earn_seq or 0, lost, settlement.effective_at)
        for moving in hops:
            moving.entries([entry])

    def send_on(self) -> None:
        """Move on what is left."""
        for lower, upper in pairwise(self._path):
            sweep(self._moving(lower, upper, lower))

    def _sources(self, settlement: Settlement, terms: Policy, policy: Policy) -> list[Lot]:
        """Return the lots that the claw-back would find if the books were one: at the top, and what was given back."""
        wallet = self._configuration.wallet(policy.spending_wallet)
        ends = (self._path[-1], self._path[0])
        found = [lot for book in ends for lot in sources_of_claw_back(book, settlement, terms, wallet, self._now)]
        found.sort(key=lambda lot: (not is_of_order(lot, settlement), *lot.spending_order()))
        return found
