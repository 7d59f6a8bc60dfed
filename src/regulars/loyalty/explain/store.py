"""SQL of explanations: what a decision recorded. Each question is one or two rows by a key, or a sum over one member.

The keys: `ledger_transfers (member_id, seq)` and `(member_id, reference)`, `settlements (member_id, order_id)`,
`lots (member_id, lot_no)`, `lot_uses (member_id, seq, use_no)`. docs/explain.md says which question stands on which.
"""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from regulars.platform.db.transaction import Rows, Statement, Transaction

TRANSFER: LiteralString = """
SELECT t.seq, w.code, t.kind, CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END, t.debt_change,
       t.qualifying, t.reference, t.order_id, t.effective_at, t.recorded_at, t.policy_version, t.basis, b.time_zone,
       l.amount, l.earned_at, l.available_at, l.expires_at,
       s.total_minor, s.points_used, s.base, s.multiplier, s.tier, s.policy_version
FROM ledger_transfers AS t
JOIN wallets AS w ON w.wallet_id = t.wallet_id
JOIN member_books AS b ON b.member_id = t.member_id
LEFT JOIN lots AS l ON l.member_id = t.member_id AND l.lot_no = t.seq
LEFT JOIN settlements AS s ON s.member_id = t.member_id AND s.order_id = t.order_id
WHERE t.member_id = %s AND t.seq = %s
"""
TAKEN: LiteralString = """
SELECT count(DISTINCT u.lot_no), coalesce(sum(u.amount), 0)::bigint, min(l.expires_at), min(l.earned_at)
FROM lot_uses AS u JOIN lots AS l ON l.member_id = u.member_id AND l.lot_no = u.lot_no
WHERE u.member_id = %s AND u.seq = %s AND u.amount > 0
"""
FIRST_LOTS: LiteralString = """
SELECT u.lot_no FROM lot_uses AS u WHERE u.member_id = %s AND u.seq = %s ORDER BY u.use_no LIMIT %s
"""
# What earlier returns of an order took away and gave back. References of a return begin with its cause.
EARLIER_RETURNS: LiteralString = """
SELECT coalesce(sum(t.amount) FILTER (WHERE t.kind = 'claw_back' AND t.qualifying), 0)::bigint,
       coalesce(sum(t.amount) FILTER (WHERE t.kind = 'give_back'), 0)::bigint
FROM ledger_transfers AS t
WHERE t.member_id = %(member)s AND t.reference >= %(first)s AND t.reference < %(behind)s AND t.order_id = %(order)s
  AND t.seq < (
    SELECT min(o.seq) FROM ledger_transfers AS o
    WHERE o.member_id = %(member)s AND o.reference >= %(own)s AND o.reference < %(own_behind)s)
"""
OWN_RETURN: LiteralString = """
SELECT t.kind, t.qualifying, t.amount FROM ledger_transfers AS t
WHERE t.member_id = %s AND t.reference >= %s AND t.reference < %s ORDER BY t.seq
"""
MOVED: LiteralString = """
SELECT t.kind, count(*), sum(CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END)::bigint
FROM ledger_transfers AS t JOIN wallets AS w ON w.wallet_id = t.wallet_id
WHERE t.member_id = %s AND w.code = %s AND t.recorded_at <= %s GROUP BY t.kind ORDER BY min(t.seq)
"""
LOT: LiteralString = """
SELECT w.code, l.amount, l.remaining, coalesce(k.amount, 0), l.available_at, l.expires_at
FROM lots AS l JOIN wallets AS w ON w.wallet_id = l.wallet_id
LEFT JOIN LATERAL (
    SELECT sum(p.amount)::bigint AS amount
    FROM hold_lots AS p JOIN holds AS h ON h.member_id = p.member_id AND h.hold_id = p.hold_id
    LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
    WHERE p.member_id = l.member_id AND p.lot_no = l.lot_no AND h.deadline > %s AND e.hold_id IS NULL
) AS k ON true
WHERE l.member_id = %s AND l.lot_no = %s
"""
TIME_ZONE: LiteralString = "SELECT time_zone FROM member_books WHERE member_id = %s"


async def transfer(tx: Transaction, member_id: UUID, seq: int, lots: int) -> tuple[tuple[Any, ...] | None, Rows, Rows]:
    """Return a transfer with its lot and its order's settlement, what it took from lots, and the first of those."""
    found, taken, first = await tx.read(
        Statement(TRANSFER, (member_id, seq)),
        Statement(TAKEN, (member_id, seq)),
        Statement(FIRST_LOTS, (member_id, seq, lots)),
    )
    return (found[0] if found else None), taken, first


async def around_return(
    tx: Transaction, member_id: UUID, order_id: str, cause: str
) -> tuple[tuple[int, int], list[tuple[str, bool, int]]]:
    """Return the (growth taken away, points given back) by earlier returns of an order, and a return's own transfers.

    The latter are (kind, whether it qualifies, amount).
    """
    beginning = f"order:{order_id}:return:"
    parameters = {
        "member": member_id,
        "order": order_id,
        "first": beginning,
        "behind": f"{beginning[:-1]};",
        "own": f"{cause}:",
        "own_behind": f"{cause};",
    }
    earlier, own = await tx.read(
        Statement(EARLIER_RETURNS, parameters), Statement(OWN_RETURN, (member_id, f"{cause}:", f"{cause};"))
    )
    return (earlier[0][0], earlier[0][1]), [(row[0], row[1], row[2]) for row in own]


async def moved(tx: Transaction, member_id: UUID, wallet: str, at: datetime) -> Rows:
    """Return (kind, transfers, signed sum) of a member's wallet as recorded by an instant, in order of appearance."""
    return await tx.rows(MOVED, (member_id, wallet, at))


async def lot(tx: Transaction, member_id: UUID, lot_no: int) -> tuple[Any, ...] | None:
    """Return a lot as it stands: wallet, amount, remaining, held, and its term."""
    rows = await tx.rows(LOT, (tx.now, member_id, lot_no))
    return rows[0] if rows else None


async def time_zone(tx: Transaction, member_id: UUID) -> str | None:
    """Return the time zone of a member's books; None of who has none."""
    rows = await tx.rows(TIME_ZONE, (member_id,))
    return rows[0][0] if rows else None
