"""SQL that locks and reads books, set-based, one statement a table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from heapq import heapify
from itertools import groupby
from operator import itemgetter
from typing import Any, LiteralString
from uuid import UUID

from regulars.loyalty.ledger.book import Book, Rulebook
from regulars.loyalty.ledger.entries import Hold, Journal, Lot, LotUse, Settlement, WalletState
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Rows, Statement

# Taking the members' locks: an UPDATE, because locking a batch of rows by SELECT .. FOR UPDATE does not distribute. The
# ids come sorted, and the join keeps their order, so that two batches meet their members in the same order. It writes
# already what direct postings will most probably change, so that a book is written once and not twice (the second
# time costs more than the first: PostgreSQL checks the foreign key of a row that its own transaction wrote).
_LOCK: LiteralString = """
UPDATE member_books AS b SET version = b.version + 1, next_seq = b.next_seq + asked.reserved,
    last_recorded_at = CASE WHEN b.review_at <= %s::timestamptz OR b.hold_until <= %s::timestamptz OR b.policy_seen < %s
                            THEN b.last_recorded_at
                            ELSE greatest(b.last_recorded_at, %s::timestamptz) END
FROM unnest(%s::uuid[], %s::bigint[]) AS asked (member_id, reserved)
WHERE b.member_id = asked.member_id
"""
_IF_OWN: LiteralString = """
AND NOT EXISTS (
    SELECT FROM member_books AS e WHERE e.member_id = ANY (%s::uuid[]) AND (e.merged_into IS NOT NULL OR e.has_forwards)
)
"""
_LOCKED: LiteralString = """
RETURNING b.member_id, b.time_zone, b.next_seq - asked.reserved, b.last_recorded_at, b.tier, b.tier_since, b.review_at,
          b.in_grace, b.window_sum, b.window_at, b.window_oldest_at, b.window_days, b.policy_seen, b.hold_until,
          b.closed_at, b.merged_into, b.merged_by, b.has_forwards
"""
LOCK_BOOKS: LiteralString = _LOCK + _LOCKED
# The same, but nobody where any of them is part of another's books or was: then more has to be locked, and all of it
# in one order. The question is asked once, before the first lock, of an index that is nearly empty.
LOCK_OWN_BOOKS: LiteralString = _LOCK + _IF_OWN + _LOCKED
# For those behind in the order who turn up when the lock is held: only who is free, without waiting.
LOCK_AT_ONCE: LiteralString = """
SELECT member_id FROM member_books WHERE member_id = ANY (%s::uuid[]) FOR NO KEY UPDATE SKIP LOCKED
"""
READ_LINKS: LiteralString = """
SELECT member_id, merged_into FROM member_books
WHERE member_id = ANY (%s::uuid[]) AND (merged_into IS NOT NULL OR has_forwards)
"""
READ_FORWARDS: LiteralString = """
SELECT f.member_id, f.kind, f.name, f.to_member_id
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS asked (member_id, kind, name)
JOIN ledger_forwards AS f ON f.member_id = asked.member_id AND f.kind = asked.kind AND f.name = asked.name
"""
READ_BOOKS: LiteralString = """
SELECT b.member_id, b.time_zone, b.next_seq, b.last_recorded_at, b.tier, b.tier_since, b.review_at, b.in_grace,
       b.window_sum, b.window_at, b.window_oldest_at, b.window_days, b.policy_seen, b.hold_until, b.closed_at,
       b.merged_into, b.merged_by, b.has_forwards
FROM member_books AS b WHERE b.member_id = ANY (%s::uuid[])
"""
READ_WALLETS: LiteralString = """
SELECT w.member_id, w.wallet_id, w.balance, w.debt
FROM unnest(%s::uuid[]) AS asked (member_id) JOIN member_wallets AS w ON w.member_id = asked.member_id
"""
READ_OPEN_LOTS: LiteralString = """
SELECT l.member_id, l.lot_no, l.wallet_id, l.amount, l.remaining, l.earned_at, l.available_at, l.expires_at, l.order_id
FROM unnest(%s::uuid[]) AS asked (member_id)
JOIN lots AS l ON l.member_id = asked.member_id AND l.remaining > 0
"""
READ_SETTLEMENTS: LiteralString = """
SELECT s.member_id, s.order_id, s.total_minor, s.points_used, s.base, s.multiplier, s.tier, s.policy_version,
       s.redeem_seq, s.earn_seq, s.effective_at, s.recorded_at, s.returned_minor, s.points_used_now, s.base_now
