"""SQL of what was sold in a period, each block one statement on the index of orders by time."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from regulars.platform.db.transaction import Rows, Statement, Transaction

SALES: LiteralString = """
SELECT o.market, o.currency, o.channel, o.occurred_at >= %(start)s AS is_current,
       CASE WHEN %(by)s::text IS NOT NULL AND o.occurred_at >= %(start)s
            THEN date_trunc(%(by)s, o.occurred_at AT TIME ZONE %(zone)s)::date END AS bucket,
       count(*), sum(o.total_minor)::bigint
FROM orders AS o
WHERE o.occurred_at >= %(before_start)s AND o.occurred_at < %(end)s AND o.paid_at IS NOT NULL
  AND (%(stores)s::text[] IS NULL OR o.store_id = ANY (%(stores)s::text[]))
GROUP BY 1, 2, 3, 4, 5
"""
ACTIVE: LiteralString = """
SELECT count(DISTINCT o.member_id) FILTER (WHERE o.occurred_at >= %(start)s),
       count(DISTINCT o.member_id) FILTER (WHERE o.occurred_at < %(start)s)
FROM orders AS o
WHERE o.occurred_at >= %(before_start)s AND o.occurred_at < %(end)s AND o.paid_at IS NOT NULL
  AND (%(stores)s::text[] IS NULL OR o.store_id = ANY (%(stores)s::text[]))
"""
RETURNS: LiteralString = """
SELECT o.market, o.currency, r.occurred_at >= %(start)s, count(*), sum(r.returned_minor)::bigint
FROM order_returns AS r JOIN orders AS o ON o.member_id = r.member_id AND o.order_id = r.order_id
WHERE r.occurred_at >= %(before_start)s AND r.occurred_at < %(end)s
  AND (%(stores)s::text[] IS NULL OR o.store_id = ANY (%(stores)s::text[]))
GROUP BY 1, 2, 3
"""
STORES: LiteralString = """
SELECT o.store_id, o.currency, count(*), sum(o.total_minor)::bigint, sum(o.returned_minor)::bigint,
       count(DISTINCT o.member_id)
FROM orders AS o
WHERE o.occurred_at >= %(start)s AND o.occurred_at < %(end)s AND o.paid_at IS NOT NULL AND o.store_id IS NOT NULL
  AND (%(stores)s::text[] IS NULL OR o.store_id = ANY (%(stores)s::text[]))
GROUP BY 1, 2
"""


async def read_sales(
    tx: Transaction,
    *,
    before_start: datetime,
    start: datetime,
    end: datetime,
    by: str | None,
    zone: str,
    stores: Sequence[str] | None,
) -> tuple[Rows, Rows, Rows]:
    """Return sales by (market, currency, channel, whether of the period, bucket), who bought, and returns."""
    parameters = {
        "before_start": before_start,
        "start": start,
        "end": end,
        "by": by,
        "zone": zone,
        "stores": None if stores is None else list(stores),
    }
    sales, active, returns = await tx.read(
        Statement(SALES, parameters), Statement(ACTIVE, parameters), Statement(RETURNS, parameters)
    )
    return sales, active, returns


async def read_stores(tx: Transaction, start: datetime, end: datetime, stores: Sequence[str] | None) -> Rows:
    """Return (store, currency, orders, revenue, of it returned, members) of a period."""
    return await tx.rows(STORES, {"start": start, "end": end, "stores": None if stores is None else list(stores)})
