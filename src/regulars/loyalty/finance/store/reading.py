"""SQL of the liability: months from the roll-up of the books, an instant from the roll-up and the days behind it."""

from datetime import date, datetime
from typing import LiteralString

from regulars.platform.db.transaction import Rows, Statement, Transaction
from regulars.platform.markets.days import instants_around

WALLETS: LiteralString = "SELECT wallet_id, code, qualifying, spendable FROM wallets ORDER BY wallet_id"
# Closed months stand as they were kept; the roll-up serves what lies behind them.
OPENING: LiteralString = """
SELECT wallet_id, market, balance, debt, breakage FROM finance_balances
WHERE month = (SELECT max(month) FROM finance_balances WHERE month < %(first)s)
"""
CLOSED: LiteralString = """
SELECT wallet_id, market, month, kind, sum(transfers)::bigint, sum(units)::bigint, sum(debt_change)::bigint
FROM finance_figures WHERE month >= %(first)s AND month < %(until)s GROUP BY 1, 2, 3, 4
"""
ENDS: LiteralString = """
SELECT wallet_id, market, month, spendable, pending, run_out, held, point_value_minor, breakage
FROM finance_balances WHERE month >= %(first)s AND month < %(until)s
"""
MONTHS: LiteralString = """
SELECT wallet_id, market, CASE WHEN day < %(first)s::date THEN NULL ELSE date_trunc('month', day)::date END, kind,
       sum(transfers)::bigint, sum(units)::bigint, sum(debt_change)::bigint
FROM points_days
WHERE day >= coalesce((SELECT max(month) + interval '1 month' FROM finance_balances)::date, '-infinity')
  AND day < %(until)s::date
  AND (%(market)s::text IS NULL OR market = %(market)s)
  AND (%(wallet)s::text IS NULL OR wallet_id = (SELECT wallet_id FROM wallets WHERE code = %(wallet)s))
GROUP BY 1, 2, 3, 4
"""
FIRST_DAY: LiteralString = "SELECT min(day) FROM points_days"

# The roll-up's days that have long been complete, and the transfers of those behind them.
AS_OF: LiteralString = """
SELECT wallet_id, market, sum(units)::bigint, sum(debt_change)::bigint FROM (
    SELECT wallet_id, market, units, debt_change FROM points_days WHERE day <= %(rolled)s::date
    UNION ALL
    SELECT t.wallet_id, m.market, CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END, t.debt_change
    FROM ledger_transfers AS t JOIN members AS m ON m.member_id = t.member_id JOIN markets AS k ON k.code = m.market
    WHERE t.recorded_at >= %(since)s AND t.recorded_at <= %(at)s
      AND (t.recorded_at AT TIME ZONE k.time_zone)::date > %(rolled)s::date
) AS part GROUP BY 1, 2
"""

# What was left in lots at an instant is what is left in them now and what was taken since; what holds kept of it then
# stands apart. A lot that came later is known by its transfer. `of` says for each market by when: what was recorded
# before that instant, or at it.
PARTS: LiteralString = """
WITH of AS (
    SELECT * FROM unnest(%(markets)s::text[], %(instants)s::timestamptz[]) AS of (market, at)
), since AS (
    SELECT t.member_id, t.seq FROM ledger_transfers AS t
    JOIN members AS m ON m.member_id = t.member_id JOIN of ON of.market = m.market
    WHERE t.recorded_at >= %(earliest)s AND t.recorded_at > of.at
), used AS (
    SELECT u.member_id, u.lot_no, sum(u.amount)::bigint AS amount
    FROM since JOIN lot_uses AS u ON u.member_id = since.member_id AND u.seq = since.seq
    GROUP BY u.member_id, u.lot_no
), parts AS (
    SELECT l.member_id, l.lot_no, l.wallet_id, l.remaining, l.available_at, l.expires_at
    FROM lots AS l WHERE l.remaining > 0
    UNION ALL
    SELECT l.member_id, l.lot_no, l.wallet_id, used.amount, l.available_at, l.expires_at
    FROM used JOIN lots AS l ON l.member_id = used.member_id AND l.lot_no = used.lot_no
), kept AS (
    SELECT l.member_id, l.lot_no, l.wallet_id, p.amount, l.available_at, l.expires_at
    FROM holds AS h
    JOIN members AS m ON m.member_id = h.member_id JOIN of ON of.market = m.market
    JOIN hold_lots AS p ON p.member_id = h.member_id AND p.hold_id = h.hold_id
    JOIN lots AS l ON l.member_id = p.member_id AND l.lot_no = p.lot_no
    LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
    WHERE h.deadline > %(earliest)s AND h.deadline > of.at AND h.placed_at <= of.at
      AND (e.recorded_at IS NULL OR e.recorded_at > of.at)
), told_apart AS (
    SELECT member_id, lot_no, wallet_id, remaining, 0::bigint AS held, available_at, expires_at FROM parts
    UNION ALL SELECT member_id, lot_no, wallet_id, -amount, amount, available_at, expires_at FROM kept
)
SELECT p.wallet_id, m.market,
       coalesce(sum(p.remaining) FILTER (WHERE p.available_at <= of.at AND p.expires_at > of.at), 0)::bigint,
       coalesce(sum(p.remaining) FILTER (WHERE p.available_at > of.at AND p.expires_at > of.at), 0)::bigint,
       coalesce(sum(p.remaining) FILTER (WHERE p.expires_at <= of.at), 0)::bigint,
       sum(p.held)::bigint
FROM told_apart AS p JOIN members AS m ON m.member_id = p.member_id JOIN of ON of.market = m.market
WHERE NOT EXISTS (SELECT FROM since WHERE since.member_id = p.member_id AND since.seq = p.lot_no)
GROUP BY 1, 2
"""


def wallets() -> Statement:
    """Return what asks for (wallet_id, code, qualifying, spendable)."""
    return Statement(WALLETS)


def months(
    first: date, until: date, *, market: str | None = None, wallet: str | None = None
) -> tuple[Statement, Statement, Statement, Statement]:
    """Return what asks for months from `first` up to before `until`; of the roll-up one market or wallet, if asked.

    In turn: the (wallet, market, balance, debt, breakage) at the end of the last closed month before; of closed months
    (wallet, market, month, kind, transfers, units, debt) and (wallet, market, month, spendable, pending, run out, held,
    value of a point, breakage); and the former of open months, what lies before `first` with the month None.
    """
    asked = {"first": first, "until": until, "market": market, "wallet": wallet}
    return Statement(OPENING, asked), Statement(CLOSED, asked), Statement(ENDS, asked), Statement(MONTHS, asked)


def first_day() -> Statement:
    """Return what asks for the first day that has facts; None before there are any."""
    return Statement(FIRST_DAY)


def as_of(rolled: date, at: datetime) -> Statement:
    """Return what asks for (wallet, market, balance, debt) of what was recorded by an instant.

    Days up to `rolled` are taken from the roll-up.
    """
    since, _ = instants_around(rolled, None)
    return Statement(AS_OF, {"rolled": rolled, "since": since, "at": at})


async def read_parts(tx: Transaction, instants: dict[str, datetime]) -> Rows:
    """Return (wallet, market, spendable, pending, run out, held) recorded by an instant, given for each market.

    Reads every open lot, and what was booked since: seconds at some million members.
    """
    if not instants:
        return []
    asked = {"markets": list(instants), "instants": list(instants.values()), "earliest": min(instants.values())}
    return await tx.rows(PARTS, asked)
