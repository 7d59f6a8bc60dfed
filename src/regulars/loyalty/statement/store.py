"""SQL of reading the books. Each answer comes of one statement, so that what it adds up is of one instant.

As of an instant T means: the transfers of each member up to the last one recorded by T. `recorded_at` never decreases
along a member's `seq`, so that is one number a member, and lots and their uses are cut at the same number.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Rows, Transaction

# Lots that can be spent already and run out together are one: who buys every day has hundreds of them.
READ_BALANCES: LiteralString = """
SELECT b.member_id, w.code, coalesce(s.balance, 0), coalesce(s.debt, 0), sum(l.remaining)::bigint,
       greatest(l.available_at, b.last_recorded_at, %(now)s), l.expires_at, b.last_recorded_at, b.hold_until, NULL
FROM unnest(%(members)s::uuid[]) AS asked (member_id)
JOIN member_books AS b ON b.member_id = asked.member_id
CROSS JOIN wallets AS w
LEFT JOIN member_wallets AS s ON s.member_id = b.member_id AND s.wallet_id = w.wallet_id
LEFT JOIN lots AS l ON l.member_id = b.member_id AND l.wallet_id = w.wallet_id AND l.remaining > 0
GROUP BY w.wallet_id, b.member_id, s.balance, s.debt, 6, l.expires_at
ORDER BY w.wallet_id
"""
# Of the few who have holds: the lots again, and what is held of them, in one statement.
READ_BALANCES_WITH_HOLDS: LiteralString = """
SELECT b.member_id, w.code, coalesce(s.balance, 0), coalesce(s.debt, 0), part.amount, part.available_at,
       part.expires_at, b.last_recorded_at, b.hold_until, part.deadline
FROM unnest(%(members)s::uuid[]) AS asked (member_id)
JOIN member_books AS b ON b.member_id = asked.member_id
CROSS JOIN wallets AS w
LEFT JOIN member_wallets AS s ON s.member_id = b.member_id AND s.wallet_id = w.wallet_id
LEFT JOIN (
    SELECT l.member_id, l.wallet_id, l.remaining AS amount, l.available_at, l.expires_at, NULL::timestamptz AS deadline
    FROM lots AS l WHERE l.member_id = ANY (%(members)s::uuid[]) AND l.remaining > 0
    UNION ALL
    SELECT l.member_id, l.wallet_id, p.amount, l.available_at, l.expires_at, h.deadline
    FROM holds AS h
    JOIN hold_lots AS p ON p.member_id = h.member_id AND p.hold_id = h.hold_id
    JOIN lots AS l ON l.member_id = p.member_id AND l.lot_no = p.lot_no
    LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
    WHERE h.member_id = ANY (%(members)s::uuid[]) AND e.hold_id IS NULL
) AS part ON part.member_id = b.member_id AND part.wallet_id = w.wallet_id
ORDER BY w.wallet_id
"""
READ_BALANCES_AS_OF: LiteralString = """
WITH upto AS (
    SELECT t.member_id, max(t.seq) AS seq
    FROM unnest(%(members)s::uuid[]) AS asked (member_id) JOIN ledger_transfers AS t ON t.member_id = asked.member_id
    WHERE t.recorded_at <= %(at)s GROUP BY t.member_id
), sums AS (
    SELECT t.member_id, t.wallet_id, sum(t.debt_change)::bigint AS debt,
           sum(CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END)::bigint AS balance
    FROM upto JOIN ledger_transfers AS t ON t.member_id = upto.member_id AND t.seq <= upto.seq
    GROUP BY t.member_id, t.wallet_id
), used AS (
    SELECT u.member_id, u.lot_no, sum(u.amount)::bigint AS amount
    FROM upto JOIN lot_uses AS u ON u.member_id = upto.member_id AND u.seq <= upto.seq
    GROUP BY u.member_id, u.lot_no
), parts AS (
    SELECT l.member_id, l.wallet_id, l.amount - coalesce(used.amount, 0) AS remaining, l.available_at, l.expires_at
    FROM upto JOIN lots AS l ON l.member_id = upto.member_id AND l.lot_no <= upto.seq
    LEFT JOIN used ON used.member_id = l.member_id AND used.lot_no = l.lot_no
), kept AS (
    SELECT l.member_id, l.wallet_id, p.amount, l.available_at, l.expires_at, h.deadline
    FROM unnest(%(members)s::uuid[]) AS asked (member_id)
    JOIN holds AS h ON h.member_id = asked.member_id AND h.placed_at <= %(at)s AND h.deadline > %(at)s
    JOIN hold_lots AS p ON p.member_id = h.member_id AND p.hold_id = h.hold_id
    JOIN lots AS l ON l.member_id = p.member_id AND l.lot_no = p.lot_no
    LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
    WHERE e.recorded_at IS NULL OR e.recorded_at > %(at)s
), each AS (
    SELECT member_id, wallet_id, remaining, available_at, expires_at, NULL::timestamptz AS deadline
    FROM parts WHERE remaining > 0
    UNION ALL SELECT * FROM kept
)
SELECT b.member_id, w.code, coalesce(s.balance, 0), coalesce(s.debt, 0), p.remaining, p.available_at, p.expires_at,
       NULL, NULL, p.deadline
