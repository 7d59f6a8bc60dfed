"""SQL of what outstanding units are made of, a slice of members at a time, and of what a month learned late."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from regulars.platform.db.transaction import Rows, Statement, Transaction

COUNT_BOOKS: LiteralString = """
SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'member_books'::regclass
"""
NEXT_BOOKS: LiteralString = """
SELECT max(member_id::text), count(*)::bigint FROM (
    SELECT member_id FROM member_books WHERE member_id > %s ORDER BY member_id LIMIT %s) AS slice
"""
# As the liability's parts are: what is left in lots and what was taken since, and apart from it what holds kept.
COMPOSITION: LiteralString = """
WITH slice AS (
    SELECT b.member_id, b.time_zone, m.market FROM member_books AS b JOIN members AS m ON m.member_id = b.member_id
    WHERE b.member_id > %(after)s AND b.member_id <= %(up_to)s
), since AS (
    SELECT t.member_id, t.seq FROM slice JOIN ledger_transfers AS t ON t.member_id = slice.member_id
    WHERE t.recorded_at > %(at)s
), used AS (
    SELECT u.member_id, u.lot_no, sum(u.amount)::bigint AS amount
    FROM since JOIN lot_uses AS u ON u.member_id = since.member_id AND u.seq = since.seq
    GROUP BY u.member_id, u.lot_no
), ranks AS (
    SELECT DISTINCT ON (c.member_id) c.member_id, c.to_tier
    FROM slice JOIN tier_changes AS c ON c.member_id = slice.member_id
    WHERE c.recorded_at <= %(at)s ORDER BY c.member_id, c.seq DESC
), left_over AS (
    SELECT l.member_id, l.lot_no, l.wallet_id, l.remaining AS units, 0::bigint AS held, l.earned_at, l.available_at,
           l.expires_at
    FROM slice JOIN lots AS l ON l.member_id = slice.member_id WHERE l.remaining > 0
    UNION ALL
    SELECT l.member_id, l.lot_no, l.wallet_id, used.amount, 0, l.earned_at, l.available_at, l.expires_at
    FROM used JOIN lots AS l ON l.member_id = used.member_id AND l.lot_no = used.lot_no
    UNION ALL
    SELECT l.member_id, l.lot_no, l.wallet_id, -p.amount, p.amount, l.earned_at, l.available_at, l.expires_at
    FROM slice JOIN holds AS h ON h.member_id = slice.member_id
    JOIN hold_lots AS p ON p.member_id = h.member_id AND p.hold_id = h.hold_id
    JOIN lots AS l ON l.member_id = p.member_id AND l.lot_no = p.lot_no
    LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
    WHERE h.placed_at <= %(at)s AND h.deadline > %(at)s AND (e.recorded_at IS NULL OR e.recorded_at > %(at)s)
)
SELECT w.code, s.market, coalesce(r.to_tier, 0)::integer,
       to_char(p.earned_at AT TIME ZONE s.time_zone, 'YYYY-MM'),
       to_char((p.expires_at - interval '1 microsecond') AT TIME ZONE s.time_zone, 'YYYY-MM'),
       coalesce(sum(p.units) FILTER (WHERE p.available_at <= %(at)s AND p.expires_at > %(at)s), 0)::bigint,
       sum(p.held)::bigint,
       coalesce(sum(p.units) FILTER (WHERE p.available_at > %(at)s AND p.expires_at > %(at)s), 0)::bigint,
       coalesce(sum(p.units) FILTER (WHERE p.expires_at <= %(at)s), 0)::bigint
FROM left_over AS p
JOIN slice AS s ON s.member_id = p.member_id
JOIN wallets AS w ON w.wallet_id = p.wallet_id
LEFT JOIN ranks AS r ON r.member_id = p.member_id
WHERE NOT EXISTS (SELECT FROM since WHERE since.member_id = p.member_id AND since.seq = p.lot_no)
GROUP BY 1, 2, 3, 4, 5
"""
# Recorded within a month, having happened before it began.
_LATE: LiteralString = """
WITH of AS (SELECT * FROM unnest(%(markets)s::text[], %(since)s::timestamptz[], %(until)s::timestamptz[])
            AS of (market, since, until)),
late AS (
    SELECT t.*, of.market FROM ledger_transfers AS t
    JOIN members AS m ON m.member_id = t.member_id JOIN of ON of.market = m.market
    WHERE t.recorded_at >= %(first)s AND t.recorded_at < %(last)s
      AND t.recorded_at >= of.since AND t.recorded_at < of.until AND t.effective_at < of.since
)
"""
LATE_SUMS: LiteralString = (
    _LATE
    + """
SELECT w.code, late.market, late.kind, count(*)::bigint,
       sum(CASE WHEN late.credit_account %% 100 = 0 THEN late.amount ELSE -late.amount END)::bigint,
       sum(late.debt_change)::bigint, min(late.effective_at)
FROM late JOIN wallets AS w ON w.wallet_id = late.wallet_id GROUP BY w.wallet_id, w.code, late.market, late.kind
ORDER BY w.wallet_id, late.market, late.kind
"""
)
LATE_ROWS: LiteralString = (
    _LATE
    + """
SELECT late.member_id, w.code, late.kind,
       CASE WHEN late.credit_account %% 100 = 0 THEN late.amount ELSE -late.amount END,
       late.effective_at, late.recorded_at
FROM late JOIN wallets AS w ON w.wallet_id = late.wallet_id
ORDER BY late.recorded_at, late.member_id, late.seq LIMIT %(limit)s
"""
)


async def count_books(tx: Transaction) -> int:
    """Return about how many members have books, as the planner knows it."""
    found: int = (await tx.rows(COUNT_BOOKS))[0][0]
    return found


async def next_books(tx: Transaction, after: UUID, at_most: int) -> tuple[UUID | None, int]:
    """Return the last of the next members, by id, and how many they are; None: there are no more."""
    last, count = (await tx.rows(NEXT_BOOKS, (after, at_most)))[0]
    return (None if last is None else UUID(last)), count


async def composition(tx: Transaction, after: UUID, up_to: UUID, at: datetime) -> Rows:
    """Return (wallet, market, tier, month earned, month it runs out in, spendable, held, pending, run out)."""
    return await tx.rows(COMPOSITION, {"after": after, "up_to": up_to, "at": at})


async def late(tx: Transaction, bounds: Rows, limit: int) -> tuple[Rows, Rows]:
    """Return of what a month learned late the sums by (wallet, market, kind), and the first rows.

    `bounds` are (market, time zone, since, until); a month without a beginning, the first, learned nothing late.
    """
    known = [row for row in bounds if row[2] is not None]
    if not known:
        return [], []
    asked = {
        "markets": [row[0] for row in known],
        "since": [row[2] for row in known],
        "until": [row[3] for row in known],
        "first": min([row[2] for row in known]),
        "last": max([row[3] for row in known]),
        "limit": limit,
    }
    sums, rows = await tx.read(Statement(LATE_SUMS, asked), Statement(LATE_ROWS, asked))
    return sums, rows
