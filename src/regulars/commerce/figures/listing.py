"""The rows behind the figures: each return, and each member who bought. Together they are what the figures say."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from regulars.commerce import cursors
from regulars.commerce.figures.store import listing
from regulars.platform.db.transaction import Transaction

_ANYBODY = UUID(int=2**128 - 1)
_Place = tuple[Annotated[datetime, Meta(tz=True)], str, str]


class ReturnRef(Struct, frozen=True):
    """A return in a list; amounts in minor units. `store_id` took it back, `sold_at` is the order's store."""

    return_id: str
    order_id: str
    member_id: UUID
    occurred_at: datetime
    store_id: str | None
    sold_at: str | None
    market: str
    currency: str
    returned_minor: int
    total_minor: int


async def list_returns(
    tx: Transaction,
    *,
    first: date | None = None,
    last: date | None = None,
    stores: Sequence[str] | None = None,
    currency: str | None = None,
    cursor: str | None = None,
    limit: int = 25,
) -> tuple[list[ReturnRef], str | None]:
    """Return what members brought back from `first` to `last`, the latest first, and the cursor of the next page.

    Days are local to the order's market, both included. `stores` narrows to orders of some stores. Raises
    CursorUnreadable (422). Source: order_returns, orders; returns_days says how far back a page reaches.
    """
    place = None if cursor is None else cursors.read(cursor, _Place)
    rows = await listing.read_returns(
        tx, days=(first, last), stores=stores, currency=currency, before=place, limit=limit + 1
    )
    shown = [ReturnRef(*row) for row in rows[:limit]]
    more = len(rows) > limit
    return shown, cursors.write((shown[-1].occurred_at, shown[-1].order_id, shown[-1].return_id)) if more else None


async def members_who_bought(
    tx: Transaction,
    *,
    first: date | None,
    last: date | None,
    stores: Sequence[str] | None = None,
    cursor: str | None = None,
    limit: int = 25,
) -> tuple[list[UUID], str | None]:
    """Return members with a paid order from `first` to `last` (local days, both included), and the next page's cursor.

    In the order of their ids, the last made first. Raises CursorUnreadable (422). Source: orders.
    """
    before = _ANYBODY if cursor is None else cursors.read(cursor, UUID)
    found = await listing.read_buyers(tx, days=(first, last), stores=stores, before=before, limit=limit + 1)
    return found[:limit], cursors.write(found[limit - 1]) if len(found) > limit else None


def behind_buyer(member_id: UUID) -> str:
    """Return the cursor of `members_who_bought` that goes on behind a member."""
    return cursors.write(member_id)
