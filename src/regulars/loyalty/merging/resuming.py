"""The tier that somebody holds when a merge is undone: the one their own history gives without it.

Everything that counts is gone through again from the beginning, and every merge that was undone so far is left out,
with all that it moved: so the tier, its date and its review are what they would be had it never been. Pure.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from regulars.loyalty.ledger.book import Book, TierStanding
from regulars.loyalty.ledger.entries import Journal
from regulars.loyalty.ledger.moves import MOVES, cause_in, merge_in
from regulars.loyalty.policy.contracts import Policy, Turn
from regulars.loyalty.policy.service import Configuration, Wallet
from regulars.loyalty.tiers.rules import tier_of


class Counted(NamedTuple):
    """A transfer of the qualifying metric; `change` is signed."""

    seq: int
    change: int
    kind: str
    reference: str
    effective_at: datetime
    recorded_at: datetime


class _AsRecorded:
    """The policies, and every month open: what is gone through again was recorded in its time."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self.turns: list[Turn] = configuration.turns

    def policy_at(self, at: datetime) -> Policy:
        return self._configuration.policy_at(at)

    def open_from(self, _time_zone: str) -> datetime | None:
        return None

    def wallet_of(self, wallet_id: int) -> Wallet:
        return self._configuration.wallet_of(wallet_id)


def standing_without(
    book: Book, configuration: Configuration, history: Sequence[Counted], merges: Iterable[UUID], now: datetime
) -> TierStanding:
    """Return the tier as it would be held at `now` had these merges never been; `history` is in the books' order."""
    again = Book(book.member_id, book.time_zone, _AsRecorded(configuration), Journal())
    again.window_days = configuration.policy_at(now).tier.window_days
    again.entries = [] if configuration.window_changes else None
    left_out = tuple([f"{merge_in(merge_id)}:" for merge_id in merges])
    counted = [one for one in history if not one.reference.startswith(left_out)]
    for _, found in groupby(counted, key=_step_of):
        _count(again, configuration, list(found))
    again.begin(now)
    return again.standing()


def _count(again: Book, configuration: Configuration, found: Sequence[Counted]) -> None:
    """Count one entry, or all that were moved together: then the tier is weighed once."""
    first = found[0]
    at = again.begin(first.recorded_at)
    policy = configuration.policy_at(at)
    before = tier_of(policy.tier, again.growth_at(at))
    for one in found:
        again.grow(at, one.effective_at, one.change)
    if first.kind in MOVES:
        again.weigh(before, "merge", first.reference, at)
    elif first.change > 0:
        again.rise(policy, "merge", first.reference, at)
    else:
        again.fall(before, "merge", first.reference, at)


def _step_of(one: Counted) -> tuple[str, datetime] | int:
    """Return what entries that were moved together have in common, and of any other its number."""
    return (cause_in(one.reference), one.recorded_at) if one.kind in MOVES else one.seq