FROM unnest(%(members)s::uuid[]) AS asked (member_id)
JOIN member_books AS b ON b.member_id = asked.member_id
CROSS JOIN wallets AS w
LEFT JOIN sums AS s ON s.member_id = b.member_id AND s.wallet_id = w.wallet_id
LEFT JOIN each AS p ON p.member_id = b.member_id AND p.wallet_id = w.wallet_id
ORDER BY w.wallet_id
"""
READ_WALLET_CODES: LiteralString = "SELECT code FROM wallets ORDER BY wallet_id"
_LOTS: LiteralString = """
SELECT l.lot_no, w.code, l.amount, l.remaining, l.earned_at, l.available_at, l.expires_at, l.order_id,
       coalesce(k.amount, 0), l.order_id IS NULL OR EXISTS (
           SELECT FROM settlements AS s WHERE s.member_id = l.member_id AND s.order_id = l.order_id)
FROM lots AS l JOIN wallets AS w ON w.wallet_id = l.wallet_id
LEFT JOIN (
    SELECT p.lot_no, sum(p.amount)::bigint AS amount
    FROM holds AS h JOIN hold_lots AS p ON p.member_id = h.member_id AND p.hold_id = h.hold_id
    LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
    WHERE h.member_id = %(member)s AND h.deadline > %(now)s AND e.hold_id IS NULL GROUP BY p.lot_no
) AS k ON k.lot_no = l.lot_no
WHERE l.member_id = %(member)s
"""
READ_LOT: LiteralString = _LOTS + " AND l.lot_no = %(lot_no)s"
READ_THESE_LOTS: LiteralString = _LOTS + " AND l.lot_no = ANY (%(lot_nos)s::bigint[])"
_IN_SPENDING_ORDER: LiteralString = """
  AND (l.remaining > 0 OR %(spent)s)
  AND (%(after)s::bigint IS NULL OR (l.expires_at, l.earned_at, l.lot_no) > (
      SELECT a.expires_at, a.earned_at, a.lot_no FROM lots AS a
      WHERE a.member_id = %(member)s AND a.lot_no = %(after)s))
ORDER BY l.expires_at, l.earned_at, l.lot_no
LIMIT %(limit)s
"""
READ_LOTS: LiteralString = _LOTS + _IN_SPENDING_ORDER
READ_EXPIRIES: LiteralString = """
SELECT l.expires_at, sum(l.remaining - coalesce(k.amount, 0))::bigint
FROM lots AS l JOIN wallets AS w ON w.wallet_id = l.wallet_id
LEFT JOIN (
    SELECT p.lot_no, sum(p.amount)::bigint AS amount
    FROM holds AS h JOIN hold_lots AS p ON p.member_id = h.member_id AND p.hold_id = h.hold_id
    LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
    WHERE h.member_id = %(member)s AND h.deadline > %(after)s AND e.hold_id IS NULL GROUP BY p.lot_no
) AS k ON k.lot_no = l.lot_no
WHERE l.member_id = %(member)s AND w.code = %(wallet)s AND l.remaining > coalesce(k.amount, 0)
  AND l.expires_at > %(after)s
