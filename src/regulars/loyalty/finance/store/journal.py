"""SQL of journals: a month's bookings, streamed by a cursor of the server's, so that no month is held in memory."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from typing import Any, LiteralString

from regulars.platform.db.transaction import Rows, Transaction

LINES_AT_ONCE = 2_000

_BOOKED: LiteralString = """
FROM ledger_transfers AS t JOIN members AS m ON m.member_id = t.member_id
JOIN unnest(%(markets)s::text[], %(zones)s::text[], %(since)s::timestamptz[], %(until)s::timestamptz[])
    AS of (market, time_zone, since, until) ON of.market = m.market
JOIN wallets AS w ON w.wallet_id = t.wallet_id AND w.spendable
WHERE t.recorded_at >= %(earliest)s AND t.recorded_at < %(latest)s
  AND t.recorded_at >= of.since AND t.recorded_at < of.until
"""
_LINE: LiteralString = """
SELECT greatest((t.recorded_at AT TIME ZONE of.time_zone)::date, %(month)s::date), of.market, w.code,
       greatest(t.debit_account %% 100, t.credit_account %% 100), t.kind,
"""
BY_DAY: LiteralString = (
    _LINE
    + """
       count(*)::bigint, sum(CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END)::bigint,
       sum(t.debt_change)::bigint
"""
    + _BOOKED
    + "GROUP BY 1, 2, 3, 4, 5, t.credit_account %% 100 = 0 ORDER BY 1, 2, 3, 4, 5, 7"
)
BY_TRANSFER: LiteralString = (
    _LINE
    + """
       1::bigint, CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END, t.debt_change,
       t.member_id, t.seq, t.order_id, t.reference, t.effective_at, t.recorded_at
"""
    + _BOOKED
    + "ORDER BY 1, t.recorded_at, t.member_id, t.seq"
)
ACCOUNTS: LiteralString = (
    "SELECT DISTINCT of.market, w.code, greatest(t.debit_account %% 100, t.credit_account %% 100)" + _BOOKED
)

Bounds = Sequence[tuple[str, str, datetime, datetime]]


def read_one_snapshot(tx: Transaction) -> None:
    """Let everything that is read be of one instant. To be called first in a transaction.

    A reader who takes nothing for two minutes loses the connection: others wait for it.
    """
    tx.write("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    tx.write("SET LOCAL idle_in_transaction_session_timeout = '2min'")


async def accounts(tx: Transaction, month: date, bounds: Bounds) -> Rows:
    """Return each (market, wallet, account) that is booked to."""
    return await tx.rows(ACCOUNTS, _asked(month, bounds))


async def lines(
    tx: Transaction, month: date, bounds: Bounds, *, by_transfer: bool
) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
    """Give the month's lines, some thousand at a time, in the order of `journal.Line`; bounds are by market."""
    await tx.flush()
    async with tx.connection.cursor(name="journal") as cursor:
        await cursor.execute(BY_TRANSFER if by_transfer else BY_DAY, _asked(month, bounds))
        while rows := await cursor.fetchmany(LINES_AT_ONCE):
            yield rows


def _asked(month: date, bounds: Bounds) -> dict[str, Any]:
    markets, zones, since, until = (list(column) for column in zip(*bounds, strict=True))
    return {
        "month": month,
        "markets": markets,
        "zones": zones,
        "since": since,
        "until": until,
        "earliest": min(since),
        "latest": max(until),
    }
