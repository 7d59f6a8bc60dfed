"""SQL of explanations: what a decision recorded. Each question is one or two rows by a key, or a sum over one member.

The keys: `ledger_transfers (member_id, seq)` and `(member_id, reference)`, `settlements (member_id, order_id)`,
`lots (member_id, lot_no)`, `lot_uses (member_id, seq, use_no)`. docs/explain.md says which question stands on which.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from regulars.platform.db.transaction import Rows, Statement, Transaction

LAST: Final = 2**62  # no book has so many entries

TRANSFERS: LiteralString = """
SELECT t.seq, w.code, t.kind, CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END, t.debt_change,
       t.qualifying, t.reference, t.order_id, t.effective_at, t.recorded_at, t.policy_version, t.basis, b.time_zone,
       l.amount, l.earned_at, l.available_at, l.expires_at,
       s.total_minor, s.points_used, s.base, s.multiplier, s.tier, s.policy_version, q.policy_version
FROM ledger_transfers AS t
JOIN wallets AS w ON w.wallet_id = t.wallet_id
JOIN member_books AS b ON b.member_id = t.member_id
LEFT JOIN lots AS l ON l.member_id = t.member_id AND l.lot_no = t.seq
LEFT JOIN settlements AS s ON s.member_id = t.member_id AND s.order_id = t.order_id
LEFT JOIN adjustment_requests AS q ON q.member_id = t.member_id AND q.request_id =
    CASE WHEN t.kind = 'adjust' THEN substring(t.reference FROM '^adjustment:([0-9a-f]{32})$')::uuid END
WHERE t.member_id = %s AND t.seq = ANY (%s::bigint[])
"""
TAKEN: LiteralString = """
SELECT u.seq, count(DISTINCT u.lot_no), sum(u.amount)::bigint, min(l.expires_at), min(l.earned_at)
FROM lot_uses AS u JOIN lots AS l ON l.member_id = u.member_id AND l.lot_no = u.lot_no
WHERE u.member_id = %s AND u.seq = ANY (%s::bigint[]) AND u.amount > 0 GROUP BY u.seq
"""
FIRST_LOTS: LiteralString = """
SELECT asked.seq, u.lot_no
FROM unnest(%(seqs)s::bigint[]) AS asked (seq)
CROSS JOIN LATERAL (
    SELECT o.lot_no, o.use_no FROM lot_uses AS o
    WHERE o.member_id = %(member)s AND o.seq = asked.seq ORDER BY o.use_no LIMIT %(limit)s
) AS u
ORDER BY asked.seq, u.use_no
"""
# What earlier returns of an order took away and gave back. References of a return begin with its cause.
EARLIER_RETURNS: LiteralString = """
SELECT asked.cause,
       coalesce(sum(t.amount) FILTER (WHERE t.kind = 'claw_back' AND t.qualifying), 0)::bigint,
       coalesce(sum(t.amount) FILTER (WHERE t.kind = 'give_back'), 0)::bigint
FROM unnest(%(causes)s::text[], %(orders)s::text[]) AS asked (cause, order_id)
LEFT JOIN ledger_transfers AS t
  ON t.member_id = %(member)s AND t.order_id = asked.order_id
  AND t.reference >= 'order:' || asked.order_id || ':return:' AND t.reference < 'order:' || asked.order_id || ':return;'
  AND t.seq < (
    SELECT min(o.seq) FROM ledger_transfers AS o
    WHERE o.member_id = %(member)s AND o.reference >= asked.cause || ':' AND o.reference < asked.cause || ';')
GROUP BY asked.cause
"""
OWN_RETURN: LiteralString = """
SELECT asked.cause, t.kind, t.qualifying, t.amount
FROM unnest(%(causes)s::text[]) AS asked (cause)
JOIN ledger_transfers AS t
  ON t.member_id = %(member)s AND t.reference >= asked.cause || ':' AND t.reference < asked.cause || ';'
