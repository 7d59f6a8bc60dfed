"""SQL of what orders hold of a member."""

from typing import Any, LiteralString
from uuid import UUID

from regulars.platform.db.row_documents import rows_of
from regulars.platform.db.transaction import Transaction

OF_MEMBER: dict[str, LiteralString] = {
    "orders": """
SELECT to_jsonb(t) - 'member_id' - 'content_hash' FROM orders AS t WHERE member_id = %s ORDER BY occurred_at, order_id
""",
    "order_lines": """
SELECT to_jsonb(t) - 'member_id' FROM order_lines AS t WHERE member_id = %s ORDER BY order_id, line_no
""",
    "order_returns": """
SELECT to_jsonb(t) - 'member_id' - 'content_hash' FROM order_returns AS t WHERE member_id = %s
ORDER BY occurred_at, order_id, return_id
""",
}


async def of_member(tx: Transaction, member_id: UUID) -> dict[str, Any]:
    """Return what each table holds of a member, each row as JSON."""
    return await rows_of(tx, member_id, OF_MEMBER)
