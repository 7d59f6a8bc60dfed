"""SQL that writes what books have decided, set-based, one statement a table."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from regulars.loyalty.ledger.book import Book
from regulars.loyalty.ledger.entries import Forward, HoldEnd, Journal, Lot
from regulars.platform.clock import wall_now
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Transaction
from regulars.platform.metrics.measures import POSTINGS

INSERT_BOOKS: LiteralString = """
INSERT INTO member_books (member_id, time_zone, signed_up_at)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[]) ON CONFLICT (member_id) DO NOTHING
"""
INSERT_TRANSFERS: LiteralString = """
INSERT INTO ledger_transfers (written_at, member_id, seq, amount, balance_after, reference, command_hash, wallet_id,
    kind, debit_account, credit_account, debt_change, qualifying, order_id, effective_at, recorded_at, policy_version,
    basis)
SELECT %s, * FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::bytea[], %s::smallint[],
    %s::text[], %s::smallint[], %s::smallint[], %s::bigint[], %s::boolean[], %s::text[], %s::timestamptz[],
    %s::timestamptz[], %s::integer[], %s::text[])
"""
# The same rows where they are alike in all but these columns, as those of a batch mostly are: less to take apart.
INSERT_ALIKE: LiteralString = """
INSERT INTO ledger_transfers (member_id, seq, amount, balance_after, reference, command_hash, wallet_id, kind,
    debit_account, credit_account, debt_change, qualifying, order_id, effective_at, recorded_at, policy_version, basis,
    written_at)
SELECT told.*, %s::smallint, %s::text, %s::smallint, %s::smallint, %s::bigint, %s::boolean, %s::text, %s::timestamptz,
    %s::timestamptz, %s::integer, %s::text, %s
FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::bytea[]) AS told
"""
INSERT_LOTS: LiteralString = """
INSERT INTO lots (member_id, lot_no, wallet_id, amount, remaining, earned_at, available_at, expires_at, order_id)
SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::smallint[], %s::bigint[], %s::bigint[], %s::timestamptz[],
    %s::timestamptz[], %s::timestamptz[], %s::text[])
"""
INSERT_LOTS_ALIKE: LiteralString = """
INSERT INTO lots (wallet_id, earned_at, available_at, expires_at, order_id, member_id, lot_no, amount, remaining)
SELECT %s::smallint, %s::timestamptz, %s::timestamptz, %s::timestamptz, %s::text, told.*
FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[]) AS told
"""
UPDATE_LOTS: LiteralString = """
UPDATE lots AS l SET remaining = u.remaining
FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS u (member_id, lot_no, remaining)
WHERE l.member_id = u.member_id AND l.lot_no = u.lot_no
"""
INSERT_LOT_USES: LiteralString = """
INSERT INTO lot_uses (member_id, seq, use_no, lot_no, amount, gives_back, of_seq)
SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::integer[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
"""
UPSERT_WALLETS: LiteralString = """
INSERT INTO member_wallets (member_id, wallet_id, balance, debt)
SELECT * FROM unnest(%s::uuid[], %s::smallint[], %s::bigint[], %s::bigint[])
ON CONFLICT (member_id, wallet_id) DO UPDATE SET balance = excluded.balance, debt = excluded.debt
"""
UPDATE_BOOKS: LiteralString = """
UPDATE member_books AS b SET next_seq = u.next_seq, last_recorded_at = u.last_recorded_at, tier = u.tier,
    tier_since = u.tier_since, review_at = u.review_at, in_grace = u.in_grace, window_sum = u.window_sum,
    window_at = u.window_at, window_oldest_at = u.window_oldest_at, window_days = u.window_days,
    policy_seen = u.policy_seen, hold_until = u.hold_until
FROM unnest(%s::uuid[], %s::bigint[], %s::timestamptz[], %s::smallint[], %s::timestamptz[], %s::timestamptz[],
    %s::boolean[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::integer[], %s::integer[],
    %s::timestamptz[])
    AS u (member_id, next_seq, last_recorded_at, tier, tier_since, review_at, in_grace, window_sum, window_at,
          window_oldest_at, window_days, policy_seen, hold_until)
WHERE b.member_id = u.member_id
"""
GIVE_BACK: LiteralString = """
UPDATE member_books AS b SET next_seq = u.next_seq, last_recorded_at = (
    SELECT t.recorded_at FROM ledger_transfers AS t WHERE t.member_id = b.member_id AND t.seq = u.next_seq - 1
    UNION ALL
    SELECT c.recorded_at FROM tier_changes AS c WHERE c.member_id = b.member_id AND c.seq = u.next_seq - 1
    UNION ALL
    SELECT h.placed_at FROM holds AS h WHERE h.member_id = b.member_id AND h.seq = u.next_seq - 1
    UNION ALL
    SELECT e.recorded_at FROM hold_ends AS e WHERE e.member_id = b.member_id AND e.seq = u.next_seq - 1
    UNION ALL
    SELECT j.recorded_at FROM book_joinings AS j WHERE j.member_id = b.member_id AND j.seq = u.next_seq - 1
)
FROM unnest(%s::uuid[], %s::bigint[]) AS u (member_id, next_seq) WHERE b.member_id = u.member_id
"""
INSERT_TIER_CHANGES: LiteralString = """
INSERT INTO tier_changes (member_id, seq, from_tier, to_tier, cause, reference, metric, policy_version, effective_at,
    recorded_at)
SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::smallint[], %s::smallint[], %s::text[], %s::text[], %s::bigint[],
    %s::integer[], %s::timestamptz[], %s::timestamptz[])
"""
INSERT_HOLDS: LiteralString = """
INSERT INTO holds (member_id, hold_id, seq, wallet_id, amount, purpose, reference, placed_at, deadline, command_hash)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::smallint[], %s::bigint[], %s::text[], %s::text[],
    %s::timestamptz[], %s::timestamptz[], %s::bytea[])