GROUP BY l.expires_at ORDER BY l.expires_at
"""
READ_STATEMENT: LiteralString = """
WITH page AS (
    SELECT t.*, w.code FROM ledger_transfers AS t JOIN wallets AS w ON w.wallet_id = t.wallet_id
    WHERE t.member_id = %(member)s AND t.seq < %(before)s AND (%(wallet)s::text IS NULL OR w.code = %(wallet)s)
    ORDER BY t.seq DESC LIMIT %(limit)s
)
SELECT p.seq, p.code, p.kind, CASE WHEN p.credit_account %% 100 = 0 THEN p.amount ELSE -p.amount END, p.balance_after,
       p.debt_change, p.order_id, p.reference, p.effective_at, p.recorded_at, p.written_at, p.policy_version, p.basis,
       u.lot_no, u.amount, b.time_zone
FROM page AS p
JOIN member_books AS b ON b.member_id = p.member_id
LEFT JOIN lot_uses AS u ON u.member_id = p.member_id AND u.seq = p.seq AND u.amount <> 0
ORDER BY p.seq DESC, u.use_no
"""
# The same, and behind it what each act that moved something there did as a whole: the sum, and what its latest transfer
# says. All references of an act begin with its cause; those of its undoing do, too, and are another act.
READ_STATEMENT_OF_ACTS: LiteralString = """
WITH page AS (
    SELECT t.*, w.code, CASE WHEN t.kind IN ('move_in', 'move_out')
        THEN regexp_replace(t.reference, ':[a-z]+:[0-9]+:(in|out)$', '') END AS cause
    FROM ledger_transfers AS t JOIN wallets AS w ON w.wallet_id = t.wallet_id
    WHERE t.member_id = %(member)s AND t.seq < %(before)s AND (%(wallet)s::text IS NULL OR w.code = %(wallet)s)
    ORDER BY t.seq DESC LIMIT %(limit)s
), acts AS (
    SELECT asked.cause, t.wallet_id, count(*) AS parts, min(t.seq) AS first, max(t.seq) AS last,
           sum(CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END)::bigint AS amount,
           sum(t.debt_change)::bigint AS debt, (array_agg(t.seq ORDER BY t.seq))[:%(named)s] AS seqs,
           min(t.effective_at) = max(t.effective_at) AS is_of_one_time
    FROM (SELECT DISTINCT cause FROM page WHERE cause IS NOT NULL) AS asked
    JOIN ledger_transfers AS t
      ON t.member_id = %(member)s AND t.reference >= asked.cause || ':' AND t.reference < asked.cause || ';'
    WHERE t.kind IN ('move_in', 'move_out')
      AND regexp_replace(t.reference, ':[a-z]+:[0-9]+:(in|out)$', '') = asked.cause
    GROUP BY asked.cause, t.wallet_id
)
SELECT p.seq, p.code, p.kind, CASE WHEN p.credit_account %% 100 = 0 THEN p.amount ELSE -p.amount END, p.balance_after,
       p.debt_change, p.order_id, p.reference, p.effective_at, p.recorded_at, p.written_at, p.policy_version, p.basis,
       u.lot_no, u.amount, b.time_zone, p.cause, NULL, NULL, NULL, u.use_no
FROM page AS p
JOIN member_books AS b ON b.member_id = p.member_id
LEFT JOIN lot_uses AS u ON u.member_id = p.member_id AND u.seq = p.seq AND u.amount <> 0
UNION ALL
SELECT t.seq, w.code, CASE WHEN a.amount > 0 THEN 'move_in' WHEN a.amount < 0 THEN 'move_out' ELSE t.kind END, a.amount,
       t.balance_after, a.debt, t.order_id, t.reference,
       CASE WHEN a.is_of_one_time THEN t.effective_at ELSE t.recorded_at END, t.recorded_at, t.written_at,
       t.policy_version, t.basis, NULL, NULL, b.time_zone, a.cause, a.first, a.seqs, a.parts, NULL
