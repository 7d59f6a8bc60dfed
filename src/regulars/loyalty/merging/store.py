"""SQL of merged books: what is carried over, and what a merge moved so far."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from regulars.loyalty.ledger.entries import Entry, Lot
from regulars.loyalty.merging.resuming import Counted
from regulars.platform.db.transaction import Statement, Transaction

ENTRIES: LiteralString = """
SELECT t.wallet_id, t.seq, CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END, t.effective_at
FROM ledger_transfers AS t JOIN wallets AS w ON w.wallet_id = t.wallet_id AND NOT w.spendable
WHERE t.member_id = %s ORDER BY t.seq
"""
# Of the survivor's books: everything that a merge moved in or out. In the collation C the character after `:` is `;`.
MOVED: LiteralString = """
SELECT t.wallet_id, t.seq, CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END, t.effective_at,
       w.spendable, t.debt_change, l.lot_no IS NOT NULL, coalesce(l.amount, 0)
FROM ledger_transfers AS t
JOIN wallets AS w ON w.wallet_id = t.wallet_id
LEFT JOIN lots AS l ON l.member_id = t.member_id AND l.lot_no = t.seq
WHERE t.member_id = %(member)s AND t.reference >= %(first)s AND t.reference < %(end)s
ORDER BY t.seq
"""
# What these took, of whichever lot: found by the moves and summed up once, so that each lot costs the same.
TAKEN: LiteralString = """
SELECT u.lot_no, sum(u.amount)::bigint
FROM ledger_transfers AS t JOIN lot_uses AS u ON u.member_id = t.member_id AND u.seq = t.seq
WHERE t.member_id = %(member)s AND t.reference >= %(first)s AND t.reference < %(end)s
GROUP BY u.lot_no
"""
LOTS: LiteralString = """
SELECT lot_no, wallet_id, amount, remaining, earned_at, available_at, expires_at, order_id
FROM lots WHERE member_id = %s AND lot_no = ANY (%s::bigint[])
"""
JOIN_BOOKS: LiteralString = "UPDATE member_books SET merged_into = %s, merged_by = %s WHERE member_id = %s"
PART_BOOKS: LiteralString = """
UPDATE member_books SET merged_into = NULL, merged_by = NULL WHERE member_id = %s AND merged_by = %s
"""
COUNTED: LiteralString = """
SELECT t.seq, CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END, t.kind, t.reference,
       t.effective_at, t.recorded_at
FROM ledger_transfers AS t WHERE t.member_id = %s AND t.qualifying ORDER BY t.seq
"""
PARTED: LiteralString = "SELECT merge_id FROM book_joinings WHERE member_id = %s AND step = 'parted'"
HAS_BOOKED: LiteralString = "SELECT EXISTS (SELECT FROM ledger_transfers WHERE member_id = %s)"


class MovedRow(NamedTuple):
    """A row of the survivor's books that a merge brought; `change` is signed. `lot_taken` went on for the merge."""

    wallet_id: int
    seq: int
    change: int
    effective_at: datetime
    spendable: bool
    debt_change: int
    has_lot: bool
    lot_amount: int
    lot_taken: int


async def entries(tx: Transaction, member_id: UUID) -> list[Entry]:
    """Return every entry of a member's wallets that are not spent, in the order of the books."""
    return [Entry(*row) for row in await tx.rows(ENTRIES, (member_id,))]


async def moved(tx: Transaction, member_id: UUID, cause: str) -> list[MovedRow]:
    """Return what a merge moved into or out of a member's books, and of each lot what went on by it."""
    asked = {"member": member_id, "first": f"{cause}:", "end": f"{cause};"}
    rows, taken = await tx.read(Statement(MOVED, asked), Statement(TAKEN, asked))
    of_lots: dict[int, int] = {row[0]: row[1] for row in taken}
    return [MovedRow._make((*row, of_lots.get(row[1], 0))) for row in rows]


async def lots(tx: Transaction, member_id: UUID, numbers: Sequence[int]) -> dict[int, Lot]:
    """Return lots of a member by their numbers, spent ones too."""
    return {row[0]: Lot(*row) for row in await tx.rows(LOTS, (member_id, list(numbers)))}


async def counted(tx: Transaction, member_id: UUID) -> list[Counted]:
    """Return every transfer that counts for a member's tier, in the order of the books."""
    return [Counted(*row) for row in await tx.rows(COUNTED, (member_id,))]


async def undone(tx: Transaction, member_id: UUID) -> list[UUID]:
    """Return the merges of a member that were undone, whichever of both it was in them."""
    return [merge_id for (merge_id,) in await tx.rows(PARTED, (member_id,))]


def join_books(tx: Transaction, member_id: UUID, into: UUID, merge_id: UUID) -> None:
    """Say that a member's books are part of another's."""
    tx.write(JOIN_BOOKS, (into, merge_id, member_id))


def part_books(tx: Transaction, member_id: UUID, merge_id: UUID) -> None:
    """Say that they are their own again."""
    tx.write(PART_BOOKS, (member_id, merge_id))


async def has_booked(tx: Transaction, member_id: UUID) -> bool:
    """Return whether anything was ever posted for a member."""
    return bool((await tx.rows(HAS_BOOKED, (member_id,)))[0][0])
