"""SQL of closing a month: the wait for what began before, what the month held, and the digests of its transfers."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, LiteralString, NamedTuple

from regulars.platform.db.holders import holders_of
from regulars.platform.db.transaction import Rows, Statement, Transaction

_COLUMNS: LiteralString = """
SELECT month, asked_by, reason, asked_at, awaits, closed_at, written_at, transfers, members, parts, digest
FROM finance_closes
"""
INSERT_CLOSE: LiteralString = """
INSERT INTO finance_closes (month, asked_by, reason, asked_at) VALUES (%s, %s, %s, %s)
"""
INSERT_BOUNDS: LiteralString = """
INSERT INTO finance_bounds (month, market, time_zone, since, until)
SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
"""
FINISH: LiteralString = """
UPDATE finance_closes SET closed_at = %s, written_at = %s, transfers = %s, members = %s, parts = %s, digest = %s
WHERE month = %s AND closed_at IS NULL
"""
FIRST_TRANSFER: LiteralString = """
SELECT least((SELECT min(day) FROM points_days), (
    SELECT min((t.recorded_at AT TIME ZONE k.time_zone)::date)
    FROM ledger_transfers AS t JOIN members AS m ON m.member_id = t.member_id JOIN markets AS k ON k.code = m.market
    WHERE NOT EXISTS (SELECT FROM points_days)
))
"""
READ_BOUNDS: LiteralString = """
SELECT market, time_zone, since, until FROM finance_bounds WHERE month = %s ORDER BY market
"""

# The transfers of a month: between its bounds, found by the outermost of them.
_OF_MONTH: LiteralString = """
WITH of AS (
    SELECT market, time_zone, coalesce(since, '-infinity') AS since, until FROM finance_bounds WHERE month = %(month)s
), booked AS (
    SELECT t.*, of.market, of.time_zone FROM ledger_transfers AS t
    JOIN members AS m ON m.member_id = t.member_id JOIN of ON of.market = m.market
    WHERE t.recorded_at >= (SELECT min(since) FROM of) AND t.recorded_at < (SELECT max(until) FROM of)
      AND t.recorded_at >= of.since AND t.recorded_at < of.until
)
"""
FIGURES: LiteralString = (
    _OF_MONTH
    + """
SELECT wallet_id, market, greatest(debit_account %% 100, credit_account %% 100), kind, count(*)::bigint,
       sum(CASE WHEN credit_account %% 100 = 0 THEN amount ELSE -amount END)::bigint, sum(debt_change)::bigint