"""
INSERT_HOLD_LOTS: LiteralString = """
INSERT INTO hold_lots (member_id, hold_id, part_no, lot_no, amount)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::integer[], %s::bigint[], %s::bigint[])
"""
INSERT_HOLD_ENDS: LiteralString = """
INSERT INTO hold_ends (member_id, hold_id, seq, how, posted, transfer_seq, expire_seq, reason, effective_at,
    recorded_at)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::text[], %s::timestamptz[], %s::timestamptz[])
"""
INSERT_JOININGS: LiteralString = """
INSERT INTO book_joinings (member_id, seq, merge_id, step, role, other_id, recorded_at)
SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[], %s::text[], %s::text[], %s::uuid[], %s::timestamptz[])
"""
INSERT_SETTLEMENTS: LiteralString = """
INSERT INTO settlements (member_id, order_id, total_minor, points_used, base, multiplier, tier, policy_version,
    redeem_seq, earn_seq, effective_at, recorded_at, returned_minor, points_used_now, base_now)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::integer[], %s::smallint[],
    %s::integer[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::bigint[], %s::bigint[],
    %s::bigint[])
"""
UPDATE_SETTLEMENTS: LiteralString = """
UPDATE settlements AS s SET returned_minor = u.returned_minor, points_used_now = u.points_used_now,
    base_now = u.base_now
FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
    AS u (member_id, order_id, returned_minor, points_used_now, base_now)