FROM acts AS a
JOIN wallets AS w ON w.wallet_id = a.wallet_id
JOIN ledger_transfers AS t ON t.member_id = %(member)s AND t.seq = a.last
JOIN member_books AS b ON b.member_id = t.member_id
WHERE %(wallet)s::text IS NULL OR w.code = %(wallet)s
ORDER BY 1 DESC, 21
"""
READ_TIER_CHANGE: LiteralString = """
SELECT c.from_tier, c.to_tier, c.cause, c.reference, c.metric, c.policy_version, c.effective_at, c.recorded_at,
       c.cause <> 'return' OR EXISTS (SELECT FROM settlements AS s
           WHERE s.member_id = c.member_id AND s.order_id = split_part(c.reference, ':', 2))
FROM tier_changes AS c WHERE c.member_id = %s AND c.recorded_at <= %s ORDER BY c.seq DESC LIMIT 1
"""
READ_METRIC: LiteralString = """
SELECT coalesce(sum(CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END), 0)::bigint
FROM ledger_transfers AS t
WHERE t.member_id = %s AND t.qualifying AND t.recorded_at <= %s AND t.effective_at > %s AND t.effective_at <= %s
"""
PROGRAMME_TOTALS: LiteralString = """
SELECT w.code, t.kind, sum(CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END)::bigint
FROM ledger_transfers AS t JOIN wallets AS w ON w.wallet_id = t.wallet_id
WHERE t.recorded_at <= %s GROUP BY w.code, t.kind ORDER BY w.code, t.kind
"""
# What was used of lots is read by its index and added up beside them: the planner knows nothing of a CTE's rows, and
# went through all that was summed up by lot once for each lot, where no table was analysed yet.
STANDINGS: LiteralString = """
WITH sums AS (
    SELECT t.member_id, max(t.seq) AS seq,
           sum(t.debt_change) FILTER (WHERE w.code = %(wallet)s)::bigint AS debt,
           sum(CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END)
               FILTER (WHERE t.qualifying AND t.effective_at > %(after)s AND t.effective_at <= %(at)s)::bigint AS growth
    FROM ledger_transfers AS t JOIN wallets AS w ON w.wallet_id = t.wallet_id
    WHERE t.recorded_at <= %(at)s GROUP BY t.member_id
), there AS (
    SELECT l.member_id, l.lot_no, l.available_at, l.amount, sums.seq
    FROM sums JOIN lots AS l ON l.member_id = sums.member_id AND l.lot_no <= sums.seq
    JOIN wallets AS w ON w.wallet_id = l.wallet_id AND w.code = %(wallet)s
    WHERE l.expires_at > %(at)s
), parts AS (
    SELECT p.member_id, sum(p.amount) FILTER (WHERE p.available_at <= %(at)s)::bigint AS available,
           sum(p.amount) FILTER (WHERE p.available_at > %(at)s)::bigint AS pending
    FROM (
        SELECT member_id, available_at, amount FROM there
        UNION ALL
        SELECT l.member_id, l.available_at, -u.amount
        FROM there AS l
        JOIN lot_uses AS u ON u.member_id = l.member_id AND u.lot_no = l.lot_no AND u.seq <= l.seq
    ) AS p
    GROUP BY p.member_id
), kept AS (
    SELECT h.member_id, sum(p.amount)::bigint AS held
    FROM holds AS h
    JOIN wallets AS w ON w.wallet_id = h.wallet_id AND w.code = %(wallet)s
    JOIN hold_lots AS p ON p.member_id = h.member_id AND p.hold_id = h.hold_id
    JOIN lots AS l ON l.member_id = p.member_id AND l.lot_no = p.lot_no AND l.expires_at > %(at)s
    LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
    WHERE h.placed_at <= %(at)s AND h.deadline > %(at)s AND (e.recorded_at IS NULL OR e.recorded_at > %(at)s)
    GROUP BY h.member_id
), held AS (
    SELECT DISTINCT ON (c.member_id) c.member_id, c.to_tier
    FROM tier_changes AS c WHERE c.recorded_at <= %(at)s ORDER BY c.member_id, c.seq DESC
), arriving AS (
    SELECT p.version FROM loyalty_policies AS p LEFT JOIN policy_arrivals AS a ON a.version = p.version
    WHERE p.active_from <= %(at)s AND p.version <= %(turn)s AND a.finished_at IS NULL
      AND NOT EXISTS (SELECT FROM policy_withdrawals AS g WHERE g.version = p.version)
)
SELECT b.member_id, coalesce(held.to_tier, 0), coalesce(parts.available, 0) - coalesce(kept.held, 0),
       coalesce(parts.pending, 0), coalesce(sums.growth, 0), coalesce(sums.debt, 0),
       coalesce(b.review_at <= %(at)s, false) OR (b.policy_seen < %(turn)s AND EXISTS (SELECT FROM arriving
           WHERE b.policy_seen < arriving.version))
