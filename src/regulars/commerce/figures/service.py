"""What was sold in a period, against the period before; money never adds up across currencies."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from regulars.commerce.figures import store
from regulars.platform.db.transaction import Transaction

Bucket = Literal["day", "week", "month"]


class Sold(Struct, frozen=True, kw_only=True):
    """Paid orders of a market by channel: how many, and their totals in minor units (later returns not deducted).

    `bucket` is the local day on which a day, week or month begins; None for what belongs to the period before.
    """

    market: str
    currency: str
    channel: str
    bucket: date | None
    orders: int
    revenue_minor: int


class CameBack(Struct, frozen=True, kw_only=True):
    """Returns of a market: how many, and their value in minor units, whenever the orders were paid."""

    market: str
    currency: str
    returns: int
    returned_minor: int
    is_current: bool


class SalesFigures(Struct, frozen=True, kw_only=True):
    """A period and the one before it. `active` members are those with a paid order."""

    sold: list[Sold]
    sold_before: list[Sold]
    came_back: list[CameBack]
    active: int
    active_before: int


class StoreFigures(Struct, frozen=True):
    """What a store sold in a period, in minor units; `returned_minor` is what of these orders came back since."""

    store_id: str
    currency: str
    orders: int
    revenue_minor: int
    returned_minor: int
    members: int


async def sales_figures(
    tx: Transaction,
    *,
    before_start: datetime,
    start: datetime,
    end: datetime,
    by: Bucket,
    time_zone: str,
    stores: Sequence[str] | None = None,
) -> SalesFigures:
    """Return what members bought in `[start, end)`, in buckets of local days, and in `[before_start, start)`.

    Orders count at their own time (`occurred_at`). `stores` narrows to some. One round trip, as long as the period is.
    Raises nothing. Source: orders, order_returns.
    """
    sales, active, returns = await store.read_sales(
        tx, before_start=before_start, start=start, end=end, by=by, zone=time_zone, stores=stores
    )
    sold = [
        Sold(market=market, currency=currency, channel=channel, bucket=bucket, orders=orders, revenue_minor=revenue)
        for market, currency, channel, _, bucket, orders, revenue in sales
    ]
    return SalesFigures(
        sold=[one for one in sold if one.bucket is not None],
        sold_before=[one for one in sold if one.bucket is None],
        came_back=[
            CameBack(market=market, currency=currency, is_current=is_current, returns=count, returned_minor=value)
            for market, currency, is_current, count, value in returns
        ],
        active=active[0][0],
        active_before=active[0][1],
    )


async def store_figures(
    tx: Transaction, start: datetime, end: datetime, stores: Sequence[str] | None = None
) -> list[StoreFigures]:
    """Return what each store sold in `[start, end)`; those that sold nothing are left out. Source: orders."""
    return [StoreFigures(*row) for row in await store.read_stores(tx, start, end, stores)]