WHERE s.member_id = u.member_id AND s.order_id = u.order_id
"""
INSERT_FORWARDS: LiteralString = """
INSERT INTO ledger_forwards (member_id, kind, name, to_member_id, recorded_at)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::uuid[], %s::timestamptz[])
"""
HAS_FORWARDS: LiteralString = """
UPDATE member_books SET has_forwards = true WHERE member_id = ANY (%s::uuid[]) AND NOT has_forwards
"""
_Column = tuple[Any, ...]
_MANY: Final = 50  # rows, from which on it is worth while to look whether they are alike


def insert_books(tx: Transaction, books: Sequence[tuple[UUID, str, datetime]]) -> None:
    """Open books for (member_id, time zone, signed up at)."""
    tx.write(
        INSERT_BOOKS,
        (
            arrays.ids([member for member, _, _ in books]),
            arrays.texts([zone for _, zone, _ in books]),
            arrays.instants([at for _, _, at in books]),
        ),
    )


def state_of(book: Book) -> _Column:
    """Return a book's state in the order of the table's columns."""
    return (
        book.next_seq,
        book.last_recorded_at,
        book.tier,
        book.tier_since,
        book.review_at,
        book.in_grace,
        book.window_sum,
        book.window_at,
        book.window_oldest_at,
        book.window_days,
        book.policy_seen,
        book.hold_until,
    )


def write_journal(
    tx: Transaction, books: Mapping[UUID, Book], journal: Journal, written: Mapping[UUID, _Column]
) -> None:
    """Buffer everything that the books decided; `written` is what the lock left of each book."""
    changed = [book for book in books.values() if book.changed]
    _write_transfers(tx, journal)
    _write_lots(tx, changed)
    if journal.lot_uses:
        members, seqs, numbers, lot_nos, amounts, back, of_seqs = zip(*journal.lot_uses, strict=True)
        columns = [seqs, numbers, lot_nos, amounts, back, of_seqs]
        tx.write(INSERT_LOT_USES, (arrays.ids(members), *[arrays.ints(column) for column in columns]))
    if journal.tier_changes:
        _write_tier_changes(tx, journal.tier_changes)
    if journal.holds:
        _write_holds(tx, journal)
    if journal.hold_ends:
        _write_hold_ends(tx, journal.hold_ends)
    if journal.joinings:
        _write_joinings(tx, journal.joinings)
    _write_settlements(tx, journal)
    _write_wallets(tx, books, journal)
    moved = [book for book in changed if state_of(book) != written.get(book.member_id)]
    if moved:
        _write_books(tx, moved)


def write_ahead(tx: Transaction, books: Mapping[UUID, Book], journal: Journal) -> None:
    """Buffer the transfers decided so far, with their lots; what follows for books and wallets is written once."""
    posted_to = dict.fromkeys([row[0] for row in journal.transfers[journal.written :]])
    _write_transfers(tx, journal)
    _write_lots(tx, [books[member_id] for member_id in posted_to])


def write_forwards(tx: Transaction, forwards: Sequence[Forward]) -> None:
    """Buffer what was addressed to a member and stands in another's books."""
    members = arrays.ids([forward.member_id for forward in forwards])
    tx.write(
        INSERT_FORWARDS,
        (
            members,
            arrays.texts([forward.kind for forward in forwards]),
            arrays.texts([forward.name for forward in forwards]),
            arrays.ids([forward.to_member_id for forward in forwards]),
            arrays.instants([forward.recorded_at for forward in forwards]),
        ),
    )
    tx.write(HAS_FORWARDS, (members,))


def give_back(tx: Transaction, books: Sequence[Book]) -> None:
    """Give back the numbers and the instant that were reserved for books in which nothing was posted then."""
    numbers = arrays.ints([book.next_seq for book in books])
    tx.write(GIVE_BACK, (arrays.ids([book.member_id for book in books]), numbers))


def _write_transfers(tx: Transaction, journal: Journal) -> None:
    rows = journal.transfers[journal.written :]
    if not rows:
        return
    journal.written = len(journal.transfers)
    (
        members,
        seqs,
        wallets,
        kinds,
        debits,
        credits_,
        amounts,
        balances,
        debts,
        qualifying,
        references,
        orders,
        effective,
        recorded,
        versions,
        bases,
    ) = zip(*rows, strict=True)
    for kind, number in Counter(kinds).items():
        tx.count(POSTINGS, kind, number=number)
    hashes = journal.command_hashes
    own = (
        arrays.ids(members),
        arrays.ints(seqs),
        arrays.ints(amounts),
        arrays.ints(balances),
        arrays.texts(references),
        arrays.blobs([hashes.get(key) for key in zip(members, seqs, strict=True)] if hashes else [None] * len(seqs)),
    )
    shared = (wallets, kinds, debits, credits_, debts, qualifying, orders, effective, recorded, versions, bases)
    if len(rows) > _MANY and len(alike := set(zip(*shared, strict=True))) == 1:
        tx.write(INSERT_ALIKE, (*alike.pop(), wall_now(), *own))
        return
    tx.write(
        INSERT_TRANSFERS,
        (
            wall_now(),
            *own,
            arrays.ints(wallets),
            arrays.texts(kinds),
            arrays.ints(debits),
            arrays.ints(credits_),
            arrays.ints(debts),
            arrays.flags(qualifying),
            arrays.texts(orders),
            arrays.instants(effective),
            arrays.instants(recorded),
            arrays.ints(versions),
            arrays.texts(bases),
        ),
    )