FROM member_books AS b
LEFT JOIN sums ON sums.member_id = b.member_id
LEFT JOIN parts ON parts.member_id = b.member_id
LEFT JOIN kept ON kept.member_id = b.member_id
LEFT JOIN held ON held.member_id = b.member_id
ORDER BY b.member_id
"""

# What a hold keeps does not run out before the hold's end. Few have holds; their books say so.
EXPIRING: LiteralString = """
WITH kept AS (
    SELECT p.member_id, p.lot_no, sum(p.amount)::bigint AS amount
    FROM member_books AS b
    JOIN holds AS h ON h.member_id = b.member_id AND h.deadline > %(now)s
    JOIN hold_lots AS p ON p.member_id = h.member_id AND p.hold_id = h.hold_id
    LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
    WHERE b.hold_until IS NOT NULL AND e.hold_id IS NULL GROUP BY p.member_id, p.lot_no
)
SELECT l.expires_at, l.member_id, sum(l.remaining - coalesce(k.amount, 0))::bigint
FROM lots AS l
JOIN wallets AS w ON w.wallet_id = l.wallet_id AND w.code = %(wallet)s
JOIN member_books AS b ON b.member_id = l.member_id AND b.time_zone = %(time_zone)s
LEFT JOIN kept AS k ON k.member_id = l.member_id AND k.lot_no = l.lot_no
WHERE l.remaining > 0 AND l.remaining > coalesce(k.amount, 0)
  AND l.expires_at >= %(after)s AND l.expires_at <= %(until)s
  AND (l.expires_at > %(after)s OR l.member_id > %(after_member)s::uuid)
