"""Bookings of all members: the rows behind the figures of points. Together they are what the figures say."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct, structs

from regulars.loyalty.figures.store import listing
from regulars.loyalty.merging.naming import reference_told
from regulars.platform.db.transaction import Transaction


class Booking(Struct, frozen=True):
    """A transfer in a list, from the member's side: `units` and `debt_change` with their signs.

    What is outstanding changed by both together: what a member owes back is no liability.
    """

    member_id: UUID
    seq: int
    recorded_at: datetime
    effective_at: datetime
    wallet: str
    kind: str
    units: int
    debt_change: int
    order_id: str | None
    reference: str
    market: str


async def list_bookings(
    tx: Transaction,
    *,
    wallet: str | None = None,
    kinds: Sequence[str] | None = None,
    market: str | None = None,
    first: date | None = None,
    last: date | None = None,
    before: tuple[datetime, UUID, int] | None = None,
    limit: int = 25,
) -> list[Booking]:
    """Return what was booked in a wallet (None: in any) and recorded from `first` to `last`, the latest first.

    Days are local to the member's market, both included; `before` (recorded, member, number) goes on behind a row.
    Raises nothing. Source: ledger_transfers, members; points_days says how far back a page reaches.
    """
    rows = await listing.read_bookings(
        tx, wallet=wallet, kinds=kinds, market=market, days=(first, last), before=before, limit=limit
    )
    found = [Booking(*row) for row in rows]
    return [structs.replace(one, reference=reference_told(one.reference)) for one in found]
