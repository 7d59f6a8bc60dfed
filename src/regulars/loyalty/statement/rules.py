"""Pure arithmetic of reading: what lots amount to at an instant."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from regulars.loyalty.contracts import LotState, PendingUnits, WalletBalance


class OpenLot(NamedTuple):
    """What is left of a lot, and when it can be spent; with a deadline, what a hold keeps of that until then."""

    remaining: int
    available_at: datetime
    expires_at: datetime
    held_until: datetime | None = None


def state_of(lot: OpenLot, at: datetime, held: int = 0) -> LotState:
    """Tell what a lot is at an instant: spendable if `available_at <= at < expires_at` and not all of it is held."""
    if not lot.remaining:
        return "used"
    if lot.remaining == held:
        return "held"
    if lot.expires_at <= at:
        return "expired"
    return "pending" if lot.available_at > at else "available"


def balance_at(wallet: str, balance: int, debt: int, lots: Iterable[OpenLot], at: datetime) -> WalletBalance:
    """Return a wallet at an instant, given its stored balance and what is left in its lots."""
    left = {"available": 0, "pending": 0, "expired": 0, "used": 0}
    held = 0
    pending: dict[datetime, int] = {}
    expiring: dict[datetime, int] = {}
    for lot in lots:
        state = state_of(lot, at)
        if lot.held_until is not None:
            if lot.held_until > at:
                held += lot.remaining
                left[state] -= lot.remaining
                if state == "available":
                    expiring[lot.expires_at] = expiring.get(lot.expires_at, 0) - lot.remaining
            continue
        left[state] += lot.remaining
        if state == "pending":
            pending[lot.available_at] = pending.get(lot.available_at, 0) + lot.remaining
        elif state == "available":
            expiring[lot.expires_at] = expiring.get(lot.expires_at, 0) + lot.remaining
    soonest = min([when for when, units in expiring.items() if units], default=None)
    return WalletBalance(
        wallet=wallet,
        balance=balance,
        available=left["available"],
        pending=left["pending"],
        debt=debt,
        expired=left["expired"],
        pending_parts=tuple([PendingUnits(amount=pending[when], at=when) for when in sorted(pending)]),
        next_expiry=None if soonest is None else PendingUnits(amount=expiring[soonest], at=soonest),
        held=held,
    )