GROUP BY l.expires_at, l.member_id ORDER BY l.expires_at, l.member_id LIMIT %(limit)s
"""


async def read_balances(tx: Transaction, member_ids: Sequence[UUID]) -> Rows:
    """Return what wallets hold, a row an open lot, and of those who have holds a row a part held.

    Columns: member_id, wallet, balance, debt, units, available_at, expires_at, last_recorded_at, hold_until, and its
    deadline of what is held. Lots that can be spent now are available from now. A wallet without open lots is one row
    without a lot; members without books have none.
    """
    rows = await tx.rows(READ_BALANCES, {"members": arrays.ids(member_ids), "now": tx.now})
    holders = {row[0] for row in rows if row[8] is not None}
    if not holders:
        return rows
    others = [row for row in rows if row[0] not in holders]
    return others + await tx.rows(READ_BALANCES_WITH_HOLDS, {"members": arrays.ids(sorted(holders))})


async def read_balances_as_of(tx: Transaction, member_ids: Sequence[UUID], at: datetime) -> Rows:
    """Return the same of what was recorded by `at`."""
    return await tx.rows(READ_BALANCES_AS_OF, {"members": arrays.ids(member_ids), "at": at})


async def read_wallet_codes(tx: Transaction) -> list[str]:
    """Return the code of every wallet."""
    return [row[0] for row in await tx.rows(READ_WALLET_CODES)]


async def read_lots(tx: Transaction, member_id: UUID, *, spent: bool, after: int | None, limit: int | None) -> Rows:
    """Return lots in spending order: lot_no, wallet, amount, remaining, three instants, order_id, held.

    And whether the order, if there is one, is settled in the member's own books.

    `after` names the lot behind which they begin.
    """
    parameters = {"member": member_id, "spent": spent, "after": after, "limit": limit, "now": tx.now}
    return await tx.rows(READ_LOTS, parameters)


async def read_lot(tx: Transaction, member_id: UUID, lot_no: int) -> tuple[Any, ...] | None:
    """Return one lot, as `read_lots` does."""
    rows = await tx.rows(READ_LOT, {"member": member_id, "lot_no": lot_no, "now": tx.now})
    return rows[0] if rows else None


async def read_these_lots(tx: Transaction, member_id: UUID, lot_nos: Sequence[int]) -> Rows:
    """Return lots by their numbers, as `read_lots` does."""
    return await tx.rows(READ_THESE_LOTS, {"member": member_id, "lot_nos": arrays.ints(lot_nos), "now": tx.now})


async def read_expiries(tx: Transaction, member_id: UUID, wallet: str, after: datetime) -> Rows:
    """Return (expires_at, units) of what is left in lots, and not held, that run out after an instant, by that."""
    return await tx.rows(READ_EXPIRIES, {"member": member_id, "wallet": wallet, "after": after})


async def read_statement(tx: Transaction, member_id: UUID, wallet: str | None, before: int, limit: int) -> Rows:
    """Return the newest `limit` transfers before a `seq`, one row for each of their lot uses."""
    return await tx.rows(READ_STATEMENT, {"member": member_id, "wallet": wallet, "before": before, "limit": limit})


async def read_statement_of_acts(
    tx: Transaction, member_id: UUID, wallet: str | None, before: int, limit: int, *, named: int
) -> Rows:
    """Return the same, and of each act that moved something there a row for each wallet with what it moved in all.

    Behind the columns of `read_statement` stand the cause of an act, and in the row that sums it up the number of the
    first of its transfers, those of the first `named`, and how many there are.
    """
    parameters = {"member": member_id, "wallet": wallet, "before": before, "limit": limit, "named": named}
    return await tx.rows(READ_STATEMENT_OF_ACTS, parameters)


async def read_tier_change(tx: Transaction, member_id: UUID, at: datetime) -> Rows:
    """Return the last tier change recorded by `at`, if any.

    That is from tier, to tier, cause, reference, metric, version, instants, and whether the order of a return that
    caused it is settled in the member's own books.
    """
    return await tx.rows(READ_TIER_CHANGE, (member_id, at))


async def read_metric(tx: Transaction, member_id: UUID, after: datetime, at: datetime) -> int:
    """Return the qualifying sum of `(after, at]` as recorded by `at`."""
    total: int = (await tx.rows(READ_METRIC, (member_id, at, after, at)))[0][0]
    return total


async def programme_totals(tx: Transaction, at: datetime) -> Rows:
    """Return (wallet, kind, signed sum) of what was recorded by `at`."""
    return await tx.rows(PROGRAMME_TOTALS, (at,))


async def read_standings(tx: Transaction, wallet: str, after: datetime, at: datetime, turn: int) -> Rows:
    """Return (member_id, tier, available, pending, growth in `(after, at]`, debt, whether time decided more).

    `turn` is the latest version by `at` that looks at tiers: until it is booked, it may lift who has not seen it.
    """
    return await tx.rows(STANDINGS, {"wallet": wallet, "after": after, "at": at, "turn": turn})


async def read_expiring(
    tx: Transaction,
    *,
    wallet: str,
    time_zone: str,
    after: datetime,
    after_member: UUID | None,
    until: datetime,
    limit: int,
) -> Rows:
    """Return (expires_at, member_id, units) of open lots that run out, in this order, behind a place in it.

    What is held now is left out.
    """
    parameters = {
        "now": tx.now,
        "wallet": wallet,
        "time_zone": time_zone,
        "after": after,
        "after_member": after_member,
        "until": until,
        "limit": limit,
    }
    return await tx.rows(EXPIRING, parameters)