FROM booked GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
)
COHORTS: LiteralString = (
    _OF_MONTH  # noqa: S608 - our own text
    + """, developed AS (
    SELECT b.wallet_id, b.market, b.time_zone, l.earned_at, b.kind, l.amount AS opened, 0::bigint AS taken
    FROM booked AS b JOIN lots AS l ON l.member_id = b.member_id AND l.lot_no = b.seq
    UNION ALL
    SELECT b.wallet_id, b.market, b.time_zone, l.earned_at, b.kind, 0, u.amount
    FROM booked AS b JOIN lot_uses AS u ON u.member_id = b.member_id AND u.seq = b.seq AND u.amount <> 0
    JOIN lots AS l ON l.member_id = u.member_id AND l.lot_no = u.lot_no
)
SELECT wallet_id, market, date_trunc('month', earned_at AT TIME ZONE time_zone)::date, kind, sum(opened)::bigint,
       sum(taken)::bigint
FROM developed GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
)
# A line a transfer, everything that is in it (docs/finance.md); the lines of a member make a digest, and the digests of
# members, by the last byte of their ids, 256 parts: what differs later is told down to one in 256 members.
DIGESTS: LiteralString = (
    _OF_MONTH  # noqa: S608 - our own text
    + """, of_members AS (
    SELECT member_id, count(*) AS transfers, sha256(string_agg(convert_to(concat_ws('|',
        replace(member_id::text, '-', ''), seq, wallet_id, kind, debit_account, credit_account, amount, balance_after,
        debt_change, qualifying::integer, (extract(epoch FROM effective_at) * 1000000)::bigint,
        (extract(epoch FROM recorded_at) * 1000000)::bigint, (extract(epoch FROM written_at) * 1000000)::bigint,
        policy_version, coalesce(encode(command_hash, 'hex'), '-'), encode(convert_to(reference, 'UTF8'), 'hex'),
        coalesce(encode(convert_to(order_id, 'UTF8'), 'hex'), '-'), encode(convert_to(basis, 'UTF8'), 'hex')
    ) || chr(10), 'UTF8'), ''::bytea ORDER BY seq)) AS digest
    FROM booked GROUP BY member_id
)
SELECT get_byte(uuid_send(member_id), 15), sha256(string_agg(digest, ''::bytea ORDER BY member_id)), count(*)::bigint,
       sum(transfers)::bigint
FROM of_members GROUP BY 1 ORDER BY 1
"""
)
# What members' wallets hold now, without what was booked behind the month's end.
REWOUND: LiteralString = """
WITH of AS (SELECT market, until FROM finance_bounds WHERE month = %(month)s), since AS (
    SELECT t.wallet_id, m.market, sum(CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END) AS units,
           sum(t.debt_change) AS debt
    FROM ledger_transfers AS t JOIN members AS m ON m.member_id = t.member_id JOIN of ON of.market = m.market
    WHERE t.recorded_at >= (SELECT min(until) FROM of) AND t.recorded_at >= of.until GROUP BY 1, 2
), held AS (
    SELECT w.wallet_id, m.market, sum(w.balance) AS balance, sum(w.debt) AS debt
    FROM member_wallets AS w JOIN members AS m ON m.member_id = w.member_id GROUP BY 1, 2
)
SELECT h.wallet_id, h.market, (h.balance - coalesce(s.units, 0))::bigint, (h.debt - coalesce(s.debt, 0))::bigint
FROM held AS h JOIN of ON of.market = h.market
LEFT JOIN since AS s ON s.wallet_id = h.wallet_id AND s.market = h.market
"""
INSERT_FIGURES: LiteralString = """
INSERT INTO finance_figures (month, wallet_id, market, account, kind, transfers, units, debt_change)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
INSERT_BALANCES: LiteralString = """
INSERT INTO finance_balances (month, wallet_id, market, balance, debt, spendable, pending, run_out,
    held, point_value_minor, breakage)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
INSERT_COHORTS: LiteralString = """
INSERT INTO finance_cohorts (month, wallet_id, market, cohort, kind, opened, taken) VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
READ_FIGURES: LiteralString = """
SELECT wallet_id, market, account, kind, transfers, units, debt_change FROM finance_figures WHERE month = %s
ORDER BY 1, 2, 3, 4
"""
READ_BALANCES: LiteralString = """
SELECT wallet_id, market, balance, debt, spendable, pending, run_out, held, point_value_minor, breakage
FROM finance_balances WHERE month = %s ORDER BY 1, 2
"""
READ_COHORTS: LiteralString = """
SELECT wallet_id, market, cohort, kind, opened, taken FROM finance_cohorts WHERE month = %s ORDER BY 1, 2, 3, 4
"""
READ_DEVELOPMENTS: LiteralString = """
SELECT wallet_id, market, month, cohort, kind, opened, taken FROM finance_cohorts
WHERE (%(wallet)s::smallint IS NULL OR wallet_id = %(wallet)s) AND (%(market)s::text IS NULL OR market = %(market)s)
ORDER BY month, wallet_id, market, cohort, kind
"""


class CloseRow(NamedTuple):
    """A row of `finance_closes`."""

    month: date
    asked_by: str
    reason: str
    asked_at: datetime
    awaits: list[str] | None
    closed_at: datetime | None
    written_at: datetime | None
    transfers: int | None
    members: int | None
    parts: bytes | None
    digest: bytes | None


async def lock_closes(tx: Transaction) -> None:
    """Let one transaction at a time begin to close; whoever posts or reads is not kept waiting."""
    await tx.rows("LOCK TABLE finance_closes IN SHARE ROW EXCLUSIVE MODE")


async def read_closes(tx: Transaction) -> list[CloseRow]:
    """Return every close, the earliest month first."""
    return [CloseRow._make(row) for row in await tx.rows(_COLUMNS + "ORDER BY month")]


async def take_up(tx: Transaction) -> CloseRow | None:
    """Return the month that is being closed, held by this transaction; None if there is none, or another one does."""
    rows = await tx.rows(_COLUMNS + "WHERE closed_at IS NULL ORDER BY month LIMIT 1 FOR UPDATE SKIP LOCKED")
    return CloseRow._make(rows[0]) if rows else None


def insert_close(tx: Transaction, month: date, by: str, reason: str) -> None:
    """Begin to close: from its commit on, nothing is booked into the month."""
    tx.write(INSERT_CLOSE, (month, by, reason, tx.now))


def insert_bounds(tx: Transaction, month: date, bounds: Sequence[tuple[str, str, datetime | None, datetime]]) -> None:
    """Note between which instants the month lay in each market: (market, time zone, since, until)."""
    columns = [list(column) for column in zip(*bounds, strict=True)]
    tx.write(INSERT_BOUNDS, (month, *columns))


def bounds(month: date) -> Statement:
    """Return what asks for (market, time zone, since, until)."""
    return Statement(READ_BOUNDS, (month,))


async def read_bounds(tx: Transaction, month: date) -> Rows:
    """Return (market, time zone, since, until)."""
    (rows,) = await tx.read(bounds(month))
    return rows


async def holders(tx: Transaction) -> list[str]:
    """Return the transactions under way that may have looked which months are closed."""
    return await holders_of(tx, "finance_closes")


def await_them(tx: Transaction, month: date, awaited: Sequence[str]) -> None:
    """Remember which transactions the close waits for."""
    tx.write("UPDATE finance_closes SET awaits = %s WHERE month = %s", (list(awaited), month))


async def first_day(tx: Transaction) -> date | None:
    """Return the local day of the first transfer; None before there is any."""
    found: date | None = (await tx.rows(FIRST_TRANSFER))[0][0]
    return found


class OfMonth(NamedTuple):
    """What the books say of a month."""

    figures: Rows
    cohorts: Rows
    digests: Rows


async def read_month(tx: Transaction, month: date) -> OfMonth:
    """Return (wallet, market, account, kind, transfers, units, debt), cohorts and digests of a month's transfers."""
    tx.write("SET LOCAL enable_seqscan = on")
    asked = {"month": month}
    return OfMonth(*await tx.read(Statement(FIGURES, asked), Statement(COHORTS, asked), Statement(DIGESTS, asked)))


async def read_rewound(tx: Transaction, month: date) -> Rows:
    """Return (wallet, market, balance, debt): what members' wallets held at the month's end."""
    return await tx.rows(REWOUND, {"month": month})


class Frozen(NamedTuple):
    """What was kept of a closed month."""

    figures: Rows
    balances: Rows
    cohorts: Rows


async def read_frozen(tx: Transaction, month: date) -> Frozen:
    """Return the rows that were kept of a month."""
    parameters = (month,)
    return Frozen(
        *await tx.read(
            Statement(READ_FIGURES, parameters),
            Statement(READ_BALANCES, parameters),
            Statement(READ_COHORTS, parameters),
        )
    )


def freeze(tx: Transaction, month: date, frozen: Frozen) -> None:
    """Keep what a month held."""
    for text, rows in (
        (INSERT_FIGURES, frozen.figures),
        (INSERT_BALANCES, frozen.balances),
        (INSERT_COHORTS, frozen.cohorts),
    ):
        for row in rows:
            tx.write(text, (month, *row))


def finish(tx: Transaction, month: date, values: Sequence[Any]) -> None:
    """Close: (closed_at, written_at, transfers, members, parts, digest)."""
    tx.write(FINISH, (*values, month))


async def read_developments(tx: Transaction, wallet_id: int | None, market: str | None) -> Rows:
    """Return (wallet, market, month, cohort, kind, opened, taken) of every closed month."""
    return await tx.rows(READ_DEVELOPMENTS, {"wallet": wallet_id, "market": market})
