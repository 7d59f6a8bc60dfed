"""SQL that lists bookings, the rows behind the figures of points."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

from regulars.platform.db.transaction import Rows, Transaction
from regulars.platform.markets.days import instants_around, surely_before

# Where a filter leaves most of them out, the roll-up tells how far back enough of them lie. Where none does, the index
# gives the latest, and one look at the roll-up would cost more than all of it.
_ENOUGH: LiteralString = """
WITH enough AS (
    SELECT max(day) AS day FROM (
        SELECT day, sum(sum(transfers)) OVER (ORDER BY day DESC) AS so_far FROM points_days
        WHERE day <= %(ended)s
          AND (%(wallet)s::text IS NULL OR wallet_id = (SELECT wallet_id FROM wallets WHERE code = %(wallet)s))
          AND (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s::text[]))
          AND (%(market)s::text IS NULL OR market = %(market)s)
        GROUP BY day
    ) AS counted WHERE so_far >= %(limit)s
)
"""
_ROWS: LiteralString = """\
SELECT t.member_id, t.seq, t.recorded_at, t.effective_at, w.code, t.kind,
       CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END, t.debt_change, t.order_id, t.reference,
       m.market
FROM ledger_transfers AS t JOIN members AS m ON m.member_id = t.member_id JOIN markets AS k ON k.code = m.market
JOIN wallets AS w ON w.wallet_id = t.wallet_id
WHERE t.recorded_at >= """
_SINCE: LiteralString = "%(since)s"
_SINCE_ENOUGH: LiteralString = """greatest(
    %(since)s, (SELECT (day::timestamp AT TIME ZONE 'UTC') - interval '14 hours' FROM enough)
)"""
_IN_ORDER: LiteralString = """
  AND t.recorded_at <= %(before)s
  AND (t.recorded_at, t.member_id, t.seq) < (%(before)s, %(before_member)s, %(before_seq)s)
  AND (%(wallet)s::text IS NULL OR w.code = %(wallet)s)
  AND (%(kinds)s::text[] IS NULL OR t.kind = ANY (%(kinds)s::text[]))
  AND (%(market)s::text IS NULL OR m.market = %(market)s)
  AND (%(first)s::date IS NULL OR (t.recorded_at AT TIME ZONE k.time_zone)::date >= %(first)s)
  AND (%(last)s::date IS NULL OR (t.recorded_at AT TIME ZONE k.time_zone)::date <= %(last)s)
ORDER BY t.recorded_at DESC, t.member_id DESC, t.seq DESC LIMIT %(limit)s
"""
BOOKINGS: LiteralString = _ROWS + _SINCE + _IN_ORDER
BOOKINGS_NARROWED: LiteralString = _ENOUGH + _ROWS + _SINCE_ENOUGH + _IN_ORDER
_NOBODY = UUID(int=0)


async def read_bookings(
    tx: Transaction,
    *,
    wallet: str | None,
    kinds: Sequence[str] | None,
    market: str | None,
    days: tuple[date | None, date | None],
    before: tuple[datetime, UUID, int] | None,
    limit: int,
) -> Rows:
    """Return (member, seq, recorded, effective, wallet, kind, units, debt, order, reference, market), latest first."""
    since, until = instants_around(*days)
    at, member_id, seq = before or (until, _NOBODY, 0)
    parameters = {
        "wallet": wallet,
        "kinds": None if kinds is None else list(kinds),
        "market": market,
        "first": days[0],
        "last": days[1],
        "since": since,
        "before": at,
        "before_member": member_id,
        "before_seq": seq,
        "ended": surely_before(at) if before is not None or days[1] is None else days[1],
        "limit": limit,
    }
    is_narrowed = (wallet, kinds, market) != (None, None, None)
    return await tx.rows(BOOKINGS_NARROWED if is_narrowed else BOOKINGS, parameters)
