"""SQL of the liability: months from the roll-up of the books, an instant from the roll-up and what lies behind it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import LiteralString

from regulars.platform.db import arrays
from regulars.platform.db.snapshots import EARLIEST_UNREAD, ReadTo
from regulars.platform.db.transaction import Rows, Statement, Transaction

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
SELECT wallet_id, market, CASE WHEN month < %(first)s::date THEN NULL ELSE month END, kind,
       sum(transfers)::bigint, sum(units)::bigint, sum(debt_change)::bigint
FROM points_months
WHERE month >= coalesce((SELECT max(month) + interval '1 month' FROM finance_balances)::date, '-infinity')
  AND month < %(until)s::date
  AND (%(market)s::text IS NULL OR market = %(market)s)
  AND (%(wallet)s::text IS NULL OR wallet_id = (SELECT wallet_id FROM wallets WHERE code = %(wallet)s))
GROUP BY 1, 2, 3, 4
"""
FIRST_MONTH: LiteralString = "SELECT min(month) FROM points_months"

# From the roll-up whole months, days that have ended everywhere, and five-minute spans; from the books what is left
# of the last span, or what the roll-up has not learned yet. `upto` is the instant before which it knows everything.
# (Between two bounds that the planner does not know it expects a two hundredth of all transfers and goes by the index;
# with one that it knows, a third.)
AS_OF: LiteralString = (
    "WITH unread AS ("  # noqa: S608 - our own text
    + EARLIEST_UNREAD
    + """), upto AS (
    SELECT CASE WHEN %(rolled)s THEN least(%(at)s::timestamptz, recorded_at) ELSE '0002-01-01' END AS at FROM unread
), cut AS (
    SELECT date_bin('5 minutes', at, '2000-01-01 00:00:00+00') AS began_at, (at AT TIME ZONE 'UTC')::date - 2 AS day,
           date_trunc('month', (at AT TIME ZONE 'UTC')::date - 2)::date AS month,
           ((at AT TIME ZONE 'UTC')::date - 1)::timestamp AT TIME ZONE 'UTC' - interval '14 hours' AS surely_before,
           %(at)s::timestamptz + interval '1 microsecond' AS ended_at
    FROM upto
), part AS (
    SELECT m.wallet_id, m.market, m.units, m.debt_change
    FROM cut CROSS JOIN wallets AS w JOIN points_months AS m ON m.wallet_id = w.wallet_id AND m.month < cut.month
    UNION ALL
    SELECT d.wallet_id, d.market, d.units, d.debt_change
    FROM cut CROSS JOIN wallets AS w
    JOIN points_days AS d ON d.wallet_id = w.wallet_id AND d.day >= cut.month AND d.day <= cut.day
    UNION ALL
    SELECT q.wallet_id, q.market, q.units, q.debt_change
    FROM points_minutes AS q
    WHERE q.began_at >= (SELECT surely_before FROM cut) AND q.began_at < (SELECT began_at FROM cut)
      AND q.day > (SELECT day FROM cut)
    UNION ALL
    SELECT t.wallet_id, (SELECT m.market FROM members AS m WHERE m.member_id = t.member_id),
           CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END, t.debt_change
    FROM ledger_transfers AS t
    WHERE t.recorded_at >= (SELECT began_at FROM cut) AND t.recorded_at < (SELECT ended_at FROM cut)
)
SELECT wallet_id, market, sum(units)::bigint, sum(debt_change)::bigint FROM part GROUP BY 1, 2
"""
)

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


def shares(local: date) -> Statement:
    """Return what asks for (wallet, market, balance, debt, breakage) of the last closed month before a day's."""
    return Statement(OPENING, {"first": local.replace(day=1)})


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


def first_month() -> Statement:
    """Return what asks for the first month that has facts; None before there are any."""
    return Statement(FIRST_MONTH)


def as_of(at: datetime, known: ReadTo | None, types: Sequence[str]) -> Statement:
    """Return what asks for (wallet, market, balance, debt) of what was recorded by an instant.

    Exact, of one snapshot, whatever is committed meanwhile: `known` is where the roll-up of the books was before, which
    reads events of these types.
    """
    asked = {
        "at": at,
        "rolled": known is not None,
        "types": arrays.texts(types),
        "next_transaction": "0" if known is None else known.next_transaction,
        "running": [] if known is None else known.running,
    }
    return Statement(AS_OF, asked)


async def read_parts(tx: Transaction, instants: dict[str, datetime]) -> Rows:
    """Return (wallet, market, spendable, pending, run out, held) recorded by an instant, given for each market.

    Reads every open lot, and what was booked since: seconds at some million members.
    """
    if not instants:
        return []
    asked = {"markets": list(instants), "instants": list(instants.values()), "earliest": min(instants.values())}
    return await tx.rows(PARTS, asked)
