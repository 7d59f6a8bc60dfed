"""What is the member's own: who asks, their points and their tier at this moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from litestar import Request

from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import PendingUnits, TierStatus, WalletBalance
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.explaining.contracts import Link
from regulars.web.kit.viewers import viewer_of

AnyRequest = Request[Any, Any, Any]
POINTS: Final = "points"
_JUST_BEFORE: Final = timedelta(microseconds=1)


def own_id(request: AnyRequest) -> UUID:
    """Return whose page it is: the member who is signed in, and nobody that an address could name."""
    member_id = viewer_of(request).id
    if member_id is None:
        raise NotFound
    return member_id


def acts_as(request: AnyRequest) -> str:
    """Return as whom a member acts, for the books."""
    return str(getattr(viewer_of(request).session, "actor", "member"))


def way_on(link: Link) -> tuple[str, str] | None:
    """Return where a member finds what an explanation refers to: their order; the rest stands on their own pages."""
    return (link.id, f"/portal/orders/{quote(link.id)}") if link.kind == "order" else None


def last_moment(until: datetime) -> datetime:
    """Return the last instant before one at which something ends: its day is the last day."""
    return until - _JUST_BEFORE


@dataclass(frozen=True, slots=True)
class Purse:
    """A member's points: amounts in points, instants UTC.

    `pending` is what will be available, by date in `pending_parts`. `expiries` are all dates at which points run out
    unless they are spent, `soon` those of them that come within the days of the notice.
    """

    available: int = 0
    pending: int = 0
    debt: int = 0
    pending_parts: tuple[PendingUnits, ...] = ()
    expiries: tuple[PendingUnits, ...] = ()
    soon: tuple[PendingUnits, ...] = ()

    @property
    def expiring_soon(self) -> int:
        """How many points run out soon."""
        return sum([part.amount for part in self.soon])

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell yet."""
        return not (self.available or self.pending or self.debt)


async def read_purse(
    tx: Transaction,
    member_id: UUID,
    policy: loyalty.Policy | None,
    notice_days: int,
    *,
    known: Sequence[WalletBalance] | None = None,
) -> Purse:
    """Return a member's points now; `known` are the balances, where they were read. Raises UnknownMember (404)."""
    code = POINTS if policy is None else policy.spending_wallet
    balances = await loyalty.balances(tx, member_id) if known is None else known
    wallet = next((one for one in balances if one.wallet == code), None)
    if wallet is None:
        return Purse()
    expiries = await loyalty.expiries(tx, member_id, code)
    soon = tx.now + timedelta(days=notice_days)
    return Purse(
        available=wallet.available,
        pending=wallet.pending,
        debt=wallet.debt,
        pending_parts=wallet.pending_parts,
        expiries=expiries,
        soon=tuple([part for part in expiries if part.at <= soon]),
    )


async def read_tier(
    tx: Transaction, configuration: loyalty.Configuration, member_id: UUID, policy: loyalty.Policy | None, language: str
) -> TierStatus | None:
    """Return a member's tier now; None before the first policy. Raises UnknownMember (404)."""
    if policy is None:
        return None
    return await loyalty.tier_status(tx, configuration, member_id, language=language)
