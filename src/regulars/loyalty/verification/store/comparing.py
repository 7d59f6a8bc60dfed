"""SQL of the ledger's checks: each question gives the rows that are wrong, the member first.

Everything is compared member by member, so that the same questions hold where members live on several shards; what
looks at two members is in `merges.py`.
"""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Rows, Statement, Transaction

TRANSFERS: LiteralString = "SELECT count(*) FROM ledger_transfers"
WALLETS: LiteralString = "SELECT count(*) FROM member_wallets"
BOOKS: LiteralString = "SELECT count(*) FROM member_books"
LOTS: LiteralString = "SELECT count(*) FROM lots"
HOLDS: LiteralString = "SELECT count(*) FROM holds"
LOT_USES: LiteralString = "SELECT count(*) FROM lot_uses"

WALLETS_OFF: LiteralString = """
SELECT member_id, wallet_id, coalesce(w.balance, 0), coalesce(s.balance, 0), coalesce(w.debt, 0), coalesce(s.debt, 0)
FROM member_wallets AS w FULL JOIN (
    SELECT member_id, wallet_id, sum(debt_change)::bigint AS debt,
           sum(CASE WHEN credit_account %% 100 = 0 THEN amount ELSE -amount END)::bigint AS balance
    FROM ledger_transfers GROUP BY member_id, wallet_id
) AS s USING (member_id, wallet_id)
WHERE coalesce(w.balance, 0) <> coalesce(s.balance, 0) OR coalesce(w.debt, 0) <> coalesce(s.debt, 0)
ORDER BY 1, 2 LIMIT %s
"""
CHAINS_BROKEN: LiteralString = """
SELECT member_id, seq, wallet_id, balance_after, balance, debt
FROM (
    SELECT member_id, seq, wallet_id, balance_after, sum(debt_change) OVER until AS debt,
           sum(CASE WHEN credit_account %% 100 = 0 THEN amount ELSE -amount END) OVER until AS balance
    FROM ledger_transfers WINDOW until AS (PARTITION BY member_id, wallet_id ORDER BY seq)
) AS run
WHERE balance_after <> balance OR debt < 0 OR balance + debt < 0
ORDER BY 1, 2 LIMIT %s
"""
LOTS_OFF: LiteralString = """
SELECT member_id, lot_no, l.amount, l.remaining, coalesce(u.amount, 0)
FROM lots AS l FULL JOIN (
    SELECT member_id, lot_no, sum(amount)::bigint AS amount FROM lot_uses GROUP BY member_id, lot_no
) AS u USING (member_id, lot_no)
WHERE l.amount IS NULL OR l.remaining <> l.amount - coalesce(u.amount, 0)
ORDER BY 1, 2 LIMIT %s
"""
LOTS_NOT_BALANCE: LiteralString = """
SELECT member_id, wallet_id, coalesce(l.remaining, 0), coalesce(s.debt, 0), coalesce(s.balance, 0)
FROM member_wallets AS s
FULL JOIN (
    SELECT member_id, wallet_id, sum(remaining)::bigint AS remaining FROM lots GROUP BY member_id, wallet_id
) AS l USING (member_id, wallet_id)
JOIN wallets AS w USING (wallet_id)
WHERE CASE WHEN w.spendable THEN coalesce(l.remaining, 0) - coalesce(s.debt, 0) <> coalesce(s.balance, 0)
           ELSE l.remaining IS NOT NULL OR s.debt <> 0 END
ORDER BY 1, 2 LIMIT %s
"""
TRANSFERS_WITHOUT_LOTS: LiteralString = """
SELECT member_id, seq, t.kind, t.signed, l.amount, u.amount, t.debt_change
FROM (
    SELECT t.member_id, t.seq, t.wallet_id, t.kind, t.amount, t.debt_change, w.spendable,
           CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END AS signed
    FROM ledger_transfers AS t LEFT JOIN wallets AS w ON w.wallet_id = t.wallet_id
) AS t
FULL JOIN (SELECT member_id, lot_no AS seq, wallet_id, amount FROM lots) AS l USING (member_id, seq)
FULL JOIN (
    SELECT member_id, seq, sum(amount)::bigint AS amount, sum(gives_back)::bigint AS gives_back
    FROM lot_uses GROUP BY member_id, seq
) AS u USING (member_id, seq)
WHERE t.kind IS NULL
   OR l.wallet_id <> t.wallet_id
   OR coalesce(u.gives_back, 0) <> CASE WHEN t.kind = 'give_back' THEN t.amount ELSE 0 END
   OR CASE WHEN t.spendable THEN t.signed <> coalesce(l.amount, 0) - coalesce(u.amount, 0) - t.debt_change
           ELSE l.amount IS NOT NULL OR u.amount IS NOT NULL OR t.debt_change <> 0 OR t.spendable IS NULL END
ORDER BY 1, 2 LIMIT %s
"""
USES_OUT_OF_TIME: LiteralString = """
SELECT u.member_id, u.seq, t.kind, u.lot_no, t.recorded_at, l.available_at, l.expires_at
FROM lot_uses AS u
JOIN ledger_transfers AS t ON t.member_id = u.member_id AND t.seq = u.seq
JOIN lots AS l ON l.member_id = u.member_id AND l.lot_no = u.lot_no
LEFT JOIN hold_ends AS e ON t.reference LIKE 'hold:%%' AND e.member_id = u.member_id
    AND u.seq IN (e.transfer_seq, e.expire_seq)
LEFT JOIN holds AS h ON h.member_id = e.member_id AND h.hold_id = e.hold_id
WHERE u.lot_no >= u.seq OR l.wallet_id <> t.wallet_id OR CASE t.kind
    WHEN 'redeem' THEN u.amount <= 0 OR l.available_at > coalesce(h.placed_at, t.recorded_at)
        OR l.expires_at <= coalesce(h.placed_at, t.recorded_at)
    WHEN 'adjust' THEN u.amount <= 0 OR l.available_at > t.recorded_at OR l.expires_at <= t.recorded_at
    WHEN 'move_out' THEN u.amount <= 0 OR l.expires_at <= t.recorded_at
    WHEN 'extend' THEN u.amount <= 0 OR l.expires_at <= t.recorded_at
    WHEN 'claw_back' THEN u.amount <= 0 OR l.expires_at <= t.recorded_at
        OR (l.available_at > t.recorded_at AND l.order_id IS DISTINCT FROM t.order_id)
    WHEN 'expire' THEN u.amount <= 0 OR l.expires_at > t.recorded_at
        OR coalesce(e.effective_at, l.expires_at) <> t.effective_at
    WHEN 'give_back' THEN u.amount > 0 OR (u.amount < 0) <> (l.expires_at > t.recorded_at)
    ELSE true END
ORDER BY 1, 2 LIMIT %s
"""
GIVEN_BACK_TOO_MUCH: LiteralString = """
SELECT member_id, of_seq, lot_no, b.gives_back, coalesce(u.amount, 0)
FROM (
    SELECT member_id, of_seq, lot_no, sum(gives_back)::bigint AS gives_back
    FROM lot_uses WHERE of_seq IS NOT NULL GROUP BY member_id, of_seq, lot_no
) AS b
LEFT JOIN (SELECT member_id, seq AS of_seq, lot_no, amount FROM lot_uses WHERE of_seq IS NULL) AS u
    USING (member_id, of_seq, lot_no)
WHERE b.gives_back > coalesce(u.amount, 0)
ORDER BY 1, 2 LIMIT %s
"""
SIDES_WRONG: LiteralString = """
WITH kinds (kind, counter, credits) AS (
    VALUES ('accrue', 1, true), ('earn', 1, true), ('claw_back', 1, false),
           ('redeem', 2, false), ('give_back', 2, true), ('expire', 3, false), ('adjust', 4, true),
           ('adjust', 4, false), ('forgive', 5, true), ('move_in', 6, true), ('move_out', 6, false),
           ('extend', 7, true), ('extend', 7, false)
)
SELECT t.member_id, t.seq, t.kind, t.debit_account, t.credit_account
FROM ledger_transfers AS t
LEFT JOIN kinds AS k ON k.kind = t.kind AND k.credits = (t.credit_account = t.wallet_id * 100)
    AND k.counter = greatest(t.debit_account, t.credit_account) - t.wallet_id * 100
LEFT JOIN wallets AS w ON w.wallet_id = t.wallet_id
WHERE k.kind IS NULL OR least(t.debit_account, t.credit_account) <> t.wallet_id * 100 OR t.amount <= 0
   OR t.qualifying IS DISTINCT FROM w.qualifying
ORDER BY 1, 2 LIMIT %s
"""
BOOKS_NOT_ZERO: LiteralString = """
SELECT wallet_id, coalesce(m.total, 0), coalesce(p.total, 0)
FROM (SELECT wallet_id, sum(balance)::bigint AS total FROM member_wallets GROUP BY wallet_id) AS m
FULL JOIN (
    SELECT debit.wallet_id, sum(debit.amount)::bigint AS total FROM (
        SELECT credit_account / 100 AS wallet_id, amount FROM ledger_transfers WHERE credit_account %% 100 <> 0
        UNION ALL
        SELECT debit_account / 100, -amount FROM ledger_transfers WHERE debit_account %% 100 <> 0
    ) AS debit GROUP BY debit.wallet_id
) AS p USING (wallet_id)
WHERE coalesce(m.total, 0) + coalesce(p.total, 0) <> 0
ORDER BY 1 LIMIT %s
"""
WINDOWS_OFF: LiteralString = """
SELECT b.member_id, b.window_at, b.window_sum, coalesce(sum(t.change), 0)::bigint, b.window_oldest_at,
       min(t.effective_at)
FROM member_books AS b
LEFT JOIN (
    SELECT member_id, effective_at, CASE WHEN credit_account %% 100 = 0 THEN amount ELSE -amount END AS change
    FROM ledger_transfers WHERE qualifying
) AS t ON t.member_id = b.member_id AND t.effective_at <= b.window_at
      AND t.effective_at > b.window_at - make_interval(hours => 24 * b.window_days)
GROUP BY b.member_id
HAVING b.window_sum <> coalesce(sum(t.change), 0)
    OR min(t.effective_at) < b.window_oldest_at OR (min(t.effective_at) IS NOT NULL AND b.window_oldest_at IS NULL)
    OR (b.window_at IS NULL AND EXISTS (
        SELECT FROM ledger_transfers AS q WHERE q.member_id = b.member_id AND q.qualifying))
ORDER BY 1 LIMIT %s
"""
REFERENCES_TWICE: LiteralString = """
SELECT member_id, reference, count(*) FROM ledger_transfers GROUP BY member_id, reference HAVING count(*) > 1
ORDER BY 1, 2 LIMIT %s
"""
ORDER_OF_BOOKS: LiteralString = """
SELECT member_id, b.next_seq, coalesce(r.entries, 0), coalesce(r.highest, 0), coalesce(r.backwards, 0)
FROM member_books AS b FULL JOIN (
    SELECT member_id, count(*) AS entries, max(seq) AS highest, max(recorded_at) AS latest,
           count(*) FILTER (WHERE recorded_at < before OR seq = earlier) AS backwards
    FROM (
        SELECT member_id, seq, recorded_at, lag(recorded_at) OVER so_far AS before, lag(seq) OVER so_far AS earlier
        FROM (
            SELECT member_id, seq, recorded_at FROM ledger_transfers
            UNION ALL SELECT member_id, seq, recorded_at FROM tier_changes
            UNION ALL SELECT member_id, seq, placed_at FROM holds
            UNION ALL SELECT member_id, seq, recorded_at FROM hold_ends
            UNION ALL SELECT member_id, seq, recorded_at FROM book_joinings
        ) AS entry
        WINDOW so_far AS (PARTITION BY member_id ORDER BY seq)
    ) AS pairs
    GROUP BY member_id
) AS r USING (member_id)
WHERE b.next_seq IS NULL OR coalesce(r.entries, 0) <> b.next_seq - 1 OR coalesce(r.highest, 0) <> b.next_seq - 1
   OR r.backwards > 0 OR b.last_recorded_at IS DISTINCT FROM r.latest
ORDER BY 1 LIMIT %s
"""
# What an open hold keeps is there; what a hold took is what it kept; its end is in its time.
HOLDS_OFF: LiteralString = """
SELECT h.member_id, h.hold_id, h.amount, coalesce(p.amount, 0), coalesce(e.how, 'open'), coalesce(e.posted, 0),
       coalesce(p.used, 0)
FROM holds AS h
LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
LEFT JOIN (
    SELECT p.member_id, p.hold_id, sum(p.amount)::bigint AS amount, bool_or(l.remaining < p.amount) AS missing,
           bool_or(l.lot_no IS NULL OR l.wallet_id <> h.wallet_id OR l.available_at > h.placed_at
                   OR l.expires_at <= h.placed_at) AS strange,
           sum(u.amount)::bigint AS used, sum(x.amount)::bigint AS expired, bool_or(coalesce(u.amount, 0)
               + coalesce(x.amount, 0) > p.amount) AS too_much
    FROM hold_lots AS p
    JOIN holds AS h ON h.member_id = p.member_id AND h.hold_id = p.hold_id
    LEFT JOIN lots AS l ON l.member_id = p.member_id AND l.lot_no = p.lot_no
    LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
    LEFT JOIN lot_uses AS u ON u.member_id = e.member_id AND u.seq = e.transfer_seq AND u.lot_no = p.lot_no
    LEFT JOIN lot_uses AS x ON x.member_id = e.member_id AND x.seq = e.expire_seq AND x.lot_no = p.lot_no
    GROUP BY p.member_id, p.hold_id
) AS p ON p.member_id = h.member_id AND p.hold_id = h.hold_id
LEFT JOIN ledger_transfers AS t ON t.member_id = e.member_id AND t.seq = e.transfer_seq
WHERE p.amount IS DISTINCT FROM h.amount OR p.strange OR p.too_much OR (e.hold_id IS NULL AND p.missing)
   OR coalesce(e.posted, 0) <> coalesce(p.used, 0) OR coalesce(e.posted, 0) <> coalesce(t.amount, 0)
   OR e.posted > h.amount OR t.wallet_id <> h.wallet_id
   OR CASE e.how WHEN 'timed_out' THEN e.effective_at <> h.deadline
                 ELSE e.effective_at < h.placed_at OR e.effective_at >= h.deadline END
ORDER BY 1, h.seq LIMIT %s
"""
HELD_TOO_MUCH: LiteralString = """
SELECT l.member_id, l.lot_no, l.remaining, sum(p.amount)::bigint
FROM holds AS h
JOIN hold_lots AS p ON p.member_id = h.member_id AND p.hold_id = h.hold_id
JOIN lots AS l ON l.member_id = p.member_id AND l.lot_no = p.lot_no
LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
WHERE e.hold_id IS NULL GROUP BY l.member_id, l.lot_no, l.remaining HAVING sum(p.amount) > l.remaining
ORDER BY 1, 2 LIMIT %s
"""
DEADLINES_OFF: LiteralString = """
SELECT b.member_id, b.hold_until, o.deadline
FROM member_books AS b FULL JOIN (
    SELECT h.member_id, min(h.deadline) AS deadline FROM holds AS h
    LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
    WHERE e.hold_id IS NULL GROUP BY h.member_id
) AS o ON o.member_id = b.member_id
WHERE b.hold_until IS DISTINCT FROM o.deadline
ORDER BY 1 LIMIT %s
"""
ENDS_WITHOUT_HOLDS: LiteralString = """
SELECT e.member_id, e.hold_id FROM hold_ends AS e
LEFT JOIN holds AS h ON h.member_id = e.member_id AND h.hold_id = e.hold_id
WHERE h.hold_id IS NULL ORDER BY 1, 2 LIMIT %s
"""
# By day, as the books do not say who owns the key of somebody who corrects.
ALONE_OFF: LiteralString = """
WITH booked AS (
    SELECT 'UTC' AS time_zone, (t.recorded_at AT TIME ZONE 'UTC')::date AS day, sum(t.amount)::bigint AS units,
           max((p.document::jsonb #>> '{adjustments,alone_per_day}')::bigint) AS most
    FROM ledger_transfers AS t
    JOIN loyalty_policies AS p ON p.version = t.policy_version
    WHERE t.kind = 'adjust' AND nullif(t.basis, '')::jsonb ? 'today'
    GROUP BY 1, 2
), counted AS (
    SELECT time_zone, day, sum(units)::bigint AS units, max(units) AS largest FROM corrections_alone GROUP BY 1, 2
)
SELECT time_zone, day::text, coalesce(c.units, 0), coalesce(b.units, 0), coalesce(c.largest, 0), coalesce(b.most, 0)
FROM booked AS b FULL JOIN counted AS c USING (time_zone, day)
WHERE coalesce(c.units, 0) <> coalesce(b.units, 0) OR c.largest > b.most
ORDER BY 1, 2 LIMIT %s
"""
NOT_COUNTED: LiteralString = """
SELECT t.member_id, t.seq, (p.document::jsonb #>> '{adjustments,alone_per_day}')::bigint
FROM ledger_transfers AS t JOIN loyalty_policies AS p ON p.version = t.policy_version
WHERE t.kind = 'adjust' AND p.document::jsonb #>> '{adjustments,alone_per_day}' IS NOT NULL
  AND NOT coalesce(nullif(t.basis, '')::jsonb ?| ARRAY['today', 'approved_by'], false)
ORDER BY 1, 2 LIMIT %s
"""
REQUESTS: LiteralString = "SELECT count(*) FROM adjustment_requests"
# Each approved request is one transfer, and each such transfer an approved request, by another, in time.
REQUESTS_OFF: LiteralString = """
SELECT coalesce(a.member_id, t.member_id), coalesce(a.reference, t.reference), a.amount, coalesce(a.answer, 'open'),
       t.amount
FROM (
    SELECT r.member_id, 'adjustment:' || replace(r.request_id::text, '-', '') AS reference, r.amount, r.wallet_id,
           a.answer, a.transfer_seq,
           a.answered_by = r.asked_by OR a.answered_at >= r.expires_at OR a.answered_at < r.asked_at AS wrong
    FROM adjustment_requests AS r
    LEFT JOIN adjustment_answers AS a ON a.member_id = r.member_id AND a.request_id = r.request_id
) AS a
FULL JOIN (
    SELECT member_id, reference, seq, wallet_id, kind,
           CASE WHEN credit_account %% 100 = 0 THEN amount ELSE -amount END AS amount
    FROM ledger_transfers WHERE reference LIKE 'adjustment:%%'
) AS t ON t.member_id = a.member_id AND t.reference = a.reference
WHERE a.wrong OR (coalesce(a.answer, '') = 'approved') <> (t.seq IS NOT NULL)
   OR t.seq <> a.transfer_seq OR t.amount <> a.amount OR t.wallet_id <> a.wallet_id OR t.kind <> 'adjust'
ORDER BY 1, 2 LIMIT %s
"""
CORRECTED_TWICE: LiteralString = """
SELECT r.member_id, r.reference, r.amount, CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END
FROM adjustment_requests AS r
JOIN ledger_transfers AS t ON t.member_id = r.member_id AND t.reference = r.reference AND t.kind = 'adjust'
ORDER BY 1, 2 LIMIT %s
"""
EXTENDED: LiteralString = "SELECT count(*) FROM ledger_transfers WHERE kind = 'extend'"
# What leaves a lot comes back as the next row, with a lot that differs in nothing but that it runs out later.
EXTENSIONS_OFF: LiteralString = """
WITH each AS (SELECT t.*, t.credit_account %% 100 = 0 AS comes FROM ledger_transfers AS t WHERE t.kind = 'extend')
SELECT coalesce(o.member_id, i.member_id), coalesce(o.seq, i.seq), coalesce(o.amount, 0), coalesce(i.amount, 0)
FROM (SELECT * FROM each WHERE NOT comes) AS o
FULL JOIN (SELECT * FROM each WHERE comes) AS i ON i.member_id = o.member_id AND i.seq = o.seq + 1
LEFT JOIN lot_uses AS u ON u.member_id = o.member_id AND u.seq = o.seq
LEFT JOIN lots AS s ON s.member_id = u.member_id AND s.lot_no = u.lot_no
LEFT JOIN lots AS l ON l.member_id = i.member_id AND l.lot_no = i.seq
WHERE o.seq IS NULL OR i.seq IS NULL OR s.lot_no IS NULL OR l.lot_no IS NULL
   OR (o.wallet_id, o.amount, o.effective_at, o.recorded_at) <> (i.wallet_id, i.amount, i.effective_at, i.recorded_at)
   OR o.debt_change <> 0 OR i.debt_change <> 0 OR u.amount <> o.amount OR l.amount <> i.amount
   OR (l.earned_at, l.available_at) <> (s.earned_at, s.available_at) OR l.order_id IS DISTINCT FROM s.order_id
   OR l.expires_at <= s.expires_at OR l.expires_at > o.recorded_at + interval '732 days'
ORDER BY 1, 2 LIMIT %s
"""
# Each entry was decided by the version that was in force when it was recorded.
OF_ANOTHER_VERSION: LiteralString = """
WITH terms AS (
    SELECT p.version, p.active_from, lead(p.active_from) OVER (ORDER BY p.version) AS until FROM loyalty_policies AS p
    WHERE NOT EXISTS (SELECT FROM policy_withdrawals AS w WHERE w.version = p.version)
)
SELECT e.member_id, e.seq, e.policy_version, e.recorded_at
FROM (
    SELECT member_id, seq, policy_version, recorded_at FROM ledger_transfers
    UNION ALL SELECT member_id, seq, policy_version, recorded_at FROM tier_changes
) AS e
LEFT JOIN terms AS t ON t.version = e.policy_version
WHERE t.version IS NULL OR e.recorded_at < t.active_from OR e.recorded_at >= t.until
ORDER BY 1, 2 LIMIT %s
"""

