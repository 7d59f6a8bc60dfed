"""SQL that reads the roll-ups of the books, and lists bookings."""

from datetime import date
from typing import LiteralString

from regulars.platform.db.transaction import Statement

# Up to the period before (0), of it (1), of the period (2).
POINTS: LiteralString = """
SELECT market, CASE WHEN day >= %(first)s THEN 2 WHEN day >= %(before_first)s THEN 1 ELSE 0 END, kind,
       sum(units)::bigint, sum(debt_change)::bigint
FROM points_days
WHERE wallet_id = (SELECT wallet_id FROM wallets WHERE code = %(wallet)s) AND day <= %(last)s
GROUP BY 1, 2, 3
"""
TIERS: LiteralString = """
SELECT tier, coalesce(sum(change), 0)::bigint, coalesce(sum(change) FILTER (WHERE day < %(first)s), 0)::bigint
FROM tier_days WHERE day <= %(last)s GROUP BY tier
"""


def figures(wallet: str, before_first: date, first: date, last: date) -> tuple[Statement, Statement]:
    """Return what asks for bookings by (market, part, kind), and for moves of tiers up to the end and the start."""
    asked = {"wallet": wallet, "before_first": before_first, "first": first, "last": last}
    return Statement(POINTS, asked), Statement(TIERS, asked)
