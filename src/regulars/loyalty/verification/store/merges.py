"""SQL of the checks of moves and merges: each question gives the rows that are wrong, the member first.

`MOVES_WITHOUT_PAIR`, `MERGED_NOT_EMPTY`, `MERGED_IN_A_RING` and `JOININGS_WITHOUT_PAIR` look at both sides of a merge,
who may live on two shards; everything else is compared member by member.
"""

from typing import LiteralString

MOVED: LiteralString = "SELECT count(*) FROM ledger_transfers WHERE kind IN ('move_in', 'move_out')"
# What one member's books give, another's get: the same units, of the same wallet, at the same instants; a lot that was
# opened so has the dates and the order of the lot that gave. What is given to another has no order there, what is taken
# back that of the lot that gave it away: not without need where that order is the giver's own, and never another.
MOVES_WITHOUT_PAIR: LiteralString = """
WITH RECURSIVE moved AS (
    SELECT t.member_id, t.seq, t.wallet_id, t.kind, t.amount, t.effective_at, t.recorded_at,
           left(t.reference, length(t.reference) - CASE WHEN t.reference LIKE '%%:in' THEN 3 ELSE 4 END) AS link,
           CASE WHEN t.reference LIKE '%%:in' THEN 'in' WHEN t.reference LIKE '%%:out' THEN 'out' END AS side,
           (t.basis::jsonb ->> 'origin')::bigint AS origin, t.basis::jsonb ->> 'member' AS other,
           'mbr_' || replace(t.member_id::text, '-', '') AS public_id
    FROM ledger_transfers AS t WHERE t.kind IN ('move_in', 'move_out')
), extended AS (
    SELECT member_id, seq AS lot_no, (basis::jsonb ->> 'origin')::bigint AS out_of
    FROM ledger_transfers WHERE kind = 'extend' AND credit_account %% 100 = 0
), roots AS (
    SELECT member_id, lot_no, out_of AS root FROM extended
    UNION ALL
    SELECT r.member_id, r.lot_no, e.out_of
    FROM roots AS r JOIN extended AS e ON e.member_id = r.member_id AND e.lot_no = r.root
), brought AS (
    SELECT member_id, lot_no, min(root) AS root FROM roots GROUP BY member_id, lot_no
)
SELECT coalesce(o.member_id, i.member_id), coalesce(o.seq, i.seq), coalesce(o.link, i.link), o.amount, i.amount
FROM (SELECT * FROM moved WHERE side = 'out') AS o
FULL JOIN (SELECT * FROM moved WHERE side = 'in') AS i ON i.link = o.link
LEFT JOIN lots AS l ON l.member_id = i.member_id AND l.lot_no = i.seq
LEFT JOIN lots AS s ON s.member_id = o.member_id AND s.lot_no = i.origin AND l.lot_no IS NOT NULL
LEFT JOIN brought AS r ON r.member_id = o.member_id AND r.lot_no = i.origin
LEFT JOIN ledger_transfers AS g ON g.member_id = o.member_id AND g.seq = coalesce(r.root, i.origin)
    AND i.link LIKE 'transfer:%%:undo:%%'
LEFT JOIN lots AS b ON b.member_id = i.member_id AND b.lot_no = (g.basis::jsonb ->> 'origin')::bigint
LEFT JOIN settlements AS e ON e.member_id = i.member_id AND e.order_id = b.order_id
WHERE o.seq IS NULL OR i.seq IS NULL OR o.kind = i.kind OR o.wallet_id <> i.wallet_id OR o.amount <> i.amount
   OR o.effective_at <> i.effective_at OR o.recorded_at <> i.recorded_at OR o.other IS DISTINCT FROM i.public_id
   OR i.other IS DISTINCT FROM o.public_id
   OR (l.lot_no IS NOT NULL AND i.origin IS NOT NULL AND (l.earned_at, l.available_at, l.expires_at)
       IS DISTINCT FROM (s.earned_at, s.available_at, s.expires_at))
   OR (l.lot_no IS NOT NULL AND i.origin IS NOT NULL AND i.link NOT LIKE 'transfer:%%'
       AND l.order_id IS DISTINCT FROM s.order_id)
   OR (i.link LIKE 'transfer:%%' AND l.order_id IS DISTINCT FROM b.order_id
       AND (l.order_id IS NOT NULL OR e.order_id IS NOT NULL))
UNION ALL
SELECT member_id, seq, link, amount, NULL FROM moved WHERE side IS NULL
ORDER BY 1, 2 LIMIT %s
"""
# Books that are part of others hold nothing, and keep nothing.
MERGED_NOT_EMPTY: LiteralString = """
SELECT b.member_id, b.merged_into, coalesce(sum(w.balance), 0)::bigint, coalesce(sum(w.debt), 0)::bigint
FROM member_books AS b LEFT JOIN member_wallets AS w ON w.member_id = b.member_id
WHERE b.merged_into IS NOT NULL GROUP BY b.member_id
HAVING bool_or(w.balance <> 0 OR w.debt <> 0) OR b.hold_until IS NOT NULL OR b.merged_into = b.member_id
    OR NOT EXISTS (SELECT FROM member_books AS o WHERE o.member_id = b.merged_into)
    OR EXISTS (SELECT FROM lots AS l WHERE l.member_id = b.member_id AND l.remaining > 0)
ORDER BY 1 LIMIT %s
"""
JOININGS: LiteralString = "SELECT count(*) FROM book_joinings"
# Whose part books are is what the latest row says by which they became part of others, or their own again.
MERGED_OTHERWISE: LiteralString = """
WITH latest AS (
    SELECT DISTINCT ON (member_id) member_id, step, merge_id, other_id FROM book_joinings
    WHERE role = 'absorbed' ORDER BY member_id, seq DESC
), joined AS (
    SELECT member_id, merge_id, other_id FROM latest WHERE step = 'joined'
)
SELECT member_id, coalesce(b.merged_into::text, '-'), coalesce(b.merged_by::text, '-'), coalesce(j.other_id::text, '-'),
       coalesce(j.merge_id::text, '-')
FROM (SELECT member_id, merged_into, merged_by FROM member_books WHERE merged_into IS NOT NULL) AS b
FULL JOIN joined AS j USING (member_id)
WHERE b.merged_into IS DISTINCT FROM j.other_id OR b.merged_by IS DISTINCT FROM j.merge_id
ORDER BY 1 LIMIT %s
"""
# Who is somebody of their own again has books of their own, too.
MERGED_BY_UNDONE: LiteralString = """
SELECT b.member_id, b.merged_into, b.merged_by
FROM member_books AS b
JOIN member_merges AS g ON g.member_id = b.member_id AND g.merge_id = b.merged_by AND g.undone_at IS NOT NULL
JOIN members AS m ON m.member_id = b.member_id AND m.status = 'active'
ORDER BY 1 LIMIT %s
"""
MERGED_IN_A_RING: LiteralString = """
WITH RECURSIVE along AS (
    SELECT member_id, merged_into FROM member_books WHERE merged_into IS NOT NULL
    UNION
    SELECT a.member_id, b.merged_into FROM along AS a
    JOIN member_books AS b ON b.member_id = a.merged_into AND b.merged_into IS NOT NULL
)
SELECT member_id FROM along WHERE merged_into = member_id ORDER BY 1 LIMIT %s
"""
JOININGS_WITHOUT_PAIR: LiteralString = """
SELECT j.member_id, j.seq, j.merge_id, j.step
FROM book_joinings AS j
LEFT JOIN book_joinings AS o ON o.member_id = j.other_id AND o.merge_id = j.merge_id AND o.step = j.step
WHERE o.seq IS NULL OR o.other_id <> j.member_id OR o.role = j.role OR o.recorded_at <> j.recorded_at
ORDER BY 1, 2 LIMIT %s
"""
# Each merge joins before it is parted, with the same; and books that are part of others take part in no other merge.
JOININGS_OUT_OF_ORDER: LiteralString = """
WITH ordered AS (
    SELECT j.*, f.seq AS joined_seq, f.role AS joined_role, f.other_id AS joined_with,
           lag(j.step) OVER so_far AS step_before, lag(j.role) OVER so_far AS role_before,
           lag(j.merge_id) OVER so_far AS merge_before
    FROM book_joinings AS j
    LEFT JOIN book_joinings AS f ON f.member_id = j.member_id AND f.merge_id = j.merge_id AND f.step = 'joined'
    WINDOW so_far AS (PARTITION BY j.member_id ORDER BY j.seq)
)
SELECT member_id, seq, merge_id, step FROM ordered
WHERE (step = 'parted' AND (joined_seq IS NULL OR joined_seq >= seq OR joined_role <> role OR joined_with <> other_id))
   OR (step_before = 'joined' AND role_before = 'absorbed' AND (step <> 'parted' OR merge_before <> merge_id))
ORDER BY 1, 2 LIMIT %s
"""
# What a move took is of the lot that it names, and the entry that it carries is the one that it names.
MOVES_OFF: LiteralString = """
WITH moved AS (
    SELECT t.member_id, t.seq, t.wallet_id, t.reference, t.amount, t.effective_at, t.credit_account %% 100 = 0 AS gets,
           substring(t.reference FROM ':(lot|back|cover|entry):[0-9]+:(?:in|out)$') AS what,
           substring(t.reference FROM ':([0-9]+):(?:in|out)$')::bigint AS origin,
           (t.basis::jsonb ->> 'origin')::bigint AS said, t.reference LIKE '%%:out' AS is_out,
           t.reference ~ '^merge:[0-9a-f]{32}(:undo)?:entry:[0-9]+:out$' AS is_whole
    FROM ledger_transfers AS t WHERE t.kind IN ('move_in', 'move_out')
)
SELECT m.member_id, m.seq, m.reference FROM moved AS m
LEFT JOIN (
    SELECT u.member_id, u.seq, min(u.lot_no) AS first, max(u.lot_no) AS last, sum(u.amount)::bigint AS amount
    FROM lot_uses AS u GROUP BY u.member_id, u.seq
) AS u ON u.member_id = m.member_id AND u.seq = m.seq
LEFT JOIN ledger_transfers AS e ON m.is_whole AND e.member_id = m.member_id AND e.seq = m.origin
WHERE m.what IS NOT NULL AND (
    (m.is_out AND m.what IN ('lot', 'back')
        AND (u.amount IS DISTINCT FROM m.amount OR u.first <> m.origin OR u.last <> m.origin))
    OR (m.is_whole AND (e.amount IS DISTINCT FROM m.amount OR e.effective_at <> m.effective_at
        OR e.wallet_id <> m.wallet_id OR (e.credit_account %% 100 = 0) = m.gets))
    OR (NOT m.is_out AND m.said IS DISTINCT FROM m.origin)
)
ORDER BY 1, 2 LIMIT %s
"""
# A merge moves while it is in force, and its last moves are those that undo it.
MOVES_OUT_OF_TIME: LiteralString = """
SELECT t.member_id, t.seq, t.reference
FROM (
    SELECT member_id, seq, reference, substring(reference FROM '^merge:([0-9a-f]{32}):')::uuid AS merge_id
    FROM ledger_transfers WHERE kind IN ('move_in', 'move_out') AND reference LIKE 'merge:%%'
) AS t
LEFT JOIN book_joinings AS j ON j.member_id = t.member_id AND j.merge_id = t.merge_id AND j.step = 'joined'
LEFT JOIN book_joinings AS p ON p.member_id = t.member_id AND p.merge_id = t.merge_id AND p.step = 'parted'
WHERE j.seq IS NULL OR t.seq < j.seq OR t.seq > p.seq
ORDER BY 1, 2 LIMIT %s
"""
# A transfer is a row with either member, which agree, and what the books of both moved under it.
TRANSFERS: LiteralString = "SELECT count(*) FROM point_transfers"
TRANSFERS_OFF: LiteralString = """
WITH moved AS (
    SELECT member_id, substring(reference FROM '^transfer:([0-9a-f]{32}):')::uuid AS transfer_id, wallet_id, kind,
           sum(amount)::bigint AS amount, min(recorded_at) AS first, max(recorded_at) AS last
    FROM ledger_transfers
    WHERE reference >= 'transfer:' AND reference < 'transfer;' AND reference !~ '^transfer:[0-9a-f]{32}:undo:'
    GROUP BY 1, 2, 3, 4
)
SELECT coalesce(p.member_id, m.member_id), coalesce(p.transfer_id, m.transfer_id), coalesce(p.amount, 0),
       coalesce(m.amount, 0)
FROM point_transfers AS p
FULL JOIN moved AS m ON m.member_id = p.member_id AND m.transfer_id = p.transfer_id
    AND m.kind = CASE p.side WHEN 'given' THEN 'move_out' ELSE 'move_in' END
LEFT JOIN point_transfers AS o ON o.member_id = p.other_id AND o.transfer_id = p.transfer_id
WHERE p.amount IS DISTINCT FROM m.amount OR p.wallet_id IS DISTINCT FROM m.wallet_id
   OR p.recorded_at IS DISTINCT FROM m.first OR p.recorded_at IS DISTINCT FROM m.last
   OR o.other_id IS DISTINCT FROM p.member_id OR o.side IS NOT DISTINCT FROM p.side
   OR o.amount IS DISTINCT FROM p.amount
ORDER BY 1, 2 LIMIT %s
"""
REVERSALS_OFF: LiteralString = """
WITH back AS (
    SELECT member_id, substring(reference FROM '^transfer:([0-9a-f]{32}):undo:')::uuid AS transfer_id,
           sum(amount)::bigint AS amount, sum(debt_change)::bigint AS debt
    FROM ledger_transfers
    WHERE reference ~ '^transfer:[0-9a-f]{32}:undo:' AND kind = 'move_in' GROUP BY 1, 2
)
SELECT coalesce(r.member_id, b.member_id), coalesce(r.transfer_id, b.transfer_id),
       coalesce(r.returned + r.covered + r.shortfall, 0), coalesce(b.amount, 0)
FROM point_transfer_reversals AS r
FULL JOIN back AS b ON b.member_id = r.member_id AND b.transfer_id = r.transfer_id
LEFT JOIN point_transfers AS p ON p.member_id = coalesce(r.member_id, b.member_id)
    AND p.transfer_id = coalesce(r.transfer_id, b.transfer_id)
WHERE coalesce(r.returned + r.covered + r.shortfall, 0) <> coalesce(b.amount, 0)
   OR (r.transfer_id IS NULL) OR p.side IS DISTINCT FROM 'given'
   OR r.returned + r.covered + r.shortfall + r.expired <> p.amount
ORDER BY 1, 2 LIMIT %s
"""
# Undone, a merge has given back what it had brought: over all its rows in the survivor's books nothing is left but what
# ran out meanwhile, in the lots that it brought or in those to which these were extended.
UNDONE_NOT_EVEN: LiteralString = """
WITH RECURSIVE undone AS (
    SELECT member_id, merge_id, recorded_at FROM book_joinings WHERE step = 'parted' AND role = 'survivor'
), moved AS (
    SELECT p.member_id, p.merge_id, p.recorded_at AS parted_at, t.wallet_id, t.seq,
           CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END AS change
    FROM undone AS p
    JOIN ledger_transfers AS t ON t.member_id = p.member_id
        AND t.reference >= 'merge:' || replace(p.merge_id::text, '-', '') || ':'
        AND t.reference < 'merge:' || replace(p.merge_id::text, '-', '') || ';'
), used AS (
    SELECT m.member_id, m.merge_id, u.lot_no, sum(u.amount)::bigint AS amount
    FROM moved AS m JOIN lot_uses AS u ON u.member_id = m.member_id AND u.seq = m.seq
    GROUP BY m.member_id, m.merge_id, u.lot_no
), extended AS (
    SELECT member_id, seq AS lot_no, (basis::jsonb ->> 'origin')::bigint AS out_of, amount
    FROM ledger_transfers WHERE kind = 'extend' AND credit_account %% 100 = 0
), brought AS (
    SELECT m.member_id, m.merge_id, m.wallet_id, m.parted_at, m.seq AS lot_no FROM moved AS m WHERE m.change > 0
    UNION ALL
    SELECT b.member_id, b.merge_id, b.wallet_id, b.parted_at, e.lot_no
    FROM brought AS b JOIN extended AS e ON e.member_id = b.member_id AND e.out_of = b.lot_no
), over AS (
    SELECT b.member_id, b.merge_id, b.wallet_id,
           sum(l.amount - coalesce(u.amount, 0) - coalesce(e.amount, 0))::bigint AS amount
    FROM brought AS b
    JOIN lots AS l ON l.member_id = b.member_id AND l.lot_no = b.lot_no AND l.expires_at <= b.parted_at
    LEFT JOIN used AS u ON u.member_id = b.member_id AND u.merge_id = b.merge_id AND u.lot_no = b.lot_no
    LEFT JOIN (SELECT member_id, out_of, sum(amount)::bigint AS amount FROM extended GROUP BY member_id, out_of) AS e
        ON e.member_id = b.member_id AND e.out_of = b.lot_no
    GROUP BY b.member_id, b.merge_id, b.wallet_id
)
SELECT s.member_id, s.merge_id, s.wallet_id, s.change, coalesce(o.amount, 0)
FROM (
    SELECT member_id, merge_id, wallet_id, sum(change)::bigint AS change FROM moved GROUP BY 1, 2, 3
) AS s
LEFT JOIN over AS o USING (member_id, merge_id, wallet_id)
WHERE s.change <> coalesce(o.amount, 0)
ORDER BY 1, 2 LIMIT %s
"""
FORWARDS: LiteralString = "SELECT count(*) FROM ledger_forwards"
# What was addressed to one member and stands in another's books does so there, and there alone; across members.
FORWARDS_OFF: LiteralString = """
SELECT coalesce(b.member_id, f.member_id), coalesce(f.kind, ''), coalesce(f.name, ''), f.to_member_id
FROM member_books AS b FULL JOIN ledger_forwards AS f ON f.member_id = b.member_id
WHERE (b.has_forwards OR f.member_id IS NOT NULL) AND (
    f.member_id IS NULL OR b.has_forwards IS NOT TRUE OR NOT EXISTS (
        SELECT FROM ledger_transfers AS t
        WHERE f.kind = 'posting' AND t.member_id = f.to_member_id AND t.reference = f.name
        UNION ALL
        SELECT FROM point_transfers AS p
        WHERE f.kind = 'posting' AND p.member_id = f.to_member_id AND 'transfer:' || p.reference = f.name
        UNION ALL
        SELECT FROM holds AS h
        WHERE f.kind = 'hold' AND h.member_id = f.to_member_id AND h.hold_id::text = f.name
        UNION ALL
        SELECT FROM settlements AS s
        WHERE f.kind = 'order' AND s.member_id = f.to_member_id AND s.order_id = f.name
    ) OR EXISTS (
        SELECT FROM ledger_transfers AS t
        WHERE f.kind = 'posting' AND t.member_id = f.member_id AND t.reference = f.name
        UNION ALL
        SELECT FROM holds AS h WHERE f.kind = 'hold' AND h.member_id = f.member_id AND h.hold_id::text = f.name
        UNION ALL
        SELECT FROM settlements AS s WHERE f.kind = 'order' AND s.member_id = f.member_id AND s.order_id = f.name
    )
)
ORDER BY 1, 2, 3 LIMIT %s
"""
