"""SQL of orders that stand against a merge."""

from typing import LiteralString
from uuid import UUID

from regulars.platform.db.transaction import Transaction

UNPAID: LiteralString = """
SELECT order_id FROM orders WHERE member_id = %s AND state IN ('open', 'placed') ORDER BY occurred_at LIMIT %s
"""
HAS_ORDERS: LiteralString = "SELECT EXISTS (SELECT FROM orders WHERE member_id = %s)"


async def unpaid(tx: Transaction, member_id: UUID, at_most: int) -> list[str]:
    """Return orders of a member that may still be paid."""
    return [order_id for (order_id,) in await tx.rows(UNPAID, (member_id, at_most))]


async def has_orders(tx: Transaction, member_id: UUID) -> bool:
    """Return whether any order is a member's."""
    return bool((await tx.rows(HAS_ORDERS, (member_id,)))[0][0])
