"""Moves of units between the books of two members: linked transfers through the clearing account of each wallet.

Each move is two rows with a common reference, `…:out` in the books that give and `…:in` in those that get: same wallet,
amount and instants, so that over all members every clearing account is at zero at any instant. Nothing is summed up:
lots keep their dates and the order that brought them, entries of the metric their own time. What an earlier row says is
never touched.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Final
from uuid import UUID

from regulars.domain_events.loyalty import PointsMoved
from regulars.loyalty.contracts import TierCause
from regulars.loyalty.ledger.basis import basis
from regulars.loyalty.ledger.book import Book
from regulars.loyalty.ledger.entries import MOVED, Entry, Journal, Lot, Take
from regulars.loyalty.policy.service import Configuration, Wallet
from regulars.loyalty.tiers.rules import tier_of
from regulars.platform.ids import public_id

MOVE_IN: Final = "move_in"
MOVE_OUT: Final = "move_out"
MOVES: Final = frozenset({MOVE_IN, MOVE_OUT})
TRANSFER: Final = "transfer:"  # whoever gets points from another is not told for which order they were earned
_OUT, _IN = ":out", ":in"
_UNDOING: Final = re.compile("merge:[0-9a-f]{32}:undo")
_MEMBER, _WALLET, _KIND, _AMOUNT, _RECORDED = 0, 2, 3, 6, 13  # of a row of `Journal.transfers`


def together(books: Sequence[Book], at: datetime) -> datetime:
    """Return one instant at which something is recorded in several books: never before what is in any of them."""
    now = at
    for _ in range(2):
        for book in books:
            now = max(now, book.begin(now))
    return now


@dataclass(slots=True)
class Moving:
    """Moves from the books of one member to those of another, for one cause, at one instant.

    `cause` is what the references begin with; `why` tells whoever reads a row (merge, undo, return, gift). `orders` are
    those of lots that go back to whom they are known: what was given has none where it is.
    """

    source: Book
    target: Book
    configuration: Configuration
    now: datetime
    cause: str
    why: str
    orders: Mapping[int, str] = field(default_factory=dict)

    def lot(self, take: Take, label: str = "lot") -> Lot:
        """Move units of a lot: they are a lot there with the same dates, from the same order."""
        lot, amount = take
        wallet = self.configuration.wallet_of(lot.wallet_id)
        seq = self._pair(wallet, amount, f"{label}:{lot.lot_no}", takes=[take], origin=lot.lot_no)
        return self._open(seq, lot, amount)

    def promised(self, lot: Lot, amount: int, sources: Iterable[Take], owed: int) -> Lot:
        """Give units of a lot that was spent: as many of other lots, and the rest becomes the giver's debt."""
        wallet = self.configuration.wallet_of(lot.wallet_id)
        takes = list(sources)
        seq = self._pair(wallet, amount, f"cover:{lot.lot_no}", takes=takes, out_debt=owed, origin=lot.lot_no)
        return self._open(seq, lot, amount)

    def debt(self, wallet: Wallet, amount: int) -> None:
        """Let the target owe what the source owes: the source's debt is repaid by it."""
        self._pair(wallet, amount, f"debt:{wallet.wallet_id}", out_debt=amount, in_debt=-amount, backwards=True)

    def owe(self, wallet: Wallet, amount: int, repaid: int) -> int:
        """Let the source owe units that the target gets: `repaid` of them repay its debt; returns the `seq` there."""
        return self._pair(wallet, amount, f"owed:{wallet.wallet_id}", out_debt=amount, in_debt=-repaid)

    def entries(self, found: Sequence[Entry]) -> None:
        """Carry entries of wallets that are not spent, each at its own time, and weigh the target's tier by them."""
        ranks = [self._rank(book) for book in (self.source, self.target)]
        self.carry(found)
        if any(self.configuration.wallet_of(entry.wallet_id).qualifying for entry in found):
            for book, rank in zip((self.source, self.target), ranks, strict=True):
                cause, reference = cause_of(self.cause)
                book.weigh(rank, cause, reference, self.now)

    def carry(self, found: Sequence[Entry]) -> None:
        """Carry entries of wallets that are not spent, each at its own time; whoever undoes a merge settles tiers."""
        # Who gives takes back first what counts against them, who gets begins with what counts: so no balance is below
        # zero between two rows.
        for entry in sorted(found, key=lambda entry: entry.change > 0):
            self._carry_one(entry, _OUT)
        for entry in sorted(found, key=lambda entry: entry.change < 0):
            self._carry_one(entry, _IN)

    def _rank(self, book: Book) -> int:
        return tier_of(self.configuration.policy_at(self.now).tier, book.growth_at(self.now))

    def _carry_one(self, entry: Entry, side: str) -> None:
        self._post(
            side,
            self.configuration.wallet_of(entry.wallet_id),
            abs(entry.change),
            f"entry:{entry.seq}",
            effective_at=entry.effective_at,
            backwards=entry.change < 0,
            origin=entry.seq,
        )

    def _open(self, seq: int, lot: Lot, amount: int) -> Lot:
        return self.target.open_lot(
            seq,
            lot.wallet_id,
            amount,
            earned_at=lot.earned_at,
            available_at=lot.available_at,
            expires_at=lot.expires_at,
            order_id=self.orders.get(lot.lot_no) if self.cause.startswith(TRANSFER) else lot.order_id,
        )

    def _pair(
        self,
        wallet: Wallet,
        amount: int,
        link: str,
        *,
        takes: Sequence[Take] = (),
        out_debt: int = 0,
        in_debt: int = 0,
        backwards: bool = False,
        origin: int | None = None,
    ) -> int:
        """Post both rows; returns the `seq` of the target's.

        `out_debt` is the change of debt of who gives units, `in_debt` of who gets them.
        """
        debts = (in_debt, out_debt) if backwards else (out_debt, in_debt)
        seq = self._post(_OUT, wallet, amount, link, backwards=backwards, debt_change=debts[0])
        self.source.take(seq, takes)
        return self._post(_IN, wallet, amount, link, backwards=backwards, debt_change=debts[1], origin=origin)

    def _post(
        self,
        side: str,
        wallet: Wallet,
        amount: int,
        link: str,
        *,
        backwards: bool,
        effective_at: datetime | None = None,
        debt_change: int = 0,
        origin: int | None = None,
    ) -> int:
        """Post the row of one side; `backwards`: the units go from the target to the source."""
        into = (side == _IN) is not backwards
        book, other = (self.source, self.target) if side == _OUT else (self.target, self.source)
        return book.post(
            wallet,
            MOVE_IN if into else MOVE_OUT,
            amount,
            into=into,
            counter=MOVED,
            reference=f"{self.cause}:{link}{side}",
            now=self.now,
            effective_at=effective_at or self.now,
            policy=self.configuration.policy_at(self.now),
            basis=basis(why=self.why, member=public_id("mbr", other.member_id), origin=origin if side == _IN else None),
            debt_change=debt_change,
        )