FROM unnest(%s::uuid[], %s::text[]) AS asked (member_id, order_id)
JOIN settlements AS s ON s.member_id = asked.member_id AND s.order_id = asked.order_id
"""
READ_LOTS_OF_ORDERS: LiteralString = """
SELECT l.member_id, l.lot_no, l.wallet_id, l.amount, l.remaining, l.earned_at, l.available_at, l.expires_at, l.order_id
FROM unnest(%s::uuid[], %s::text[]) AS asked (member_id, order_id)
JOIN settlements AS s ON s.member_id = asked.member_id AND s.order_id = asked.order_id
JOIN lots AS l ON l.member_id = s.member_id AND l.remaining = 0 AND (
    l.lot_no = s.earn_seq
    OR l.lot_no IN (SELECT u.lot_no FROM lot_uses AS u WHERE u.member_id = s.member_id AND u.seq = s.redeem_seq)
)
"""
READ_USES_OF_ORDERS: LiteralString = """
SELECT u.member_id, u.seq, u.lot_no, u.amount, coalesce(
    (SELECT sum(b.gives_back) FROM lot_uses AS b
     WHERE b.member_id = u.member_id AND b.of_seq = u.seq AND b.lot_no = u.lot_no), 0)::bigint
FROM unnest(%s::uuid[], %s::text[]) AS asked (member_id, order_id)
JOIN settlements AS s ON s.member_id = asked.member_id AND s.order_id = asked.order_id
JOIN lot_uses AS u ON u.member_id = s.member_id AND u.seq = s.redeem_seq
ORDER BY u.member_id, u.seq, u.use_no
"""
READ_REFERENCES: LiteralString = """
SELECT t.member_id, t.reference, t.seq, t.wallet_id, t.kind, t.amount, t.balance_after, t.debt_change,
       t.effective_at, t.recorded_at, t.command_hash, l.available_at, l.expires_at
FROM unnest(%s::uuid[], %s::text[]) AS asked (member_id, reference)
JOIN ledger_transfers AS t ON t.member_id = asked.member_id AND t.reference = asked.reference
LEFT JOIN lots AS l ON l.member_id = t.member_id AND l.lot_no = t.seq
"""
# What was asked for under the names of corrections: behind the members' locks, so it is what stands.
READ_REQUESTS: LiteralString = """
SELECT r.member_id, r.reference, w.code, r.amount, r.reason, r.expires_at, a.answer, a.answered_at
FROM unnest(%s::uuid[], %s::uuid[]) AS asked (member_id, request_id)
JOIN adjustment_requests AS r ON r.member_id = asked.member_id AND r.request_id = asked.request_id
JOIN wallets AS w ON w.wallet_id = r.wallet_id
LEFT JOIN adjustment_answers AS a ON a.member_id = r.member_id AND a.request_id = r.request_id
"""
# Only of members of whom a book says that they have holds.
READ_OPEN_HOLDS: LiteralString = """
SELECT h.member_id, h.hold_id, h.seq, h.wallet_id, h.amount, h.purpose, h.reference, h.placed_at, h.deadline, p.lot_no,
       p.amount
FROM unnest(%s::uuid[]) AS asked (member_id)
JOIN holds AS h ON h.member_id = asked.member_id
JOIN hold_lots AS p ON p.member_id = h.member_id AND p.hold_id = h.hold_id
LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
WHERE e.hold_id IS NULL
ORDER BY h.member_id, h.seq, p.part_no
"""
READ_HOLDS: LiteralString = """
SELECT h.member_id, h.hold_id, h.seq, h.wallet_id, h.amount, h.purpose, h.reference, h.placed_at, h.deadline, p.lot_no,
       p.amount, h.command_hash, e.how, e.effective_at, e.posted, e.transfer_seq, e.reason
