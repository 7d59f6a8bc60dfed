"""What books are made of: lots, holds, settlements, and the journal of rows to write."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

ACCOUNTS_PER_WALLET = 100
Ended = Literal["posted", "voided", "timed_out"]
Named = Literal["posting", "hold", "order"]
ISSUED, REDEEMED, EXPIRED, ADJUSTED, FORGIVEN, MOVED, EXTENDED = 1, 2, 3, 4, 5, 6, 7


@dataclass(slots=True)
class Lot:
    """Units that expire together."""

    lot_no: int
    wallet_id: int
    amount: int
    remaining: int
    earned_at: datetime
    available_at: datetime
    expires_at: datetime
    order_id: str | None
    held: int = 0

    @property
    def free(self) -> int:
        """What no hold keeps of what is left."""
        return self.remaining - self.held

    def spending_order(self) -> tuple[datetime, datetime, int]:
        """Soonest expiry first, then oldest."""
        return self.expires_at, self.earned_at, self.lot_no


@dataclass(slots=True)
class LotUse:
    """What one redemption took from one lot, and how much of it has been given back."""

    lot_no: int
    amount: int
    given_back: int = 0


class Entry(NamedTuple):
    """A signed change of a wallet that is not spent, as it stands in the books."""

    wallet_id: int
    seq: int
    change: int
    effective_at: datetime


@dataclass(slots=True)
class Hold:
    """An open hold: which units of which lots it keeps, in the order in which they are spent."""

    hold_id: UUID
    seq: int
    wallet_id: int
    amount: int
    purpose: str
    reference: str
    placed_at: datetime
    deadline: datetime
    parts: list[tuple[int, int]] = field(default_factory=list)


class HoldEnd(NamedTuple):
    """How a hold ended: `transfer_seq` used `posted` units of it, `expire_seq` took `expired` ones that had run out."""

    member_id: UUID
    hold: Hold
    seq: int
    how: Ended
    posted: int
    transfer_seq: int | None
    expired: int
    expire_seq: int | None
    reason: str
    effective_at: datetime
    recorded_at: datetime


class Forward(NamedTuple):
    """What was addressed to a member and stands in the books of another: a reference, the id of a hold, an order."""

    member_id: UUID
    kind: Named
    name: str
    to_member_id: UUID
    recorded_at: datetime


@dataclass(slots=True)
class Settlement:
    """How an order stands in the books: as settled, and what is left of it."""

    order_id: str
    total_minor: int
    points_used: int
    base: int
    multiplier: int
    tier: int
    policy_version: int
    redeem_seq: int | None
    earn_seq: int | None
    effective_at: datetime
    recorded_at: datetime
    returned_minor: int
    points_used_now: int
    base_now: int


@dataclass(slots=True)
class WalletState:
    """A stored balance: the sum of the wallet's transfers. `debt` is what returns could not claw back."""

    balance: int = 0
    debt: int = 0


class Take(NamedTuple):
    """Units taken from a lot."""

    lot: Lot
    amount: int


@dataclass(slots=True)
class Journal:
    """Rows to write, in the order of their tables' columns.

    `command_hashes` says of direct postings, by member and `seq`, what was asked, so that a reused reference is told
    from a repeated one. So many of the transfers as `written` says are with the database already.
    """

    transfers: list[tuple[Any, ...]] = field(default_factory=list)
    written: int = 0
    lot_uses: list[tuple[Any, ...]] = field(default_factory=list)
    tier_changes: list[tuple[Any, ...]] = field(default_factory=list)
    settlements: dict[tuple[UUID, str], Settlement] = field(default_factory=dict)
    new_settlements: set[tuple[UUID, str]] = field(default_factory=set)
    command_hashes: dict[tuple[UUID, int], bytes] = field(default_factory=dict)
    holds: list[tuple[UUID, Hold, bytes]] = field(default_factory=list)
    hold_ends: list[HoldEnd] = field(default_factory=list)
    joinings: list[tuple[Any, ...]] = field(default_factory=list)


def pick(lots: Sequence[Lot], amount: int) -> tuple[list[Take], int]:
    """Pick `amount` units from lots in their order; returns the takes and what could not be found."""
    takes = []
    for lot in lots:
        if amount <= 0:
            break
        part = min(lot.remaining - lot.held, amount)
        if part:
            takes.append(Take(lot, part))
            amount -= part
    return takes, amount
