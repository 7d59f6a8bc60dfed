"""The book in memory, step by step beside a naive model of the rules that knows nothing of it.

L1, L3, L4, L5 and T1, T2 hold after every step: accrue, redeem, adjust, buy, return, expire, review, and time passing.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule
from msgspec import structs

from regulars.loyalty import api
from regulars.loyalty.contracts import Accrue
from regulars.loyalty.errors import HoldOver, InsufficientPoints, UnknownHold
from regulars.loyalty.ledger.book import Book
from regulars.loyalty.ledger.entries import ACCOUNTS_PER_WALLET
from regulars.loyalty.policy.service import Wallet
from tests.loyalty.programme import (
    DAY,
    HARD,
    NOON,
    START,
    TIME_ZONE,
    accrue,
    adjust,
    back,
    hold,
    order,
    post_hold,
    redeem,
    void_hold,
)

MEMBER = UUID(int=7)
LOCAL = ZoneInfo(TIME_ZONE)
FLOORS = (0, 1_000, 2_500, 5_000)
MULTIPLIERS = (1, 1, 2, 3)
WINDOW = timedelta(days=90)
GIVE_BACK_TERM = timedelta(days=30)


@dataclass
class ModelLot:
    left: int
    earned: datetime
    available: datetime
    expires: datetime
    held: int = 0

    @property
    def free(self) -> int:
        return self.left - self.held


@dataclass
class ModelHold:
    parts: list[tuple[ModelLot, int]]
    deadline: datetime


@dataclass
class ModelOrder:
    total: int
    paid: int
    base: int
    multiplier: int
    at: datetime
    own: ModelLot | None
    takes: list[tuple[ModelLot, int]]
    returned: int = 0
    paid_now: int = 0
    base_now: int = 0


@dataclass
class Model:
    """The rules of the hard programme in the shortest words."""

    lots: list[ModelLot] = field(default_factory=list)
    growth: list[tuple[datetime, int]] = field(default_factory=list)
    debt: int = 0
    tier: int = 0
    reviewed: datetime = NOON
    holds: dict[str, ModelHold] = field(default_factory=dict)

    def spendable(self, at: datetime) -> list[ModelLot]:
        alive = [lot for lot in self.lots if lot.free and lot.available <= at < lot.expires]
        return sorted(alive, key=lambda lot: (lot.expires, lot.earned))

    def metric(self, at: datetime) -> int:
        return sum(change for when, change in self.growth if at - WINDOW < when <= at)

    @staticmethod
    def deserved(metric: int) -> int:
        return max(rank for rank, floor in enumerate(FLOORS) if metric >= floor)

    def take(self, lots: list[ModelLot], amount: int) -> list[tuple[ModelLot, int]]:
        takes = []
        for lot in lots:
            part = min(lot.free, amount)
            lot.left -= part
            amount -= part
            takes.append((lot, part))
        self.debt += amount
        return takes

    def add(self, amount: int, earned: datetime, available: datetime, expires: datetime) -> ModelLot | None:
        repaid = min(self.debt, amount)
        self.debt -= repaid
        if amount == repaid:
            return None
        lot = ModelLot(amount - repaid, earned, available, expires)
        self.lots.append(lot)
        return lot

    def let_go(self, name: str, at: datetime, used: int = 0) -> None:
        """End a hold: what it used is gone, what is left of dead lots goes with it."""
        for lot, part in self.holds.pop(name).parts:
            gone = min(part, used)
            used -= gone
            lot.held -= part
            lot.left -= part if lot.expires <= at else gone

    def time_out(self, at: datetime) -> None:
        for name in [name for name, held in self.holds.items() if held.deadline <= at]:
            self.let_go(name, self.holds[name].deadline)

    def review_until(self, at: datetime) -> None:
        """Set the tier at every first of a month, from February to December."""
        while True:
            local = self.reviewed.astimezone(LOCAL)
            year, month = (local.year, local.month + 1) if local.month < 12 else (local.year + 1, 2)
            due = datetime(year, month, 1, tzinfo=LOCAL).astimezone(UTC)
            if due > at:
                return
            self.reviewed = due
            self.tier = self.deserved(self.metric(due))

    def buy(self, total: int, at: datetime, happened: datetime, *, pay: bool) -> ModelOrder:
        takes, paid = [], 0
        funds = sum(lot.free for lot in self.spendable(at))
        if pay and self.debt == 0 and funds >= 200:
            paid = min(funds, total * 5 // 100)
            takes = self.take(self.spendable(at), paid)
        base = (total - paid) // 100
        bought = ModelOrder(total, paid, base, MULTIPLIERS[self.tier], happened, None, takes, 0, paid, base)
        if base:
            local = happened.astimezone(LOCAL)
            later = local.month - 1 + 3
            ends = datetime(local.year + later // 12, later % 12 + 1, 1, tzinfo=LOCAL).astimezone(UTC)
            bought.own = self.add(base * bought.multiplier, happened, happened + 2 * DAY, ends)
            self.growth.append((happened, base))
            self.tier = max(self.tier, self.deserved(self.metric(at)))
        return bought

    def take_back(self, bought: ModelOrder, returned: int, at: datetime) -> None:
        kept = bought.total - returned
        paid = bought.paid * kept // bought.total
        base = (kept - paid) // 100
        homeless, gone = 0, bought.paid_now - paid
        for position in reversed(range(len(bought.takes))):
            lot, taken = bought.takes[position]
            part = min(gone, taken)
            bought.takes[position] = (lot, taken - part)
            gone -= part
            if at < lot.expires:
                lot.left += part
            else:
                homeless += part
        if homeless:
            self.lots.append(ModelLot(homeless, at, at, at + GIVE_BACK_TERM))
        own = [bought.own] if bought.own is not None and at < bought.own.expires else []
        others = [lot for lot in self.spendable(at) if lot is not bought.own]
        self.take(own + others, (bought.base_now - base) * bought.multiplier)
        before = self.deserved(self.metric(at))
        self.growth.append((bought.at, base - bought.base_now))
        after = self.deserved(self.metric(at))
        if after < before:
            self.tier = min(self.tier, after)
        bought.returned, bought.paid_now, bought.base_now = returned, paid, base


class LedgerMachine(RuleBasedStateMachine):
    """Applies each command to the book and to the model."""

    orders: Any = Bundle("orders")
    holds: Any = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        configuration = api.Configuration(
            policies=[structs.replace(HARD, version=1, active_from=START)],
            wallets={"points": Wallet(1, "points", False, True), "growth": Wallet(2, "growth", True, False)},
            wallet_codes={1: "points", 2: "growth"},
        )
        self.books = api.Books(configuration, NOON)
        self.book = Book(MEMBER, TIME_ZONE, configuration, self.books.journal)
        self.book.window_days = 90
        self.books._books[MEMBER] = self.book
        self.model = Model()
        self.at = NOON
        self.number = 0

    def _name(self) -> str:
        self.number += 1
        return f"n{self.number}"

    def _begin(self) -> None:
        self.model.review_until(self.at)
        self.model.time_out(self.at)
        self.book.begin(self.at)

    @rule(hours=st.sampled_from([1, 24, 47, 48, 72, 240, 720, 1_500]))
    def time_passes(self, hours: int) -> None:
        self.at += timedelta(hours=hours)
        self._begin()

    @rule(amount=st.integers(1, 900), wait=st.integers(0, 5), term=st.integers(6, 90))
    def accrue(self, amount: int, wait: int, term: int) -> None:
        begins, ends = self.at + wait * DAY, self.at + term * DAY
        self.books.post(accrue(MEMBER, self._name(), self.at, amount, available_at=begins, expires_at=ends))
        self.model.add(amount, self.at, begins, ends)

    @rule(amount=st.integers(1, 1_500), late=st.sampled_from([0, 0, 30, 89, 90, 91]))
    def grow(self, amount: int, late: int) -> None:
        happened = self.at - late * DAY
        self.books.post(
            Accrue(
                member_id=MEMBER,
                wallet="growth",
                amount=amount,
                reference=self._name(),
                effective_at=happened,
                recorded_at=self.at,
            )
        )
        self.model.growth.append((happened, amount))
        self.model.tier = max(self.model.tier, self.model.deserved(self.model.metric(self.at)))

    @rule(amount=st.integers(1, 600), corrects=st.booleans())
    def redeem(self, amount: int, corrects: bool) -> None:  # noqa: FBT001 - hypothesis passes by name
        name = self._name()
        command = adjust(MEMBER, name, self.at, -amount) if corrects else redeem(MEMBER, name, self.at, amount)
        rows = len(self.books.journal.transfers)
        if sum(lot.free for lot in self.model.spendable(self.at)) < amount:
            try:
                self.books.post(command)
            except InsufficientPoints:
                assert len(self.books.journal.transfers) == rows
                return
            raise AssertionError("spent what is not there")
        self.books.post(command)
        self.model.take(self.model.spendable(self.at), amount)

    @rule(target=orders, total=st.integers(0, 300_000), pay=st.booleans(), late=st.sampled_from([0, 0, 0, 1, 40, 95]))
    def buy(self, total: int, pay: bool, late: int) -> tuple[str, ModelOrder]:  # noqa: FBT001 - as above
        name, happened = self._name(), self.at - late * DAY
        most = 10**9 if pay else None
        settled = self.books.settle_order(
            order(MEMBER, name, happened, total, points_at_most=most, recorded_at=self.at)
        )
        bought = self.model.buy(total, self.at, happened, pay=pay)
        assert (settled.points_used, settled.base, settled.multiplier) == (bought.paid, bought.base, bought.multiplier)
        return name, bought

    @precondition(lambda self: self.number)
    @rule(target=orders, bought=consumes(orders), share=st.integers(1, 10))
    def take_back(self, bought: tuple[str, ModelOrder], share: int) -> tuple[str, ModelOrder]:
        name, model = bought
        returned = min(model.total, model.returned + max(1, model.total * share // 10))
        if model.total:
            self.books.settle_return(back(MEMBER, name, self.at, returned, self._name()))
            self.model.take_back(model, returned, self.at)
        return name, model

    @rule()
    def expire(self) -> None:
        self.books.expire(MEMBER, self.at)
        for lot in self.model.lots:
            if lot.expires <= self.at:
                lot.left = lot.held

    @rule(target=holds, amount=st.integers(1, 500), hours=st.sampled_from([1, 24, 200, 1_000]))
    def hold(self, amount: int, hours: int) -> str:
        name, deadline = self._name(), self.at + timedelta(hours=hours)
        command = hold(MEMBER, name, self.at, amount, deadline)
        if sum(lot.free for lot in self.model.spendable(self.at)) < amount:
            try:
                self.books.hold(command)
            except InsufficientPoints:
                return name
            raise AssertionError("held what is not there")
        self.books.hold(command)
        parts = []
        for lot in self.model.spendable(self.at):
            part = min(lot.free, amount)
            amount -= part
            lot.held += part
            parts.append((lot, part))
        self.model.holds[name] = ModelHold(parts, deadline)
        return name

    @rule(name=holds, share=st.integers(0, 10))
    def end_hold(self, name: str, share: int) -> None:
        """Post a part of a hold, or void it; of one that is over, neither."""
        known = self.model.holds.get(name)
        most = sum(part for _, part in known.parts) if known else 1
        used = max(1, most * share // 10)
        command = post_hold(MEMBER, name, self.at, used) if share else void_hold(MEMBER, name, self.at)
        if known is None:
            try:
                self.books.hold(command)
            except (HoldOver, UnknownHold):
                return
            raise AssertionError("ended what is over")
        self.books.hold(command)
        self.model.let_go(name, self.at, used if share else 0)

    @invariant()
    def the_book_is_the_models(self) -> None:
        assert [lot.remaining for lot in self.book.lots.values()] == [lot.left for lot in self.model.lots]
        assert [lot.held for lot in self.book.lots.values()] == [lot.held for lot in self.model.lots]
        assert self.book.wallet(1).debt == self.model.debt
        assert self.book.growth_at(self.at) == self.model.metric(self.at)
        assert self.book.tier == self.model.tier

    @invariant()
    def the_books_balance(self) -> None:
        journal = self.books.journal
        members, programme = {1: 0, 2: 0}, {1: 0, 2: 0}
        for row in journal.transfers:
            wallet, debit, credit, amount = row[2], row[4], row[5], row[6]
            assert amount > 0
            assert (debit % ACCOUNTS_PER_WALLET == 0) is not (credit % ACCOUNTS_PER_WALLET == 0)
            assert debit // ACCOUNTS_PER_WALLET == credit // ACCOUNTS_PER_WALLET == wallet
            sign = 1 if credit % ACCOUNTS_PER_WALLET == 0 else -1
            members[wallet] += sign * amount
            programme[wallet] -= sign * amount
            assert row[7] == members[wallet]
        assert members == {1: self.book.wallet(1).balance, 2: self.book.wallet(2).balance}
        assert [members[wallet] + programme[wallet] for wallet in (1, 2)] == [0, 0]
        assert sum(lot.remaining for lot in self.book.lots.values()) - self.book.wallet(1).debt == members[1]
        for lot in self.book.lots.values():
            used = sum(use[4] for use in journal.lot_uses if use[3] == lot.lot_no)
            assert lot.remaining == lot.amount - used

    @invariant()
    def numbers_and_times_only_rise(self) -> None:
        rows = [(row[1], row[13]) for row in self.books.journal.transfers]
        rows += [(row[1], row[9]) for row in self.books.journal.tier_changes]
        rows += [(hold.seq, hold.placed_at) for _, hold, _ in self.books.journal.holds]
        rows += [(end.seq, end.recorded_at) for end in self.books.journal.hold_ends]
        rows.sort()
        assert [seq for seq, _ in rows] == list(range(1, self.book.next_seq))
        assert [at for _, at in rows] == sorted(at for _, at in rows)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
