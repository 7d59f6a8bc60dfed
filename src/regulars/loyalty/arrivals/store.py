"""SQL of arrivals: which version has come and is not booked yet, and who may rise by it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from regulars.platform.db.holders import holders_of
from regulars.platform.db.transaction import Rows, Transaction

OPEN: LiteralString = """
SELECT p.version, p.active_from, a.begun_at
FROM loyalty_policies AS p LEFT JOIN policy_arrivals AS a ON a.version = p.version
WHERE p.active_from <= %s AND a.finished_at IS NULL
  AND NOT EXISTS (SELECT FROM policy_withdrawals AS w WHERE w.version = p.version)
ORDER BY p.version LIMIT 1
"""
BEGIN: LiteralString = """
INSERT INTO policy_arrivals (version, begun_at, swept_to) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
RETURNING version
"""
TAKE: LiteralString = """
SELECT swept_to, awaits FROM policy_arrivals WHERE version = %s AND finished_at IS NULL FOR UPDATE SKIP LOCKED
"""
SWEPT: LiteralString = "UPDATE policy_arrivals SET swept_to = %s, awaits = %s WHERE version = %s"
FINISHED: LiteralString = "UPDATE policy_arrivals SET finished_at = %s WHERE version = %s"
SPAN: LiteralString = """
SELECT member_id FROM member_books WHERE member_id > %s ORDER BY member_id OFFSET %s LIMIT 1
"""
# Whose tier a version that lifts may change when it comes, or whose review: everybody above the lowest tier, and of the
# lowest those whose growth in the new window suffices for the next.
TOUCHED: LiteralString = """
SELECT b.member_id FROM member_books AS b
WHERE b.member_id > %(after)s AND b.member_id <= %(until)s AND b.merged_into IS NULL AND b.policy_seen < %(version)s
  AND (b.tier > 0 OR (b.window_at IS NOT NULL AND %(enough)s <= (
      SELECT coalesce(sum(CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END), 0)
      FROM ledger_transfers AS t
      WHERE t.member_id = b.member_id AND t.qualifying AND t.effective_at > %(since)s AND t.effective_at <= %(at)s
  )))
ORDER BY b.member_id
"""
NOBODY = UUID(int=0)
EVERYBODY = UUID(int=2**128 - 1)


async def next_arrival(tx: Transaction, now: datetime) -> tuple[int, datetime, datetime | None] | None:
    """Return the first version that came and is not booked to its end: number, instant, when begun (None: not yet)."""
    rows = await tx.rows(OPEN, (now,))
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else None


async def begin(tx: Transaction, version: int, now: datetime) -> bool:
    """Begin to book a version; False where somebody else just did."""
    return bool(await tx.rows(BEGIN, (version, now, NOBODY)))


async def take(tx: Transaction, version: int) -> tuple[UUID, list[str] | None] | None:
    """Return how far the booking of a version has come, locked, and for whom it waits (None: nobody looked yet).

    None where another worker is at it.
    """
    rows = await tx.rows(TAKE, (version,))
    return (rows[0][0], rows[0][1]) if rows else None


def swept(tx: Transaction, version: int, until: UUID, awaited: Sequence[str]) -> None:
    """Note how far it has come, and for whom it waits."""
    tx.write(SWEPT, (until, list(awaited), version))


async def holders(tx: Transaction) -> list[str]:
    """Return the transactions under way that may not have read that a version's booking began."""
    return await holders_of(tx, "policy_arrivals")


def finished(tx: Transaction, version: int, now: datetime) -> None:
    """Note that it is done."""
    tx.write(FINISHED, (now, version))


async def span_after(tx: Transaction, after: UUID, members: int) -> UUID:
    """Return the last member id of the next so many books; the highest id there can be where fewer are left."""
    rows = await tx.rows(SPAN, (after, members - 1))
    found: UUID = rows[0][0] if rows else EVERYBODY
    return found


async def touched(
    tx: Transaction, after: UUID, until: UUID, *, version: int, at: datetime, window: timedelta, enough: int
) -> Sequence[UUID]:
    """Return of the members in `(after, until]` those whom a version may touch when it comes, by id.

    `enough` is what the second tier asks for, in the window that ends at `at`.
    """
    rows: Rows = await tx.rows(
        TOUCHED,
        {"after": after, "until": until, "version": version, "at": at, "since": at - window, "enough": enough},
    )
    return [row[0] for row in rows]