NEXT_MEMBERS: LiteralString = """
SELECT member_id, time_zone, tier, tier_since, review_at, in_grace, policy_seen FROM member_books
WHERE member_id > %s ORDER BY member_id LIMIT %s
"""
SETTLEMENTS_AND_TRANSFERS: LiteralString = """
SELECT member_id, order_id, s.total_minor, s.points_used, s.base, s.multiplier, s.tier, s.policy_version, s.redeem_seq,
       s.earn_seq, s.returned_minor, s.points_used_now, s.base_now, c.redeemed, c.redeemed_at, c.earned, c.earned_at,
       c.growth, c.given_back, c.clawed_back, c.growth_back
FROM (SELECT * FROM settlements WHERE member_id = ANY (%(members)s::uuid[])) AS s
FULL JOIN (
    SELECT t.member_id, t.order_id,
           sum(t.amount) FILTER (WHERE t.kind = 'redeem')::bigint AS redeemed,
           max(t.seq) FILTER (WHERE t.kind = 'redeem') AS redeemed_at,
           sum(t.amount) FILTER (WHERE t.kind = 'earn' AND NOT t.qualifying)::bigint AS earned,
           max(t.seq) FILTER (WHERE t.kind = 'earn' AND NOT t.qualifying) AS earned_at,
           sum(t.amount) FILTER (WHERE t.kind = 'earn' AND t.qualifying)::bigint AS growth,
           sum(t.amount) FILTER (WHERE t.kind = 'give_back')::bigint AS given_back,
           sum(t.amount) FILTER (WHERE t.kind = 'claw_back' AND NOT t.qualifying)::bigint AS clawed_back,
           sum(t.amount) FILTER (WHERE t.kind = 'claw_back' AND t.qualifying)::bigint AS growth_back
    FROM ledger_transfers AS t
    WHERE t.member_id = ANY (%(members)s::uuid[]) AND t.order_id IS NOT NULL GROUP BY t.member_id, t.order_id
) AS c USING (member_id, order_id)
ORDER BY member_id, order_id
"""
QUALIFYING: LiteralString = """
SELECT t.member_id, t.seq, CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END, t.kind, t.reference,
       t.order_id, t.effective_at, t.recorded_at, t.policy_version, s.tier
FROM ledger_transfers AS t
LEFT JOIN settlements AS s ON s.member_id = t.member_id AND s.order_id = t.order_id AND t.kind = 'earn'
WHERE t.member_id = ANY (%s::uuid[]) AND t.qualifying ORDER BY t.member_id, t.seq
"""
TIER_CHANGES: LiteralString = """
SELECT member_id, seq, from_tier, to_tier, cause, reference, metric, policy_version, effective_at, recorded_at
FROM tier_changes WHERE member_id = ANY (%s::uuid[]) ORDER BY member_id, seq
"""
BOOKED_VERSION: LiteralString = """
SELECT coalesce(max(version), 0) FROM policy_arrivals WHERE finished_at IS NOT NULL
"""
JOININGS_OF: LiteralString = """
SELECT member_id, seq, 'merge:' || replace(merge_id::text, '-', ''), step, role, recorded_at FROM book_joinings
WHERE member_id = ANY (%s::uuid[]) ORDER BY member_id, seq
"""