def _write_lots(tx: Transaction, books: Sequence[Book]) -> None:
    opened: list[tuple[UUID, Lot]] = []
    moved: list[tuple[UUID, Lot]] = []
    for book in books:
        stored_lots = book.stored_lots
        for lot_no, lot in book.lots.items():
            stored = stored_lots.get(lot_no)
            if stored is None:
                opened.append((book.member_id, lot))
            elif stored != lot.remaining:
                moved.append((book.member_id, lot))
            stored_lots[lot_no] = lot.remaining
    alike = {(lot.wallet_id, lot.earned_at, lot.available_at, lot.expires_at, lot.order_id) for _, lot in opened}
    if len(alike) == 1 and len(opened) > _MANY:
        tx.write(
            INSERT_LOTS_ALIKE,
            (
                *alike.pop(),
                arrays.ids([member for member, _ in opened]),
                arrays.ints([lot.lot_no for _, lot in opened]),
                arrays.ints([lot.amount for _, lot in opened]),
                arrays.ints([lot.remaining for _, lot in opened]),
            ),
        )
    elif opened:
        tx.write(
            INSERT_LOTS,
            (
                arrays.ids([member for member, _ in opened]),
                arrays.ints([lot.lot_no for _, lot in opened]),
                arrays.ints([lot.wallet_id for _, lot in opened]),
                arrays.ints([lot.amount for _, lot in opened]),
                arrays.ints([lot.remaining for _, lot in opened]),
                arrays.instants([lot.earned_at for _, lot in opened]),
                arrays.instants([lot.available_at for _, lot in opened]),
                arrays.instants([lot.expires_at for _, lot in opened]),
                arrays.texts([lot.order_id for _, lot in opened]),
            ),
        )
    if moved:
        tx.write(
            UPDATE_LOTS,
            (
                arrays.ids([member for member, _ in moved]),
                arrays.ints([lot.lot_no for _, lot in moved]),
                arrays.ints([lot.remaining for _, lot in moved]),
            ),
        )


def _write_tier_changes(tx: Transaction, rows: Sequence[_Column]) -> None:
    members, seqs, before, after, causes, references, metrics, versions, effective, recorded = zip(*rows, strict=True)
    tx.write(
        INSERT_TIER_CHANGES,
        (
            arrays.ids(members),
            arrays.ints(seqs),
            arrays.ints(before),
            arrays.ints(after),
            arrays.texts(causes),
            arrays.texts(references),
            arrays.ints(metrics),
            arrays.ints(versions),
            arrays.instants(effective),
            arrays.instants(recorded),
        ),
    )


def _write_holds(tx: Transaction, journal: Journal) -> None:
    holds = [hold for _, hold, _ in journal.holds]
    tx.write(
        INSERT_HOLDS,
        (
            arrays.ids([member for member, _, _ in journal.holds]),
            arrays.ids([hold.hold_id for hold in holds]),
            arrays.ints([hold.seq for hold in holds]),
            arrays.ints([hold.wallet_id for hold in holds]),
            arrays.ints([hold.amount for hold in holds]),
            arrays.texts([hold.purpose for hold in holds]),
            arrays.texts([hold.reference for hold in holds]),
            arrays.instants([hold.placed_at for hold in holds]),
            arrays.instants([hold.deadline for hold in holds]),
            arrays.blobs([command_hash for _, _, command_hash in journal.holds]),
        ),
    )
    parts = [
        (member, hold.hold_id, number, lot_no, amount)
        for member, hold, _ in journal.holds
        for number, (lot_no, amount) in enumerate(hold.parts)
    ]
    members, hold_ids, numbers, lot_nos, amounts = zip(*parts, strict=True)
    tx.write(
        INSERT_HOLD_LOTS,
        (arrays.ids(members), arrays.ids(hold_ids), arrays.ints(numbers), arrays.ints(lot_nos), arrays.ints(amounts)),
    )


