"""SQL of the sums that are kept of members with many transfers: written after these, and compared with them."""

from typing import LiteralString
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.snapshots import EVENTS_IN_WINDOW, Window
from regulars.platform.db.transaction import Transaction

# For members in `due` (member_id, done, upto): the sums of every 256 entries behind those that are done.
_SUMS: LiteralString = """
piece AS (
    SELECT t.member_id, (t.seq + 255) / 256 * 256 AS seq, t.wallet_id, t.kind, count(*) AS transfers,
           sum(CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END) AS units,
           min(t.seq) AS first_seq, max(t.recorded_at) AS recorded_at
    FROM due JOIN ledger_transfers AS t ON t.member_id = due.member_id AND t.seq > due.done AND t.seq <= due.upto
    GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT s.member_id, s.seq, s.wallet_id, s.kind, s.transfers, s.units, s.first_seq, s.recorded_at
    FROM due JOIN book_sums AS s ON s.member_id = due.member_id AND s.seq = due.done
), place AS (
    SELECT due.member_id, m.seq, p.wallet_id, p.kind
    FROM due CROSS JOIN LATERAL generate_series(due.done, due.upto, 256) AS m (seq)
    JOIN (SELECT DISTINCT member_id, wallet_id, kind FROM piece) AS p ON p.member_id = due.member_id
), sums AS (
    SELECT c.member_id, c.seq, c.wallet_id, c.kind, (sum(p.transfers) OVER of_kind)::bigint AS transfers,
           (sum(p.units) OVER of_kind)::bigint AS units, min(p.first_seq) OVER of_kind AS first_seq,
           max(p.recorded_at) OVER (PARTITION BY c.member_id ORDER BY c.seq) AS recorded_at
    FROM place AS c LEFT JOIN piece AS p ON p.member_id = c.member_id AND p.seq = c.seq AND p.wallet_id = c.wallet_id
        AND p.kind = c.kind
    WINDOW of_kind AS (PARTITION BY c.member_id, c.wallet_id, c.kind ORDER BY c.seq)
)
"""
_DUE: LiteralString = """, due AS (
    SELECT b.member_id, (b.next_seq - 1) / 256 * 256 AS upto,
           coalesce((SELECT max(s.seq) FROM book_sums AS s WHERE s.member_id = b.member_id), 0) AS done
    FROM told JOIN member_books AS b ON b.member_id = told.member_id WHERE b.next_seq > 256
), """
_INSERT: LiteralString = """
INSERT INTO book_sums
SELECT sums.* FROM sums JOIN due ON due.member_id = sums.member_id
WHERE sums.seq > due.done AND sums.transfers IS NOT NULL
"""
_WRITE: LiteralString = _DUE + _SUMS + _INSERT
WRITE_OF_SOME: LiteralString = (
    "WITH events AS ("  # noqa: S608 - our own text
    + EVENTS_IN_WINDOW
    + "), told AS (SELECT DISTINCT member_id FROM events)"
    + _WRITE
)
WRITE_OF_ALL: LiteralString = (
    "WITH told AS (SELECT member_id FROM member_books WHERE next_seq > 256)"  # noqa: S608 - our own text
    + _WRITE
)
DIFFERENT: LiteralString = (
    "WITH due AS (SELECT s.member_id, 0::bigint AS done, max(s.seq) AS upto FROM book_sums AS s GROUP BY 1), "  # noqa: S608 - our own text
    + _SUMS
    + """, facts AS (
    SELECT * FROM sums WHERE transfers IS NOT NULL AND (member_id, seq) IN (SELECT member_id, seq FROM book_sums)
)
SELECT DISTINCT member_id FROM (
    (SELECT * FROM facts EXCEPT TABLE book_sums) UNION ALL (TABLE book_sums EXCEPT SELECT * FROM facts)
) AS different ORDER BY 1 LIMIT %(limit)s
"""
)


def write_sums(tx: Transaction, window: Window | None, types: tuple[str, ...]) -> None:
    """Add what is lacking of the members whom events of a window concern; with None, everything anew."""
    if window is None:
        tx.write("DELETE FROM book_sums")
        tx.write(WRITE_OF_ALL)
    else:
        tx.write(WRITE_OF_SOME, {**window._asdict(), "types": arrays.texts(types)})


async def differing(tx: Transaction, limit: int) -> list[UUID]:
    """Return members whose sums are not what their transfers give."""
    return [member for (member,) in await tx.rows(DIFFERENT, {"limit": limit})]