async def ask(tx: Transaction, count: LiteralString, wrong: LiteralString, at_most: int) -> tuple[int, Rows]:
    """Return how many rows there are, and the first that are wrong."""
    counted, found = await tx.read(Statement(count), Statement(wrong, (at_most,)))
    return counted[0][0], found


async def next_members(tx: Transaction, after: UUID, at_most: int) -> Rows:
    """Return the next books by member id: time zone, tier, since, review, whether in grace."""
    return await tx.rows(NEXT_MEMBERS, (after, at_most))


async def booked_version(tx: Transaction) -> int:
    """Return the latest version for which every book was gone through when it came; 0 for none."""
    found: int = (await tx.rows(BOOKED_VERSION))[0][0]
    return found


async def settlements_and_transfers(tx: Transaction, members: Sequence[UUID]) -> Rows:
    """Return each order's settlement beside the sums of the transfers that name the order."""
    return await tx.rows(SETTLEMENTS_AND_TRANSFERS, {"members": arrays.ids(members)})


async def tier_history(tx: Transaction, members: Sequence[UUID]) -> tuple[Rows, Rows, Rows]:
    """Return the qualifying transfers, tier changes, and joinings of members, each in order of `seq`."""
    ids = arrays.ids(members)
    entries, changes, joinings = await tx.read(
        Statement(QUALIFYING, (ids,)), Statement(TIER_CHANGES, (ids,)), Statement(JOININGS_OF, (ids,))
    )
    return entries, changes, joinings