ORDER BY t.seq
"""
# Whoever has many transfers has sums of most of them: those before the last sum that was recorded by then are taken
# from it, and the rest lies before the next one.
MOVED: LiteralString = """
WITH kept AS (
    SELECT coalesce(max(s.seq) FILTER (WHERE s.recorded_at <= %(at)s), 0) AS seq,
           coalesce(min(s.seq) FILTER (WHERE s.recorded_at > %(at)s), %(last)s) AS following
    FROM book_sums AS s WHERE s.member_id = %(member)s
), moved AS (
    SELECT s.wallet_id, s.kind, s.transfers, s.units, s.first_seq
    FROM kept JOIN book_sums AS s ON s.member_id = %(member)s AND s.seq = kept.seq
    UNION ALL
    SELECT t.wallet_id, t.kind, 1, CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END, t.seq
    FROM kept JOIN ledger_transfers AS t ON t.member_id = %(member)s AND t.seq > kept.seq AND t.seq <= kept.following
    WHERE t.recorded_at <= %(at)s
)
SELECT w.code, m.kind, sum(m.transfers)::bigint, sum(m.units)::bigint
FROM moved AS m JOIN wallets AS w ON w.wallet_id = m.wallet_id
WHERE w.code = ANY (%(wallets)s::text[]) GROUP BY w.code, m.kind ORDER BY min(m.first_seq)
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


async def transfers(
    tx: Transaction, member_id: UUID, seqs: list[int], lots: int
) -> tuple[Rows, dict[int, tuple[Any, ...]], dict[int, list[int]]]:
    """Return transfers with their lots and their orders' settlements; by `seq` what each took, and the first lots."""
    found, taken, first = await tx.read(
        Statement(TRANSFERS, (member_id, seqs)),
        Statement(TAKEN, (member_id, seqs)),
        Statement(FIRST_LOTS, {"member": member_id, "seqs": seqs, "limit": lots}),
    )
    named: dict[int, list[int]] = {}
    for seq, lot_no in first:
        named.setdefault(seq, []).append(lot_no)
    return found, {row[0]: row[1:] for row in taken}, named


async def around_returns(
    tx: Transaction, member_id: UUID, causes: Mapping[str, str]
) -> dict[str, tuple[int, int, list[tuple[str, bool, int]]]]:
    """Return, by the cause of a return (given with its order), what returns before it did, and its own transfers.

    The first two are growth taken away and points given back before it; its own are (kind, qualifying, amount).
    """
    values = {"member": member_id, "causes": list(causes), "orders": list(causes.values())}
    earlier, own = await tx.read(Statement(EARLIER_RETURNS, values), Statement(OWN_RETURN, values))
    found: dict[str, tuple[int, int, list[tuple[str, bool, int]]]] = {row[0]: (row[1], row[2], []) for row in earlier}
    for cause, kind, qualifying, amount in own:
        found[cause][2].append((kind, qualifying, amount))
    return found


async def moved(tx: Transaction, member_id: UUID, wallets: Sequence[str], at: datetime) -> tuple[str | None, Rows]:
    """Return, in one round trip, the time zone of a member's books, and what moved.

    That is (wallet, kind, transfers, signed sum) as recorded by an instant, in order of appearance.
    """
    asked = {"member": member_id, "wallets": list(wallets), "at": at, "last": LAST}
    zone, found = await tx.read(Statement(TIME_ZONE, (member_id,)), Statement(MOVED, asked))
    return zone[0][0] if zone else None, found


async def lot(tx: Transaction, member_id: UUID, lot_no: int) -> tuple[Any, ...] | None:
    """Return a lot as it stands: wallet, amount, remaining, held, and its term."""
    rows = await tx.rows(LOT, (tx.now, member_id, lot_no))
    return rows[0] if rows else None


async def time_zone(tx: Transaction, member_id: UUID) -> str | None:
    """Return the time zone of a member's books; None of who has none."""
    rows = await tx.rows(TIME_ZONE, (member_id,))
    return rows[0][0] if rows else None
