"""SQL that reads the roll-ups of sales, and counts members in slices where no roll-up does."""

from collections.abc import Sequence
from datetime import date
from typing import LiteralString
from uuid import UUID

from regulars.platform.db.transaction import Rows, Statement, Transaction

_BUCKET: LiteralString = """
CASE WHEN %(by)s::text IS NOT NULL AND day >= %(first)s THEN date_trunc(%(by)s, day::timestamp)::date END AS bucket
"""
_SALES: LiteralString = (
    "SELECT market, currency, channel, day >= %(first)s AS is_current, "
    + _BUCKET
    + """, sum(orders)::bigint, sum(revenue_minor)::bigint
FROM {table} WHERE day BETWEEN %(before_first)s AND %(last)s {narrowed}
GROUP BY 1, 2, 3, 4, 5
"""
)
_RETURNS: LiteralString = """
SELECT market, currency, day >= %(first)s, sum(returns)::bigint, sum(returned_minor)::bigint
FROM returns_days WHERE day BETWEEN %(before_first)s AND %(last)s {narrowed}
GROUP BY 1, 2, 3
"""
_OF_STORES: LiteralString = "AND store_id = ANY (%(stores)s::text[])"
_ALL: tuple[LiteralString, LiteralString] = (
    _SALES.format(table="sales_days", narrowed=""),
    _RETURNS.format(narrowed=""),
)
_NARROWED: tuple[LiteralString, LiteralString] = (
    _SALES.format(table="store_sales_days", narrowed=_OF_STORES),
    _RETURNS.format(narrowed=_OF_STORES),
)
BUYERS: LiteralString = """
SELECT coalesce(sum(members) FILTER (WHERE day >= %(first)s AND next_day > %(last)s), 0)::bigint,
       coalesce(sum(members) FILTER (WHERE day < %(first)s AND next_day >= %(first)s), 0)::bigint
FROM bought_again WHERE next_day >= %(first)s AND day BETWEEN %(before_first)s AND %(last)s
"""
STORES: LiteralString = """
SELECT store_id, currency, sum(orders)::bigint, sum(revenue_minor)::bigint, sum(returned_minor)::bigint
FROM store_sales_days
WHERE day BETWEEN %(first)s AND %(last)s AND (%(stores)s::text[] IS NULL OR store_id = ANY (%(stores)s::text[]))
GROUP BY 1, 2
"""
_NEXT_MEMBERS: LiteralString = """
SELECT (array_agg(member_id ORDER BY member_id DESC))[1], count(*)
FROM (SELECT member_id FROM members WHERE member_id > %s ORDER BY member_id LIMIT %s) AS following
"""
_MEMBERS: LiteralString = "SELECT count(*) FROM members"
_BUYERS_OF: LiteralString = """
SELECT {what} count(DISTINCT member_id) FILTER (WHERE day >= %(first)s)::bigint,
       count(DISTINCT member_id) FILTER (WHERE day < %(first)s)::bigint
FROM (
    SELECT o.member_id, o.store_id, (o.occurred_at AT TIME ZONE k.time_zone)::date AS day
    FROM orders AS o JOIN markets AS k ON k.code = o.market
    WHERE o.member_id > %(after)s AND (%(up_to)s::uuid IS NULL OR o.member_id <= %(up_to)s) AND o.paid_at IS NOT NULL
      AND o.store_id = ANY (%(stores)s::text[]) AND NOT EXISTS (
          SELECT FROM members AS m WHERE m.member_id = o.member_id AND m.merged_into IS NOT NULL)
    UNION ALL
    SELECT m.merged_into, o.store_id, (o.occurred_at AT TIME ZONE k.time_zone)::date
    FROM members AS m JOIN orders AS o ON o.member_id = m.member_id JOIN markets AS k ON k.code = o.market
    WHERE m.merged_into > %(after)s AND (%(up_to)s::uuid IS NULL OR m.merged_into <= %(up_to)s)
      AND o.paid_at IS NOT NULL AND o.store_id = ANY (%(stores)s::text[])
) AS bought WHERE day BETWEEN %(before_first)s AND %(last)s
"""
_TOGETHER: LiteralString = _BUYERS_OF.format(what="")
_EACH: LiteralString = _BUYERS_OF.format(what="store_id,") + "GROUP BY store_id"


def sales(
    *, before_first: date, first: date, last: date, by: str | None, stores: Sequence[str] | None
) -> tuple[Statement, Statement]:
    """Return what asks for sales by (market, currency, channel, whether of the period, bucket), and for returns."""
    parameters = {
        "before_first": before_first,
        "first": first,
        "last": last,
        "by": by,
        "stores": None if stores is None else list(stores),
    }
    sold, returned = _ALL if stores is None else _NARROWED
    return Statement(sold, parameters), Statement(returned, parameters)


async def count_members(tx: Transaction) -> int:
    """Return how many members there are."""
    return int((await tx.rows(_MEMBERS))[0][0])


async def next_members(tx: Transaction, after: UUID, limit: int) -> tuple[UUID | None, int]:
    """Return the last of the next `limit` members (None where no more follow), and how many they are."""
    last, count = (await tx.rows(_NEXT_MEMBERS, (after, limit)))[0]
    return (last if count == limit else None), count


async def count_buyers(
    tx: Transaction,
    after: UUID,
    up_to: UUID | None,
    *,
    days: tuple[str, str, str],
    stores: Sequence[str],
    each: bool,
) -> Rows:
    """Count members in a range of ids who bought at some stores: (in the period, before), of `each` with its id.

    `days` are the first of the period before, the first and the last of the period.
    """
    before_first, first, last = days
    parameters = {"after": after, "up_to": up_to, "before_first": before_first, "first": first, "last": last}
    return await tx.rows(_EACH if each else _TOGETHER, {**parameters, "stores": list(stores)})
