"""SQL of closing books."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.row_documents import rows_of
from regulars.platform.db.transaction import Transaction

# Opened and closed at once where there was none: the row is what a first posting waits for.
CLOSE: LiteralString = """
INSERT INTO member_books (member_id, time_zone, signed_up_at, closed_at)
SELECT *, %s FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[])
ON CONFLICT (member_id) DO UPDATE SET closed_at = coalesce(member_books.closed_at, excluded.closed_at)
"""
STILL_OPEN: LiteralString = """
SELECT b.member_id FROM member_books AS b JOIN members AS m ON m.member_id = b.member_id
WHERE m.status = 'erased' AND b.closed_at IS NULL LIMIT %s
"""
COUNT_CLOSED: LiteralString = "SELECT count(*) FROM member_books WHERE closed_at IS NOT NULL"

OF_MEMBER: dict[str, LiteralString] = {
    "member_wallets": """
SELECT to_jsonb(t) - 'member_id' FROM member_wallets AS t WHERE member_id = %s ORDER BY wallet_id
""",
    "ledger_transfers": """
SELECT to_jsonb(t) - 'member_id' - 'command_hash' FROM ledger_transfers AS t WHERE member_id = %s ORDER BY seq
""",
    "lots": "SELECT to_jsonb(t) - 'member_id' FROM lots AS t WHERE member_id = %s ORDER BY lot_no",
    "lot_uses": "SELECT to_jsonb(t) - 'member_id' FROM lot_uses AS t WHERE member_id = %s ORDER BY seq, use_no",
    "holds": """
SELECT to_jsonb(t) - 'member_id' - 'command_hash' FROM holds AS t WHERE member_id = %s ORDER BY seq
""",
    "hold_lots": """
SELECT to_jsonb(t) - 'member_id' FROM hold_lots AS t WHERE member_id = %s ORDER BY hold_id, part_no
""",
    "hold_ends": """
SELECT to_jsonb(t) - 'member_id' - 'command_hash' FROM hold_ends AS t WHERE member_id = %s ORDER BY hold_id
""",
    "adjustment_requests": """
SELECT to_jsonb(t) - 'member_id' - 'command_hash' FROM adjustment_requests AS t
WHERE member_id = %s ORDER BY asked_at, request_id
""",
    "adjustment_answers": """
SELECT to_jsonb(t) - 'member_id' FROM adjustment_answers AS t WHERE member_id = %s ORDER BY answered_at, request_id
""",
    "settlements": """
SELECT to_jsonb(t) - 'member_id' FROM settlements AS t WHERE member_id = %s ORDER BY recorded_at, order_id
""",
    "tier_changes": "SELECT to_jsonb(t) - 'member_id' FROM tier_changes AS t WHERE member_id = %s ORDER BY seq",
    "member_books": "SELECT to_jsonb(t) - 'member_id' FROM member_books AS t WHERE member_id = %s",
}


async def of_member(tx: Transaction, member_id: UUID) -> dict[str, Any]:
    """Return what each table holds of a member, each row as JSON."""
    return await rows_of(tx, member_id, OF_MEMBER)


def close(tx: Transaction, books: Sequence[tuple[UUID, str, datetime]], at: datetime) -> None:
    """Close the books of (member_id, time zone, signed up at), sorted by member."""
    tx.write(
        CLOSE,
        (
            at,
            arrays.ids([member for member, _, _ in books]),
            arrays.texts([zone for _, zone, _ in books]),
            arrays.instants([signed_up_at for _, _, signed_up_at in books]),
        ),
    )


async def still_open(tx: Transaction, at_most: int) -> tuple[int, list[UUID]]:
    """Return how many books are closed, and which should be and are not."""
    ((closed,),) = await tx.rows(COUNT_CLOSED)
    return closed, [member_id for (member_id,) in await tx.rows(STILL_OPEN, (at_most,))]
