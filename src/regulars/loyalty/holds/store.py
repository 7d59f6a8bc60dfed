"""SQL of reading holds. They are written with the books (`ledger/store`)."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from regulars.platform.db.transaction import Rows, Transaction

NEWEST = 2**62

READ_HOLDS: LiteralString = """
WITH page AS (
    SELECT h.*, e.how, e.effective_at, e.posted, e.transfer_seq, e.reason
    FROM holds AS h LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
    WHERE h.member_id = %(member)s AND h.seq < %(before)s
      AND (%(hold)s::uuid IS NULL OR h.hold_id = %(hold)s)
      AND (NOT %(open)s OR (e.hold_id IS NULL AND h.deadline > %(now)s))
    ORDER BY h.seq DESC LIMIT %(limit)s
)
SELECT g.hold_id, g.seq, w.code, g.amount, g.purpose, g.reference, g.placed_at, g.deadline, g.how, g.effective_at,
       g.posted, g.transfer_seq, g.reason, p.lot_no, p.amount
FROM page AS g
JOIN wallets AS w ON w.wallet_id = g.wallet_id
JOIN hold_lots AS p ON p.member_id = g.member_id AND p.hold_id = g.hold_id
ORDER BY g.seq DESC, p.part_no
"""
# Of all members: what is kept now by when it is over, what ended by when that was booked, everything by when it began.
_OF_ALL: LiteralString = """
SELECT h.hold_id, h.seq, w.code, h.amount, h.purpose, h.reference, h.placed_at, h.deadline, e.how, e.effective_at,
       e.posted, e.transfer_seq, e.reason, h.member_id, e.recorded_at
FROM holds AS h
JOIN wallets AS w ON w.wallet_id = h.wallet_id
"""
LIST_OPEN: LiteralString = (
    _OF_ALL
    + """
LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
WHERE h.deadline > %(now)s AND e.hold_id IS NULL
  AND (%(at)s::timestamptz IS NULL OR (h.deadline, h.hold_id, h.member_id) > (%(at)s, %(id)s::uuid, %(of)s::uuid))
ORDER BY h.deadline, h.hold_id, h.member_id LIMIT %(limit)s
"""
)
LIST_ENDED: LiteralString = (
    _OF_ALL
    + """
JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
WHERE e.how = %(how)s
  AND (%(at)s::timestamptz IS NULL OR (e.recorded_at, e.hold_id, e.member_id) < (%(at)s, %(id)s::uuid, %(of)s::uuid))
ORDER BY e.recorded_at DESC, e.hold_id DESC, e.member_id DESC LIMIT %(limit)s
"""
)
LIST_ALL: LiteralString = (
    _OF_ALL
    + """
LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
WHERE (%(at)s::timestamptz IS NULL OR (h.placed_at, h.hold_id, h.member_id) < (%(at)s, %(id)s::uuid, %(of)s::uuid))
  AND (%(member)s::uuid IS NULL OR h.member_id = %(member)s)
ORDER BY h.placed_at DESC, h.hold_id DESC, h.member_id DESC LIMIT %(limit)s
"""
)
SEQ_OF: LiteralString = "SELECT seq FROM holds WHERE member_id = %s AND hold_id = %s"


async def read_holds(
    tx: Transaction, member_id: UUID, *, hold_id: UUID | None, is_open: bool, before: int, limit: int, now: datetime
) -> Rows:
    """Return holds with their ends, the latest first, a row for each lot of which they keep something."""
    parameters = {
        "member": member_id,
        "hold": hold_id,
        "open": is_open,
        "before": before,
        "limit": limit,
        "now": now,
    }
    return await tx.rows(READ_HOLDS, parameters)


async def list_holds(
    tx: Transaction,
    *,
    state: str | None,
    member_id: UUID | None,
    after: tuple[datetime, UUID, UUID] | None,
    limit: int,
    now: datetime,
) -> Rows:
    """Return holds of all members, a row each, in the order of their state."""
    at, hold_id, of = after or (None, None, None)
    asked = {"now": now, "at": at, "id": hold_id, "of": of, "limit": limit, "how": state, "member": member_id}
    if state == "open":
        return await tx.rows(LIST_OPEN, asked)
    return await tx.rows(LIST_ALL if state is None else LIST_ENDED, asked)


async def seq_of(tx: Transaction, member_id: UUID, hold_id: UUID) -> int | None:
    """Return the number of a hold in its member's books."""
    rows = await tx.rows(SEQ_OF, (member_id, hold_id))
    return rows[0][0] if rows else None