def _write_hold_ends(tx: Transaction, ends: Sequence[HoldEnd]) -> None:
    tx.write(
        INSERT_HOLD_ENDS,
        (
            arrays.ids([end.member_id for end in ends]),
            arrays.ids([end.hold.hold_id for end in ends]),
            arrays.ints([end.seq for end in ends]),
            arrays.texts([end.how for end in ends]),
            arrays.ints([end.posted for end in ends]),
            arrays.ints([end.transfer_seq for end in ends]),
            arrays.ints([end.expire_seq for end in ends]),
            arrays.texts([end.reason for end in ends]),
            arrays.instants([end.effective_at for end in ends]),
            arrays.instants([end.recorded_at for end in ends]),
        ),
    )


def _write_joinings(tx: Transaction, rows: Sequence[_Column]) -> None:
    members, seqs, merges, steps, roles, others, recorded = zip(*rows, strict=True)
    tx.write(
        INSERT_JOININGS,
        (
            arrays.ids(members),
            arrays.ints(seqs),
            arrays.ids(merges),
            arrays.texts(steps),
            arrays.texts(roles),
            arrays.ids(others),
            arrays.instants(recorded),
        ),
    )


def _write_settlements(tx: Transaction, journal: Journal) -> None:
    new = [(key[0], row) for key, row in journal.settlements.items() if key in journal.new_settlements]
    old = [(key[0], row) for key, row in journal.settlements.items() if key not in journal.new_settlements]
    if new:
        settlements = [row for _, row in new]
        tx.write(
            INSERT_SETTLEMENTS,
            (
                arrays.ids([member for member, _ in new]),
                arrays.texts([row.order_id for row in settlements]),
                arrays.ints([row.total_minor for row in settlements]),
                arrays.ints([row.points_used for row in settlements]),
                arrays.ints([row.base for row in settlements]),
                arrays.ints([row.multiplier for row in settlements]),
                arrays.ints([row.tier for row in settlements]),
                arrays.ints([row.policy_version for row in settlements]),
                arrays.ints([row.redeem_seq for row in settlements]),
                arrays.ints([row.earn_seq for row in settlements]),
                arrays.instants([row.effective_at for row in settlements]),
                arrays.instants([row.recorded_at for row in settlements]),
                arrays.ints([row.returned_minor for row in settlements]),
                arrays.ints([row.points_used_now for row in settlements]),
                arrays.ints([row.base_now for row in settlements]),
            ),
        )
    if old:
        tx.write(
            UPDATE_SETTLEMENTS,
            (
                arrays.ids([member for member, _ in old]),
                arrays.texts([row.order_id for _, row in old]),
                arrays.ints([row.returned_minor for _, row in old]),
                arrays.ints([row.points_used_now for _, row in old]),
                arrays.ints([row.base_now for _, row in old]),
            ),
        )


def _write_wallets(tx: Transaction, books: Mapping[UUID, Book], journal: Journal) -> None:
    moved = dict.fromkeys([(row[0], row[2]) for row in journal.transfers])
    states = [(member_id, wallet_id, books[member_id].wallets[wallet_id]) for member_id, wallet_id in moved]
    if states:
        tx.write(
            UPSERT_WALLETS,
            (
                arrays.ids([member for member, _, _ in states]),
                arrays.ints([wallet_id for _, wallet_id, _ in states]),
                arrays.ints([state.balance for _, _, state in states]),
                arrays.ints([state.debt for _, _, state in states]),
            ),
        )


def _write_books(tx: Transaction, books: Sequence[Book]) -> None:
    tx.write(
        UPDATE_BOOKS,
        (
            arrays.ids([book.member_id for book in books]),
            arrays.ints([book.next_seq for book in books]),
            arrays.instants([book.last_recorded_at for book in books]),
            arrays.ints([book.tier for book in books]),
            arrays.instants([book.tier_since for book in books]),
            arrays.instants([book.review_at for book in books]),
            arrays.flags([book.in_grace for book in books]),
            arrays.ints([book.window_sum for book in books]),
            arrays.instants([book.window_at for book in books]),
            arrays.instants([book.window_oldest_at for book in books]),
            arrays.ints([book.window_days for book in books]),
            arrays.ints([book.policy_seen for book in books]),
            arrays.instants([book.hold_until for book in books]),
        ),
    )
