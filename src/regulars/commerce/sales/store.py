"""SQL of sales totals."""

from datetime import datetime
from typing import LiteralString

from regulars.platform.db.transaction import Rows, Statement, Transaction

ORDERS: LiteralString = """
SELECT channel, count(*), coalesce(sum(total_minor), 0)::bigint FROM orders
WHERE paid_at IS NOT NULL AND recorded_at < %s GROUP BY channel ORDER BY channel
"""
LINES: LiteralString = """
SELECT count(*) FROM orders AS o JOIN order_lines AS l ON l.member_id = o.member_id AND l.order_id = o.order_id
WHERE o.paid_at IS NOT NULL AND o.recorded_at < %s
"""
RETURNS: LiteralString = """
SELECT count(*), coalesce(sum(returned_minor), 0)::bigint FROM order_returns WHERE recorded_at < %s
"""


async def totals(tx: Transaction, before: datetime) -> tuple[Rows, Rows, Rows]:
    """Return (channel, orders, revenue) rows, the count of lines, and returns with their value."""
    orders, lines, returns = await tx.read(
        Statement(ORDERS, (before,)), Statement(LINES, (before,)), Statement(RETURNS, (before,))
    )
    return orders, lines, returns
