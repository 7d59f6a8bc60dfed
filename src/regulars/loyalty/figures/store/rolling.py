"""SQL that rolls the books up: each statement writes the sums of some days, or says where sums and books differ."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import LiteralString

from regulars.platform.db import arrays
from regulars.platform.db.snapshots import EVENTS_IN_WINDOW, Window
from regulars.platform.db.transaction import Statement, Transaction
from regulars.platform.rollups.contracts import EVER, Span

BOOKED = (
    "OrderPaid",
    "OrderReturned",
    "PointsAccrued",
    "PointsAdjusted",
    "PointsExpired",
    "PointsExtended",
    "PointsMoved",
    "PointsRedeemed",
)
_MOVED = ("TierLost", "TierReached")
_MERGED = ("MemberMerged", "MergeUndone")

_BETWEEN: LiteralString = """
WHERE t.recorded_at >= %(since)s::timestamptz AND t.recorded_at < %(until)s::timestamptz
  AND (t.recorded_at AT TIME ZONE k.time_zone)::date BETWEEN %(first)s::date AND %(last)s::date
"""
# Added up as finely as any roll-up asks, in one pass over the transfers.
_BOOKED_IN: LiteralString = (
    """
SELECT t.wallet_id, (t.recorded_at AT TIME ZONE k.time_zone)::date AS day, m.market, t.kind,
       date_bin('5 minutes', t.recorded_at, '2000-01-01 00:00:00+00') AS began_at, count(*) AS transfers,
       sum(CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END) AS units,
       sum(t.debt_change) AS debt_change
FROM ledger_transfers AS t JOIN members AS m ON m.member_id = t.member_id JOIN markets AS k ON k.code = m.market
"""
    + _BETWEEN
    + "GROUP BY 1, 2, 3, 4, 5"
)
_POINTS: LiteralString = """
SELECT wallet_id, day, market, kind, sum(transfers)::integer, sum(units)::bigint, sum(debt_change)::bigint
FROM booked GROUP BY 1, 2, 3, 4
"""
_MINUTES: LiteralString = """
SELECT began_at, wallet_id, market, day, sum(units)::bigint AS units, sum(debt_change)::bigint AS debt_change
FROM booked GROUP BY 1, 2, 3, 4
"""
_MONTHS: LiteralString = """
SELECT wallet_id, date_trunc('month', day)::date AS day, market, kind, sum(transfers)::bigint, sum(units)::bigint,
       sum(debt_change)::bigint
FROM booked GROUP BY 1, 2, 3, 4
"""
# Days are written anew. Of five-minute spans, of which there are more, what is another one only.
_WRITE_BOOKED: LiteralString = (
    "WITH booked AS MATERIALIZED ("  # noqa: S608 - our own text
    + _BOOKED_IN
    + "), spans AS MATERIALIZED ("
    + _MINUTES
    + """), gone AS (
    DELETE FROM points_minutes AS old
    WHERE old.began_at >= %(since)s::timestamptz - interval '5 minutes' AND old.began_at < %(until)s::timestamptz
      AND old.day BETWEEN %(first)s::date AND %(last)s::date
      AND NOT EXISTS (
          SELECT FROM spans AS new
          WHERE new.began_at = old.began_at AND new.wallet_id = old.wallet_id AND new.market = old.market
            AND new.day = old.day)
), days AS (INSERT INTO points_days"""
    + _POINTS
    + """)
INSERT INTO points_minutes AS old SELECT * FROM spans ORDER BY began_at
ON CONFLICT (began_at, wallet_id, market, day) DO UPDATE SET units = excluded.units, debt_change = excluded.debt_change
WHERE (old.units, old.debt_change) <> (excluded.units, excluded.debt_change)
"""
)
_DELETE_MONTHS: LiteralString = """
DELETE FROM points_months
WHERE month BETWEEN date_trunc('month', %(first)s::date)::date AND date_trunc('month', %(last)s::date)::date
"""
_WRITE_MONTHS: LiteralString = """
INSERT INTO points_months
SELECT d.wallet_id, date_trunc('month', d.day)::date, d.market, d.kind, sum(d.transfers)::bigint, sum(d.units)::bigint,
       sum(d.debt_change)::bigint
FROM wallets AS w JOIN points_days AS d ON d.wallet_id = w.wallet_id
WHERE d.day >= date_trunc('month', %(first)s::date)::date
  AND d.day < (date_trunc('month', %(last)s::date) + interval '1 month')::date
GROUP BY 1, 2, 3, 4
"""
# Of who is part of another member nothing is counted on any day, so that a person is counted once.
_TIERS: LiteralString = (
    """
