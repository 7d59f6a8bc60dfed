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

# What came by a merge, or passed through for one, was perhaps a stranger's: merges are undone, and what is told cannot
# be taken back. So an export says of such rows how much there was and when it was booked, not whose it was, for which
# order, and when that was placed; of a merge that stands, the same is told under the membership that it came from.
# Which orders are a member's own, the settlements say. 38 characters are `merge:` and the id.
# A transfer that was taken back is told to both: who gave learns how much came back, not what the other had spent.
OF_MEMBER: dict[str, LiteralString] = {
    "member_wallets": """
SELECT to_jsonb(t) - 'member_id' FROM member_wallets AS t WHERE member_id = %s ORDER BY wallet_id
""",
    "ledger_transfers": """
SELECT to_jsonb(t) - 'member_id' - 'command_hash' - CASE
    WHEN t.reference >= 'merge:' AND t.reference < 'merge;' THEN '{basis,order_id,effective_at,reference}'::text[]
    WHEN t.reference >= 'transfer:' AND t.reference < 'transfer;' THEN '{basis,reference}'
    ELSE '{}' END || CASE
    WHEN t.reference >= 'merge:' AND t.reference < 'merge;' THEN jsonb_build_object('reference', left(t.reference, 38))
    WHEN t.reference >= 'transfer:' AND t.reference < 'transfer;'
        THEN jsonb_build_object('reference', left(t.reference, 41))
    ELSE '{}' END
FROM ledger_transfers AS t WHERE member_id = %s ORDER BY seq
""",
    "lots": """
SELECT to_jsonb(t) - 'member_id' - CASE
    WHEN m.seq IS NULL OR s.order_id IS NOT NULL THEN '{}'::text[]
    WHEN t.remaining > 0 THEN '{order_id}'
    ELSE '{order_id,earned_at,available_at}' END
FROM lots AS t
LEFT JOIN ledger_transfers AS m ON m.member_id = t.member_id AND m.seq = t.lot_no
    AND m.reference >= 'merge:' AND m.reference < 'merge;'
LEFT JOIN settlements AS s ON s.member_id = t.member_id AND s.order_id = t.order_id
WHERE t.member_id = %s ORDER BY t.lot_no
""",
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
    "book_joinings": """
SELECT to_jsonb(t) - 'member_id' - 'other_id' - 'merge_id' FROM book_joinings AS t WHERE member_id = %s ORDER BY seq
""",
    "adjustment_requests": """
SELECT to_jsonb(t) - 'member_id' - 'command_hash' - 'asked_by' FROM adjustment_requests AS t
WHERE member_id = %s ORDER BY asked_at, request_id
""",
    "adjustment_answers": """
SELECT to_jsonb(t) - 'member_id' - 'answered_by' - 'asked_by' FROM adjustment_answers AS t
WHERE member_id = %s ORDER BY answered_at, request_id
""",
    "settlements": """
SELECT to_jsonb(t) - 'member_id' FROM settlements AS t WHERE member_id = %s ORDER BY recorded_at, order_id
""",
    "ledger_forwards": """
SELECT to_jsonb(t) - 'member_id' - 'to_member_id' FROM ledger_forwards AS t
WHERE member_id = %s ORDER BY recorded_at, kind, name
""",
    "point_transfers": """
SELECT to_jsonb(t) - 'member_id' - 'other_id' - 'command_hash' - 'actor' FROM point_transfers AS t
WHERE member_id = %s ORDER BY recorded_at, transfer_id
""",
    "point_transfer_reversals": """
SELECT to_jsonb(r) - 'member_id' - 'actor' - CASE t.side WHEN 'given' THEN '{covered,shortfall}'::text[] ELSE '{}' END
    || CASE t.side WHEN 'given' THEN jsonb_build_object('returned', r.returned + r.covered + r.shortfall) ELSE '{}' END
FROM point_transfers AS t JOIN point_transfer_reversals AS r ON r.transfer_id = t.transfer_id
    AND r.member_id = CASE t.side WHEN 'given' THEN t.member_id ELSE t.other_id END
WHERE t.member_id = %s ORDER BY r.recorded_at, r.transfer_id
""",
    "tier_changes": """
SELECT to_jsonb(t) - 'member_id' - CASE WHEN t.cause = 'return' AND NOT EXISTS (
    SELECT FROM settlements AS s
    WHERE s.member_id = t.member_id AND starts_with(t.reference, 'order:' || s.order_id || ':return:')
) THEN '{reference}'::text[] ELSE '{}' END
FROM tier_changes AS t WHERE member_id = %s ORDER BY seq
""",
    "member_books": """
SELECT to_jsonb(t) - 'member_id' - 'merged_into' - 'merged_by' - 'has_forwards' FROM member_books AS t
WHERE member_id = %s
""",
}


async def of_member(tx: Transaction, member_id: UUID) -> dict[str, Any]:
    """Return what each table holds of a member, each row as JSON."""
    return await rows_of(tx, member_id, OF_MEMBER)


async def wallets(tx: Transaction) -> dict[int, str]:
    """Return the code of every wallet by its number."""
    return dict(await tx.rows("SELECT wallet_id, code FROM wallets"))


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
