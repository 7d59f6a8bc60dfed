"""SQL that lists the rows behind the figures: returns, and members who bought."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

from regulars.platform.db.transaction import Rows, Transaction
from regulars.platform.markets.days import instants_around, surely_before

# Where a filter leaves most of them out, the roll-up tells how far back enough of them lie. Where none does, the index
# gives the latest, and one look at the roll-up would cost more than all of it. LATERAL, so that orders are looked up
# for the rows of a page: the planner once joined all of them.
_ENOUGH: LiteralString = """
WITH enough AS (
    SELECT max(day) AS day FROM (
        SELECT day, sum(sum(returns)) OVER (ORDER BY day DESC) AS so_far FROM returns_days
        WHERE day <= %(ended)s AND (%(stores)s::text[] IS NULL OR store_id = ANY (%(stores)s::text[]))
          AND (%(currency)s::text IS NULL OR currency = %(currency)s)
        GROUP BY day
    ) AS counted WHERE so_far >= %(limit)s
)
"""
_ROWS: LiteralString = """\
SELECT r.return_id, r.order_id, r.member_id, r.occurred_at, r.store_id, o.store_id, o.market, o.currency,
       r.returned_minor, o.total_minor
FROM order_returns AS r
JOIN LATERAL (
    SELECT store_id, market, currency, total_minor FROM orders
    WHERE member_id = r.member_id AND order_id = r.order_id LIMIT 1
) AS o ON true
JOIN markets AS k ON k.code = o.market
WHERE r.occurred_at >= """
_SINCE: LiteralString = "%(since)s"
_SINCE_ENOUGH: LiteralString = """greatest(
    %(since)s, (SELECT (day::timestamp AT TIME ZONE 'UTC') - interval '14 hours' FROM enough)
)"""
_IN_ORDER: LiteralString = """
  AND r.occurred_at <= %(before)s
  AND (r.occurred_at, r.order_id, r.return_id) < (%(before)s, %(before_order)s, %(before_return)s)
  AND (%(first)s::date IS NULL OR (r.occurred_at AT TIME ZONE k.time_zone)::date >= %(first)s)
  AND (%(last)s::date IS NULL OR (r.occurred_at AT TIME ZONE k.time_zone)::date <= %(last)s)
  AND (%(stores)s::text[] IS NULL OR o.store_id = ANY (%(stores)s::text[]))
  AND (%(currency)s::text IS NULL OR o.currency = %(currency)s)
ORDER BY r.occurred_at DESC, r.order_id DESC, r.return_id DESC LIMIT %(limit)s
"""
RETURNS: LiteralString = _ROWS + _SINCE + _IN_ORDER
RETURNS_NARROWED: LiteralString = _ENOUGH + _ROWS + _SINCE_ENOUGH + _IN_ORDER
_OF_DAYS: LiteralString = """
  AND o.paid_at IS NOT NULL AND o.occurred_at >= %(since)s AND o.occurred_at < %(until)s
  AND (%(first)s::date IS NULL OR (o.occurred_at AT TIME ZONE k.time_zone)::date >= %(first)s)
  AND (%(last)s::date IS NULL OR (o.occurred_at AT TIME ZONE k.time_zone)::date <= %(last)s)
  AND (%(stores)s::text[] IS NULL OR o.store_id = ANY (%(stores)s::text[]))
"""
# Whoever is part of another member bought as that one: these few are looked up by themselves.
BOUGHT: LiteralString = (
    """
(SELECT DISTINCT o.member_id FROM orders AS o JOIN markets AS k ON k.code = o.market
 WHERE o.member_id < %(before)s AND NOT EXISTS (
     SELECT FROM members AS m WHERE m.member_id = o.member_id AND m.merged_into IS NOT NULL)
"""  # noqa: S608 - our own text
    + _OF_DAYS
    + """ ORDER BY o.member_id DESC LIMIT %(limit)s)
UNION
SELECT m.merged_into FROM members AS m WHERE m.merged_into < %(before)s AND EXISTS (
    SELECT FROM orders AS o JOIN markets AS k ON k.code = o.market WHERE o.member_id = m.member_id
"""
    + _OF_DAYS
    + ") ORDER BY 1 DESC LIMIT %(limit)s"
)


async def read_returns(
    tx: Transaction,
    *,
    days: tuple[date | None, date | None],
    stores: Sequence[str] | None,
    currency: str | None,
    before: tuple[datetime, str, str] | None,
    limit: int,
) -> Rows:
    """Return (id, order, member, when, where, the order's store, market, currency, value, total), the latest first."""
    since, until = instants_around(*days)
    at, order_id, return_id = before or (until, "", "")
    parameters = {
        "first": days[0],
        "last": days[1],
        "since": since,
        "before": at,
        "before_order": order_id,
        "before_return": return_id,
        "ended": surely_before(at) if before is not None or days[1] is None else days[1],
        "stores": None if stores is None else list(stores),
        "currency": currency,
        "limit": limit,
    }
    is_narrowed = stores is not None or currency is not None
    return await tx.rows(RETURNS_NARROWED if is_narrowed else RETURNS, parameters)


async def read_buyers(
    tx: Transaction,
    *,
    days: tuple[date | None, date | None],
    stores: Sequence[str] | None,
    before: UUID,
    limit: int,
) -> list[UUID]:
    """Return members with a paid order on some local days, by id downwards."""
    since, until = instants_around(*days)
    parameters = {
        "first": days[0],
        "last": days[1],
        "since": since,
        "until": until,
        "before": before,
        "stores": None if stores is None else list(stores),
        "limit": limit,
    }
    return [member for (member,) in await tx.rows(BOUGHT, parameters)]
