"""What undoing a merge returns of a wallet that is spent: which units, out of which lots, and who owes what then.

The absorbed member gets back what the merge brought and has not run out, but for what the survivor gave on its account
since (claw-backs of its returns, its debt). What is still in the lots that it brought goes back as it is; what was
spent comes out of the survivor's other units, the soonest to expire first, and where there are none the survivor owes
it. What was extended meanwhile goes back with its later end. Pure: it posts on books in memory.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from regulars.loyalty.errors import UndoWaitsForHolds
from regulars.loyalty.ledger.entries import Lot, Take
from regulars.loyalty.ledger.moves import Moving
from regulars.loyalty.merging.store import MovedRow
from regulars.loyalty.policy.rules import month_start_after
from regulars.loyalty.policy.service import Wallet
from regulars.members.contracts.merging import WalletReturned

_Likeness = tuple[str | None, datetime, datetime, datetime]


@dataclass(slots=True)
class _Due:
    """What of a lot that the merge brought is to go back: what is still there, and what was spent."""

    lot: Lot
    there: int
    spent: int


class _Cover:
    """The survivor's other units, from which those that were spent are given; each lot is come to once."""

    def __init__(self, moving: Moving, wallet: Wallet) -> None:
        book, now = moving.source, moving.now
        found = [lot for lot in book.lots.values() if lot.wallet_id == wallet.wallet_id and lot.free]
        found.sort(key=Lot.spending_order)
        self._moving = moving
        self._free = {lot.lot_no: lot.free for lot in found}
        self._spendable = deque([lot for lot in found if lot.available_at <= now < lot.expires_at])
        self._alike: dict[_Likeness, deque[Lot]] = {}
        for lot in found:
            self._alike.setdefault(_likeness(lot), deque()).append(lot)

    def give(self, lot: Lot, spent: int) -> int:
        """Give as many units as were spent of a lot; returns what the survivor owes for want of them.

        The same units, back from another merge that was undone, go before others.
        """
        alike, lacking = self._draw(self._alike.get(_likeness(lot), deque()), spent)
        others, lacking = self._draw(self._spendable, lacking)
        self._moving.promised(lot, spent, [*alike, *others], lacking)
        return lacking

    def _draw(self, lots: deque[Lot], amount: int) -> tuple[list[Take], int]:
        """Take from lots in their order, leaving out those with nothing left for good; returns what is lacking."""
        takes = []
        while amount and lots:
            lot = lots[0]
            part = min(self._free[lot.lot_no], amount)
            if part:
                takes.append(Take(lot, part))
                self._free[lot.lot_no] -= part
                amount -= part
            if not self._free[lot.lot_no]:
                lots.popleft()
        return takes, amount


def _likeness(lot: Lot) -> _Likeness:
    return lot.order_id, lot.earned_at, lot.available_at, lot.expires_at


class Returning:
    """Returns what a merge moved; `lots` are the survivor's that it brought, as they stand."""

    def __init__(self, moving: Moving, lots: Mapping[int, Lot]) -> None:
        self._moving = moving
        self._lots = lots
        self._before = {number: state.balance for number, state in moving.source.wallets.items()}

    def wallet(self, wallet: Wallet, rows: Sequence[MovedRow]) -> WalletReturned:
        """Return one wallet's units; `rows` are what the merge moved of it in the survivor's books."""
        moving = self._moving
        lent = sum([-row.change for row in rows if row.change < 0]) - sum([row.lot_taken for row in rows])
        debt = min(moving.source.wallet(wallet.wallet_id).debt, sum([max(row.debt_change, 0) for row in rows]), lent)
        due = self._due([row for row in rows if row.has_lot])
        expired = self._expired([row for row in rows if row.has_lot])
        left, kept = lent - debt, 0
        for part in due:
            spared = min(left, part.spent)
            part.spent -= spared
            left -= spared
        for part in due:
            held_back = min(left, part.there)
            part.there -= held_back
            left -= held_back
            kept += held_back
        if debt:
            _debt_back(moving, wallet, debt)
        for part in due:
            if part.there:
                moving.lot(Take(self._lots[part.lot.lot_no], part.there))
        cover = _Cover(moving, wallet)
        shortfall = sum([cover.give(part.lot, part.spent) for part in due if part.spent])
        self._wait_for_holds(wallet, due, shortfall)
        if left:
            self._owe(wallet, left)
        spent = sum([part.spent for part in due])
        return self._told(
            wallet,
            returned=sum([part.there for part in due]),
            covered=spent - shortfall,
            shortfall=shortfall,
            expired=expired,
            kept=lent - debt,
            debt=debt + left,
        )

    def told(self, wallet: Wallet, returned: int) -> WalletReturned:
        """Tell of a wallet that is not spent, whose entries went back."""
        return self._told(wallet, returned=returned)

    def _told(self, wallet: Wallet, **units: int) -> WalletReturned:
        nothing = {"covered": 0, "shortfall": 0, "expired": 0, "kept": 0, "debt": 0}
        return WalletReturned(
            wallet=wallet.code,
            **{**nothing, **units},
            survivor_before=self._before.get(wallet.wallet_id, 0),
            survivor_after=self._moving.source.wallet(wallet.wallet_id).balance,
            absorbed_after=self._moving.target.wallet(wallet.wallet_id).balance,
        )

    def _due(self, rows: Sequence[MovedRow]) -> list[_Due]:
        found = []
        for row in rows:
            lot = self._lots[row.seq]
            entitled = row.lot_amount - row.lot_taken - row.lot_extended
            if lot.expires_at > self._moving.now and entitled:
                there = min(lot.free, entitled)
                found.append(_Due(lot, there, entitled - there))
        found.sort(key=lambda part: part.lot.spending_order())
        return found

    def _wait_for_holds(self, wallet: Wallet, due: Sequence[_Due], shortfall: int) -> None:
        """Refuse while a hold keeps what is due, or what would cover what was spent: it would be owed, and there."""
        holds = [hold for hold in self._moving.source.holds.values() if hold.wallet_id == wallet.wallet_id]
        if holds and (shortfall or any(part.lot.held and part.spent for part in due)):
            raise UndoWaitsForHolds(open=len(holds))

    def _expired(self, rows: Sequence[MovedRow]) -> int:
        over = [row for row in rows if self._lots[row.seq].expires_at <= self._moving.now]
        return sum([row.lot_amount - row.lot_taken - row.lot_extended for row in over])

    def _owe(self, wallet: Wallet, amount: int) -> None:
        """Let the absorbed member owe what the survivor gave on its account: there is nothing left to keep it of."""
        forward = self._moving
        back = Moving(forward.target, forward.source, forward.configuration, forward.now, forward.cause, forward.why)
        repaid = min(forward.source.wallet(wallet.wallet_id).debt, amount)
        seq = back.owe(wallet, amount, repaid)
        if amount > repaid:
            months = forward.configuration.policy_at(forward.now).earning.expiry_months
            forward.source.open_lot(
                seq,
                wallet.wallet_id,
                amount - repaid,
                earned_at=forward.now,
                available_at=forward.now,
                expires_at=month_start_after(forward.now, months, forward.source.time_zone),
                order_id=None,
            )


def _debt_back(moving: Moving, wallet: Wallet, amount: int) -> None:
    """Let the absorbed member owe again what the merge made the survivor owe, as far as that is not repaid."""
    moving.debt(wallet, amount)
