"""SQL of the programme's figures, each block one statement."""

from datetime import datetime
from typing import LiteralString

from regulars.platform.db.transaction import Rows, Statement, Transaction

# Transfers from the beginning of the period before: of it (0), of the period (1), and after it (2).
BOOKED: LiteralString = """
SELECT CASE WHEN t.recorded_at < %(start)s THEN 0 WHEN t.recorded_at < %(end)s THEN 1 ELSE 2 END, t.kind,
       sum(CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END)::bigint,
       sum(t.debt_change)::bigint
FROM ledger_transfers AS t
WHERE t.recorded_at >= %(before_start)s AND t.wallet_id = (SELECT wallet_id FROM wallets WHERE code = %(wallet)s)
GROUP BY 1, 2
"""
OUTSTANDING: LiteralString = """
SELECT coalesce(sum(w.balance + w.debt), 0)::bigint FROM member_wallets AS w
WHERE w.wallet_id = (SELECT wallet_id FROM wallets WHERE code = %s)
"""
TIERS: LiteralString = "SELECT tier, count(*) FROM member_books GROUP BY tier"
MEMBERS: LiteralString = """
SELECT count(*) FILTER (WHERE signed_up_at < %(end)s), count(*) FILTER (WHERE signed_up_at < %(start)s),
       count(*) FILTER (WHERE signed_up_at < %(before_start)s), count(*)
FROM members
"""


async def read_figures(
    tx: Transaction, *, wallet: str, before_start: datetime, start: datetime, end: datetime
) -> tuple[Rows, Rows, Rows, Rows]:
    """Return bookings by (part, kind), the units outstanding now, members by rank, and members by then."""
    span = {"wallet": wallet, "before_start": before_start, "start": start, "end": end}
    booked, outstanding, tiers, members = await tx.read(
        Statement(BOOKED, span), Statement(OUTSTANDING, (wallet,)), Statement(TIERS), Statement(MEMBERS, span)
    )
    return booked, outstanding, tiers, members
