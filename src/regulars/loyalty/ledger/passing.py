"""Returns of orders of somebody whose books are part of another's by now.

The order stays where it was settled. What the return takes is brought there first, hop by hop along the merges, then it
is settled as ever, and what is left (points given back, a debt) goes the same way on: the books end as empty as before.
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
from regulars.loyalty.ledger.settlement import settle_return as settle
from regulars.loyalty.ledger.settlement import what_remains
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
    passing.bring(settlement, configuration.policy_of_version(settlement.policy_version), command, policy)
    result = settle(book, configuration, command, now)
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

    def bring(self, settlement: Settlement, terms: Policy, command: SettleReturn, policy: Policy) -> None:
        """Bring to the order's book what the return will take: points of its own first, and its growth."""
        lost = settlement.base_now - what_remains(settlement, terms, command).base
        if not lost:
            return
        hops = [self._moving(upper, lower, lower) for upper, lower in pairwise(reversed(self._path))]
        takes, _ = pick(self._sources(settlement, terms, policy), lost * settlement.multiplier)
        for take in takes:
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
        top, now = self._path[-1], self._now
        wallet_id = self._configuration.wallet(policy.spending_wallet).wallet_id
        own = [
            lot
            for lot in top.lots.values()
            if lot.order_id == settlement.order_id and lot.wallet_id == wallet_id and now < lot.expires_at
        ]
        own.sort(key=Lot.spending_order)
        if terms.returns.shortfall == "only_pending":
            return [lot for lot in own if lot.available_at > now]
        return own + [lot for lot in top.spendable_lots(wallet_id, now) if lot not in own]