def sweep(moving: Moving) -> None:
    """Move everything that is spendable, now or later, and what is owed; the source's wallets are empty then."""
    for lot in sorted(moving.source.lots.values(), key=Lot.spending_order):
        if lot.remaining:
            moving.lot(Take(lot, lot.remaining))
    for wallet_id, state in sorted(moving.source.wallets.items()):
        if state.debt:
            moving.debt(moving.configuration.wallet_of(wallet_id), state.debt)


def without_pairs(entries: Iterable[Entry]) -> list[Entry]:
    """Leave out entries that cancel each other at the same time: they count in no window, whatever its length."""
    left: dict[tuple[int, datetime, int], list[Entry]] = {}
    for entry in entries:
        opposite = left.get((entry.wallet_id, entry.effective_at, -entry.change))
        if opposite:
            opposite.pop()
        else:
            left.setdefault((entry.wallet_id, entry.effective_at, entry.change), []).append(entry)
    return sorted([entry for found in left.values() for entry in found], key=lambda entry: entry.seq)


def cause_of(cause: str) -> tuple[TierCause, str]:
    """Return (cause, reference) of a change of tier that moves brought: a return's where a return brought them."""
    _, returned, order = cause.partition(":order:")
    return ("return", f"order:{order}") if returned else ("merge", cause)


def cause_in(reference: str) -> str:
    """Return the cause that the reference of an entry's move begins with."""
    return reference.rpartition(":entry:")[0]


def merge_in(merge_id: UUID) -> str:
    """Return what every reference of a merge begins with; what follows it begins with a colon."""
    return f"merge:{merge_id.hex}"


def undoing(merge_id: UUID) -> str:
    """Return what the references of everything begin with that undoing a merge moves."""
    return f"{merge_in(merge_id)}:undo"


def transfer_in(transfer_id: UUID) -> str:
    """Return what every reference of a transfer between members begins with."""
    return f"transfer:{transfer_id.hex}"


def is_undoing(cause: str) -> bool:
    """Return whether moves of this cause undo a merge."""
    return _UNDOING.fullmatch(cause) is not None


def facts(journal: Journal, wallet_codes: Mapping[int, str]) -> Iterator[PointsMoved]:
    """Give what is told of moves: one fact a member, wallet and instant."""
    key = itemgetter(_MEMBER, _WALLET, _RECORDED)
    rows = sorted([row for row in journal.transfers if row[_KIND] in MOVES], key=key)
    for (member_id, wallet_id, recorded_at), of in groupby(rows, key=key):
        amount = sum([row[_AMOUNT] if row[_KIND] == MOVE_IN else -row[_AMOUNT] for row in of])
        yield PointsMoved(member_id=member_id, recorded_at=recorded_at, wallet=wallet_codes[wallet_id], amount=amount)
