"""What was sold in a period, against the period before, from the roll-up; money never adds up across currencies."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from msgspec import Struct

from regulars.commerce.figures.buyers import PeriodDays
from regulars.commerce.figures.rolling import SALES
from regulars.commerce.figures.store import reading
from regulars.platform.db.transaction import Statement, Transaction
from regulars.platform.rollups import service as rollups
from regulars.platform.rollups.contracts import Standing

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
    """A period and the one before it.

    `active` members are those with a paid order; None of chosen stores (`buyers_at` counts those). `standing` tells up
    to when the figures hold; None: nothing has been rolled up yet.
    """

    sold: list[Sold]
    sold_before: list[Sold]
    came_back: list[CameBack]
    active: int | None
    active_before: int | None
    standing: Standing | None


class StoreFigures(Struct, frozen=True):
    """What a store sold in a period, in minor units; `returned_minor` is what of these orders came back since."""

    store_id: str
    currency: str
    orders: int
    revenue_minor: int
    returned_minor: int


async def sales_figures(
    tx: Transaction, days: PeriodDays, *, by: Bucket, stores: Sequence[str] | None = None
) -> SalesFigures:
    """Return what members bought in a period, in buckets of local days, and in the period before.

    Orders count on their own day (`occurred_at`) in their market's time zone; days are whole. `stores` narrows to some.
    One round trip whose cost grows with the days, not with the orders. Raises nothing. Source: the roll-up of sales.
    """
    sold, returned = reading.sales(
        before_first=days.before_first, first=days.first, last=days.last, by=by, stores=stores
    )
    asked = [sold, returned, rollups.standing_question(SALES)]
    if stores is None:
        span = {"before_first": days.before_first, "first": days.first, "last": days.last}
        asked.append(Statement(reading.BUYERS, span))
    sales, returns, standing, *buyers = await tx.read(*asked)
    active, active_before = buyers[0][0] if buyers else (None, None)
    found = [
        Sold(market=market, currency=currency, channel=channel, bucket=bucket, orders=orders, revenue_minor=revenue)
        for market, currency, channel, _, bucket, orders, revenue in sales
    ]
    return SalesFigures(
        sold=[one for one in found if one.bucket is not None],
        sold_before=[one for one in found if one.bucket is None],
        came_back=[
            CameBack(market=market, currency=currency, is_current=is_current, returns=count, returned_minor=value)
            for market, currency, is_current, count, value in returns
        ],
        active=active,
        active_before=active_before,
        standing=rollups.standing_in(standing),
    )


async def store_figures(tx: Transaction, days: PeriodDays, stores: Sequence[str] | None = None) -> list[StoreFigures]:
    """Return what each store sold in a period; those that sold nothing are left out. Source: the roll-up of sales."""
    span = {"first": days.first, "last": days.last, "stores": None if stores is None else list(stores)}
    return [StoreFigures(*row) for row in await tx.rows(reading.STORES, span)]


async def sales_standing(tx: Transaction) -> Standing | None:
    """Return up to when sales are rolled up, and the first and last day that have any; None: not yet."""
    return rollups.standing_in((await tx.read(rollups.standing_question(SALES)))[0])