SELECT (t.recorded_at AT TIME ZONE k.time_zone)::date AS day, m.market, t.tier, sum(t.change)::integer
FROM (
    SELECT member_id, recorded_at, to_tier AS tier, 1 AS change FROM tier_changes
    UNION ALL SELECT member_id, recorded_at, from_tier, -1 FROM tier_changes
) AS t JOIN members AS m ON m.member_id = t.member_id JOIN markets AS k ON k.code = m.market
"""  # noqa: S608 - our own text
    + _BETWEEN
    + "AND m.merged_into IS NULL GROUP BY 1, 2, 3 HAVING sum(t.change) <> 0"
)
# A transfer is recorded at its event's instant or, where the member's book was ahead of that, later.
_TOUCHED: LiteralString = (
    "WITH told AS ("  # noqa: S608 - our own text
    + EVENTS_IN_WINDOW
    + """), since AS (
    SELECT member_id, min(recorded_at) AS recorded_at FROM told WHERE type = ANY (%(booked)s::text[]) GROUP BY 1
)
SELECT (t.recorded_at AT TIME ZONE k.time_zone)::date
FROM since AS s JOIN ledger_transfers AS t ON t.member_id = s.member_id AND t.recorded_at >= s.recorded_at
JOIN members AS m ON m.member_id = t.member_id JOIN markets AS k ON k.code = m.market
UNION
SELECT (told.recorded_at AT TIME ZONE k.time_zone)::date
FROM told JOIN members AS m ON m.member_id = told.member_id JOIN markets AS k ON k.code = m.market
WHERE told.type = ANY (%(moved)s::text[])
UNION
SELECT (c.recorded_at AT TIME ZONE k.time_zone)::date
FROM told JOIN tier_changes AS c ON c.member_id = told.member_id
JOIN members AS m ON m.member_id = told.member_id JOIN markets AS k ON k.code = m.market
WHERE told.type = ANY (%(merged)s::text[])
"""
)
_BOOKINGS_DIFFER: LiteralString = (
    "WITH booked AS MATERIALIZED ("  # noqa: S608 - our own text
    + _BOOKED_IN
    + "), days AS MATERIALIZED ("
    + _POINTS
    + "), months AS MATERIALIZED ("
    + _MONTHS
    + "), spans AS MATERIALIZED ("
    + _MINUTES
    + """), different AS (
    SELECT 'points_days' AS name, day FROM (
        (TABLE days EXCEPT TABLE points_days) UNION ALL (TABLE points_days EXCEPT TABLE days)
    ) AS of_days
    UNION
    SELECT 'points_minutes', day FROM (
        (TABLE spans EXCEPT TABLE points_minutes) UNION ALL (TABLE points_minutes EXCEPT TABLE spans)
    ) AS of_minutes
), different_months AS (
    SELECT DISTINCT day FROM (
        (TABLE months EXCEPT TABLE points_months) UNION ALL (TABLE points_months EXCEPT TABLE months)
    ) AS of_months
)
SELECT name, day FROM different WHERE NOT day = ANY (%(but)s::date[])
UNION ALL
SELECT 'points_months', day FROM different_months
WHERE day NOT IN (SELECT date_trunc('month', each)::date FROM unnest(%(but)s::date[]) AS each)
ORDER BY 1, 2 LIMIT %(limit)s
"""
)
_TIERS_DIFFER: LiteralString = (
    "WITH facts AS MATERIALIZED ("
    + _TIERS
    + """)
SELECT 'tier_days', day FROM (
    (TABLE facts EXCEPT TABLE tier_days) UNION ALL (TABLE tier_days EXCEPT TABLE facts)
) AS different WHERE NOT day = ANY (%(but)s::date[]) GROUP BY day ORDER BY day LIMIT %(limit)s
"""
)
_COUNT: LiteralString = """
SELECT (SELECT count(*) FROM points_days) + (SELECT count(*) FROM points_months)
     + (SELECT count(*) FROM points_minutes) + (SELECT count(*) FROM tier_days)
"""


async def touched_days(tx: Transaction, window: Window) -> list[date]:
    """Return the local days on which what the events of a window are about was recorded."""
    about = {
        **window._asdict(),
        "types": arrays.texts(BOOKED + _MOVED + _MERGED),
        "booked": arrays.texts(BOOKED),
        "moved": arrays.texts(_MOVED),
        "merged": arrays.texts(_MERGED),
    }
    return [day for (day,) in await tx.rows(_TOUCHED, about)]


def write_days(tx: Transaction, spans: Iterable[Span]) -> None:
    """Write the sums of every day of these spans anew, and of the months that they are in."""
    for span in spans:
        asked = span._asdict()
        tx.write("DELETE FROM points_days WHERE day BETWEEN %(first)s::date AND %(last)s::date", asked)
        tx.write(_WRITE_BOOKED, asked)
        tx.write(_DELETE_MONTHS, asked)
        tx.write(_WRITE_MONTHS, asked)
        tx.write("DELETE FROM tier_days WHERE day BETWEEN %(first)s::date AND %(last)s::date", asked)
        tx.write("INSERT INTO tier_days" + _TIERS, asked)


async def days(tx: Transaction) -> list[date]:
    """Return every day that has sums."""
    return [day for (day,) in await tx.rows("SELECT day FROM points_days UNION SELECT day FROM tier_days")]


async def differing(tx: Transaction, but: Sequence[date], limit: int) -> list[tuple[str, date]]:
    """Return tables and days whose sums are not what the books give, but for some days."""
    asked = {**EVER._asdict(), "but": arrays.texts([day.isoformat() for day in but]), "limit": limit}
    bookings, tiers = await tx.read(Statement(_BOOKINGS_DIFFER, asked), Statement(_TIERS_DIFFER, asked))
    return [(table, day) for table, day in bookings + tiers]


async def count_rows(tx: Transaction) -> int:
    """Return how many sums there are."""
    return int((await tx.rows(_COUNT))[0][0])
