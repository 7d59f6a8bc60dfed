"""SQL of lineage: what the references of an order lead to."""

from typing import LiteralString
from uuid import UUID

from regulars.platform.db.transaction import Rows, Statement, Transaction

# References of an order all begin with `order:{id}:`; in the collation C the character after `:` is `;`.
TRANSFERS: LiteralString = """
SELECT t.seq, w.code, t.kind, t.amount, t.credit_account %% 100 = 0, t.debt_change, t.reference, t.effective_at,
       t.recorded_at, t.policy_version, t.basis
FROM ledger_transfers AS t JOIN wallets AS w ON w.wallet_id = t.wallet_id
WHERE t.member_id = %s AND t.reference >= %s AND t.reference < %s AND t.order_id = %s
ORDER BY t.seq
"""
LOTS: LiteralString = """
SELECT l.lot_no, l.amount, l.remaining, l.earned_at, l.available_at, l.expires_at
FROM lots AS l WHERE l.member_id = %s AND l.lot_no = ANY (%s::bigint[]) ORDER BY l.lot_no
"""
USES_OF_LOTS: LiteralString = """
SELECT u.lot_no, u.seq, u.amount, t.kind, t.reference, t.order_id, t.recorded_at
FROM lot_uses AS u JOIN ledger_transfers AS t ON t.member_id = u.member_id AND t.seq = u.seq
WHERE u.member_id = %s AND u.lot_no = ANY (%s::bigint[]) AND u.amount <> 0
ORDER BY u.lot_no, u.seq, u.use_no
"""
LOTS_TAKEN: LiteralString = """
SELECT u.seq, u.lot_no, u.amount, u.gives_back, t.kind, t.reference, t.order_id, l.expires_at
FROM lot_uses AS u
JOIN lots AS l ON l.member_id = u.member_id AND l.lot_no = u.lot_no
JOIN ledger_transfers AS t ON t.member_id = u.member_id AND t.seq = u.lot_no
WHERE u.member_id = %s AND u.seq = ANY (%s::bigint[])
ORDER BY u.seq, u.use_no
"""
TIER_CHANGES: LiteralString = """
SELECT c.seq, c.from_tier, c.to_tier, c.cause, c.reference, c.metric, c.policy_version, c.recorded_at
FROM tier_changes AS c
WHERE c.member_id = %s AND (c.reference = %s OR (c.reference >= %s AND c.reference < %s)) ORDER BY c.seq
"""

SETTLED: LiteralString = """
SELECT s.member_id, s.order_id, s.total_minor, s.returned_minor, s.points_used
FROM settlements AS s WHERE s.member_id > %s AND (%s::uuid IS NULL OR s.member_id <= %s)
"""


async def settled(tx: Transaction, after: UUID, up_to: UUID | None) -> Rows:
    """Return the settlements of the members whose id follows `after`, up to another's (None: to the last)."""
    return await tx.rows(SETTLED, (after, up_to, up_to))


async def transfers(tx: Transaction, member_id: UUID, order_id: str) -> tuple[Rows, Rows]:
    """Return the transfers and the tier changes that an order and its returns caused."""
    reference = f"order:{order_id}"
    caused, changes = await tx.read(
        Statement(TRANSFERS, (member_id, f"{reference}:", f"{reference};", order_id)),
        Statement(TIER_CHANGES, (member_id, reference, f"{reference}:return:", f"{reference}:return;")),
    )
    return caused, changes


async def lots(tx: Transaction, member_id: UUID, seqs: list[int]) -> tuple[Rows, Rows, Rows]:
    """Return the lots that transfers brought, what was taken from them since, and what the transfers took from lots."""
    brought, uses, taken = await tx.read(
        Statement(LOTS, (member_id, seqs)),
        Statement(USES_OF_LOTS, (member_id, seqs)),
        Statement(LOTS_TAKEN, (member_id, seqs)),
    )
    return brought, uses, taken