FROM unnest(%s::uuid[], %s::uuid[]) AS asked (member_id, hold_id)
JOIN holds AS h ON h.member_id = asked.member_id AND h.hold_id = asked.hold_id
JOIN hold_lots AS p ON p.member_id = h.member_id AND p.hold_id = h.hold_id
LEFT JOIN hold_ends AS e ON e.member_id = h.member_id AND e.hold_id = h.hold_id
ORDER BY h.member_id, h.seq, p.part_no
"""
READ_AGEING: LiteralString = """
SELECT t.member_id, t.effective_at, CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END
FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS asked (member_id, after, until)
JOIN ledger_transfers AS t ON t.member_id = asked.member_id AND t.qualifying
    AND t.effective_at > asked.after AND t.effective_at <= asked.until
"""
DUE_REVIEWS: LiteralString = """
(SELECT member_id FROM member_books WHERE review_at <= %s AND merged_into IS NULL ORDER BY review_at LIMIT %s)
UNION
(SELECT member_id FROM member_books WHERE tier > 0 AND policy_seen < %s AND merged_into IS NULL LIMIT %s)
"""
DUE_EXPIRIES: LiteralString = """
SELECT DISTINCT member_id FROM (
    SELECT l.member_id FROM lots AS l WHERE l.remaining > 0 AND l.expires_at <= %(at)s AND l.remaining > (
        SELECT coalesce(sum(p.amount), 0) FROM hold_lots AS p
        JOIN holds AS h ON h.member_id = p.member_id AND h.hold_id = p.hold_id
        WHERE p.member_id = l.member_id AND p.lot_no = l.lot_no AND h.deadline > %(at)s AND NOT EXISTS (
            SELECT FROM hold_ends AS e WHERE e.member_id = h.member_id AND e.hold_id = h.hold_id)
    ) ORDER BY l.expires_at LIMIT %(at_most)s
) AS due
"""
DUE_DEADLINES: LiteralString = """
SELECT member_id FROM member_books WHERE hold_until <= %s ORDER BY hold_until LIMIT %s
"""

_Column = tuple[Any, ...]


def lock_books(
    member_ids: Sequence[UUID],
    reserved: Mapping[UUID, int],
    at: datetime | None,
    turn_version: int,
    *,
    if_own: bool = False,
) -> Statement:
    """Lock the books of sorted member ids and read them, as they were but for the time.

    With `at`, so many numbers as `reserved` says are taken, and the books count as written to at that instant, unless
    time has to decide something first: a review, the deadline of a hold, or the policy (`turn_version`) that changed
    tiers or their reviews. With `if_own` nothing is locked where anybody's books are part of others, or once were.
    """
    numbers = arrays.ints([reserved.get(member_id, 0) for member_id in member_ids])
    ids = arrays.ids(member_ids)
    if if_own:
        return Statement(LOCK_OWN_BOOKS, (at, at, turn_version, at, ids, numbers, ids))
    return Statement(LOCK_BOOKS, (at, at, turn_version, at, ids, numbers))


def lock_at_once(member_ids: Sequence[UUID]) -> Statement:
    """Lock who of these members is free, without waiting; gives their ids."""
    return Statement(LOCK_AT_ONCE, (arrays.ids(member_ids),))


def read_links(member_ids: Sequence[UUID]) -> Statement:
    """Read of those who are to be found elsewhere, or once were, into whose books theirs are merged now."""
    return Statement(READ_LINKS, (arrays.ids(member_ids),))


def read_forwards(names: Sequence[tuple[UUID, str, str]]) -> Statement:
    """Read of (member, kind, name) which are posted in another's books, and in whose."""
    return Statement(
        READ_FORWARDS,
        (
            arrays.ids([member for member, _, _ in names]),
            arrays.texts([kind for _, kind, _ in names]),
            arrays.texts([name for _, _, name in names]),
        ),
    )


def read_books(member_ids: Sequence[UUID]) -> Statement:
    """Read books without a lock (for dry runs)."""
    return Statement(READ_BOOKS, (arrays.ids(member_ids),))


def read_wallets(member_ids: Sequence[UUID]) -> Statement:
    """Read the wallets of members."""
    return Statement(READ_WALLETS, (arrays.ids(member_ids),))


def read_open_lots(member_ids: Sequence[UUID]) -> Statement:
    """Read the lots of members that have something left."""
    return Statement(READ_OPEN_LOTS, (arrays.ids(member_ids),))


