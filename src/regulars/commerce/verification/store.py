"""SQL of commerce's checks: each question returns what contradicts itself, and how much was looked at."""

from typing import LiteralString
from uuid import UUID

from regulars.platform.db.transaction import Rows, Statement, Transaction

COUNT_ORDERS: LiteralString = "SELECT count(*) FROM orders"
TOTALS: LiteralString = """
SELECT o.order_id, o.total_minor, coalesce(l.amount, 0)::bigint, o.returned_minor, coalesce(l.returned, 0)::bigint,
       coalesce(r.returned, 0)::bigint
FROM orders AS o
LEFT JOIN (SELECT member_id, order_id, sum(amount_minor) AS amount, sum(returned_minor) AS returned
           FROM order_lines GROUP BY member_id, order_id) AS l ON l.member_id = o.member_id AND l.order_id = o.order_id
LEFT JOIN (SELECT member_id, order_id, sum(returned_minor) AS returned
           FROM order_returns GROUP BY member_id, order_id) AS r
    ON r.member_id = o.member_id AND r.order_id = o.order_id
WHERE o.total_minor <> coalesce(l.amount, 0) OR o.returned_minor <> coalesce(l.returned, 0)
   OR o.returned_minor <> coalesce(r.returned, 0)
LIMIT 20
"""
LINE_SHARES: LiteralString = """
SELECT order_id, line_id FROM order_lines
WHERE returned_minor <> div(amount_minor::numeric * returned_milli, quantity_milli)
LIMIT 20
"""
KEYS: LiteralString = """
SELECT coalesce(o.order_id, k.order_id), k.order_id IS NULL, o.order_id IS NULL
FROM orders AS o FULL JOIN (SELECT * FROM order_keys WHERE member_id IS NOT NULL) AS k
    ON k.order_id = o.order_id AND k.member_id = o.member_id
WHERE o.order_id IS NULL OR k.order_id IS NULL
LIMIT 20
"""
GUEST_KEYS: LiteralString = """
SELECT coalesce(g.order_id, k.order_id) FROM guest_orders AS g FULL JOIN order_keys AS k ON k.order_id = g.order_id
WHERE (g.order_id IS NOT NULL AND (k.order_id IS NULL OR k.member_id IS DISTINCT FROM g.claimed_by))
   OR (g.order_id IS NULL AND k.member_id IS NULL)
LIMIT 20
"""
COUNT_KEYS: LiteralString = "SELECT count(*) FROM order_keys"
PAID: LiteralString = """
SELECT o.member_id, o.order_id, o.total_minor, o.returned_minor, o.points_used
FROM orders AS o WHERE o.paid_at IS NOT NULL AND o.member_id > %s AND (%s::uuid IS NULL OR o.member_id <= %s)
"""
NEXT_MEMBERS: LiteralString = """
SELECT (array_agg(member_id ORDER BY member_id DESC))[1], count(*)
FROM (SELECT DISTINCT member_id FROM orders WHERE member_id > %s ORDER BY member_id LIMIT %s) AS following
"""
STATES: LiteralString = """
SELECT order_id, state FROM orders
WHERE (state IN ('paid', 'fulfilled') AND paid_at IS NULL) OR (state IN ('open', 'placed') AND paid_at IS NOT NULL)
   OR (state = 'cancelled' AND paid_at IS NOT NULL AND returned_minor <> total_minor)
LIMIT 20
"""


async def sums(tx: Transaction) -> tuple[int, Rows, Rows, Rows]:
    """Return how many orders there are, whose sums differ, lines with another value than their share, wrong states."""
    count, totals, shares, states = await tx.read(
        Statement(COUNT_ORDERS), Statement(TOTALS), Statement(LINE_SHARES), Statement(STATES)
    )
    return count[0][0], totals, shares, states


async def keys(tx: Transaction) -> tuple[int, Rows, Rows]:
    """Return how many order ids there are, and those that lead to no order or another's, of members and of guests."""
    count, members, guests = await tx.read(Statement(COUNT_KEYS), Statement(KEYS), Statement(GUEST_KEYS))
    return count[0][0], members, guests


async def last_of_next(tx: Transaction, after: UUID, limit: int) -> UUID | None:
    """Return the last of the next `limit` members with orders; None where fewer follow."""
    last, count = (await tx.rows(NEXT_MEMBERS, (after, limit)))[0]
    return last if count == limit else None


async def paid(tx: Transaction, after: UUID, up_to: UUID | None) -> Rows:
    """Return the paid orders of the members whose id follows `after`, up to another's (None: to the last)."""
    return await tx.rows(PAID, (after, up_to, up_to))
