"""SQL that rolls the books up: each statement writes the sums of some days, or says where sums and books differ."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import LiteralString

from regulars.platform.db import arrays
from regulars.platform.db.snapshots import EVENTS_IN_WINDOW, Window
from regulars.platform.db.transaction import Transaction
from regulars.platform.rollups.contracts import EVER, Span

_BOOKED = (
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
_POINTS: LiteralString = (
    """
SELECT t.wallet_id, (t.recorded_at AT TIME ZONE k.time_zone)::date AS day, m.market, t.kind, count(*)::integer,
       sum(CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END)::bigint, sum(t.debt_change)::bigint
FROM ledger_transfers AS t JOIN members AS m ON m.member_id = t.member_id JOIN markets AS k ON k.code = m.market
"""
    + _BETWEEN
    + "GROUP BY 1, 2, 3, 4"
)
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
_TABLES: dict[LiteralString, LiteralString] = {"points_days": _POINTS, "tier_days": _TIERS}

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
_DIFFERENT: LiteralString = """
SELECT DISTINCT day FROM (
    (({facts}) EXCEPT SELECT * FROM {table}) UNION ALL (SELECT * FROM {table} EXCEPT ({facts}))
) AS different WHERE NOT day = ANY (%(but)s::date[]) ORDER BY day LIMIT %(limit)s
"""


async def touched_days(tx: Transaction, window: Window) -> list[date]:
    """Return the local days on which what the events of a window are about was recorded."""
    about = {
        **window._asdict(),
        "types": arrays.texts(_BOOKED + _MOVED + _MERGED),
        "booked": arrays.texts(_BOOKED),
        "moved": arrays.texts(_MOVED),
        "merged": arrays.texts(_MERGED),
    }
    return [day for (day,) in await tx.rows(_TOUCHED, about)]


def write_days(tx: Transaction, spans: Iterable[Span]) -> None:
    """Write the sums of every day of these spans anew."""
    for span in spans:
        for table, sums in _TABLES.items():
            tx.write(f"DELETE FROM {table} WHERE day BETWEEN %(first)s::date AND %(last)s::date", span._asdict())  # noqa: S608 - our own text
            tx.write(f"INSERT INTO {table} {sums}", span._asdict())


async def days(tx: Transaction) -> list[date]:
    """Return every day that has sums."""
    return [day for (day,) in await tx.rows("SELECT day FROM points_days UNION SELECT day FROM tier_days")]


async def differing(tx: Transaction, but: Sequence[date], limit: int) -> list[tuple[str, date]]:
    """Return tables and days whose sums are not what the books give, but for some days."""
    asked = {**EVER._asdict(), "but": arrays.texts([day.isoformat() for day in but]), "limit": limit}
    found: list[tuple[str, date]] = []
    for table, facts in _TABLES.items():
        found += [(table, day) for (day,) in await tx.rows(_DIFFERENT.format(facts=facts, table=table), asked)]
    return found


async def count_rows(tx: Transaction) -> int:
    """Return how many sums there are."""
    rows = await tx.rows("SELECT (SELECT count(*) FROM points_days) + (SELECT count(*) FROM tier_days)")
    return int(rows[0][0])