def of_orders(orders: Sequence[tuple[UUID, str]]) -> list[Statement]:
    """Read settlements of (member_id, order_id), the spent lots they concern, and what their redemptions took."""
    parameters = (arrays.ids([member for member, _ in orders]), arrays.texts([order for _, order in orders]))
    return [
        Statement(READ_SETTLEMENTS, parameters),
        Statement(READ_LOTS_OF_ORDERS, parameters),
        Statement(READ_USES_OF_ORDERS, parameters),
    ]


def read_references(references: Sequence[tuple[UUID, str]]) -> Statement:
    """Read the transfers that already carry (member_id, reference)."""
    return Statement(
        READ_REFERENCES,
        (arrays.ids([member for member, _ in references]), arrays.texts([text for _, text in references])),
    )


def read_requests(requests: Sequence[tuple[UUID, UUID]]) -> Statement:
    """Read the adjustment requests (member_id, request_id) with their answers."""
    return Statement(
        READ_REQUESTS,
        (arrays.ids([member for member, _ in requests]), arrays.ids([request for _, request in requests])),
    )


def read_open_holds(member_ids: Sequence[UUID]) -> Statement:
    """Read the holds of members that have no end yet, a row a part."""
    return Statement(READ_OPEN_HOLDS, (arrays.ids(member_ids),))


def read_holds(holds: Sequence[tuple[UUID, UUID]]) -> Statement:
    """Read (member_id, hold_id) with what is known of their ends, a row a part."""
    return Statement(
        READ_HOLDS, (arrays.ids([member for member, _ in holds]), arrays.ids([hold_id for _, hold_id in holds]))
    )


def read_ageing(spans: Sequence[tuple[UUID, datetime, datetime]]) -> Statement:
    """Read qualifying entries of each member with `after < effective_at <= until`."""
    return Statement(
        READ_AGEING,
        (
            arrays.ids([member for member, _, _ in spans]),
            arrays.instants([after for _, after, _ in spans]),
            arrays.instants([until for _, _, until in spans]),
        ),
    )


def make_book(row: _Column, rulebook: Rulebook, journal: Journal) -> Book:
    """Make a book of a row that `lock_books` or `read_books` returned."""
    return Book(row[0], row[1], rulebook, journal, *row[2:])


def written_by_lock(row: _Column, reserved: int) -> _Column:
    """Return what `lock_books` left in the table, given the row that it returned; compares with `state_of`."""
    return (row[2] + reserved, *row[3:-4])


def of_open(books: Mapping[UUID, Book], rows: Rows) -> Rows:
    """Leave out rows of books that were not there yet when the books were locked, and were opened just after."""
    return [row for row in rows if row[0] in books]


def fill_wallets(books: dict[UUID, Book], rows: Rows) -> None:
    """Put read wallets into their books."""
    for member_id, wallet_id, balance, debt in rows:
        books[member_id].wallets[wallet_id] = WalletState(balance, debt)


def fill_lots(books: dict[UUID, Book], rows: Rows) -> None:
    """Put read lots into their books."""
    for row in rows:
        book = books[row[0]]
        lot = Lot(*row[1:])
        book.lots[lot.lot_no] = lot
        book.stored_lots[lot.lot_no] = lot.remaining


def fill_holds(books: dict[UUID, Book], rows: Rows) -> None:
    """Put read open holds into their books, whose lots are there."""
    for _, parts in groupby(rows, key=itemgetter(0, 1)):
        own = list(parts)
        hold = Hold(*own[0][1:9])
        hold.parts = [(row[9], row[10]) for row in own]
        books[own[0][0]].keep(hold)


def fill_settlements(books: dict[UUID, Book], settlements: Rows, uses: Rows) -> None:
    """Put read settlements, and what their redemptions took, into their books."""
    for row in settlements:
        books[row[0]].settlements[row[1]] = Settlement(*row[1:])
    for member_id, seq, lot_no, amount, given_back in uses:
        books[member_id].uses.setdefault(seq, []).append(LotUse(lot_no, amount, given_back))


def fill_ageing(books: dict[UUID, Book], rows: Rows) -> None:
    """Put read qualifying entries into their books."""
    touched = set()
    for member_id, effective_at, change in rows:
        books[member_id].ageing.append((effective_at, change))
        touched.add(member_id)
    for member_id in touched:
        heapify(books[member_id].ageing)
