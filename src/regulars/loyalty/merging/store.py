"""SQL of merged books: what is carried over, and what a merge moved so far."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from regulars.loyalty.ledger.entries import Entry, Lot
from regulars.loyalty.merging.resuming import Counted
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Statement, Transaction

ENTRIES: LiteralString = """
SELECT t.wallet_id, t.seq, CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END, t.effective_at
FROM ledger_transfers AS t JOIN wallets AS w ON w.wallet_id = t.wallet_id AND NOT w.spendable
WHERE t.member_id = %s ORDER BY t.seq
"""
# Of the survivor's books: everything that a merge moved in or out. In the collation C the character after `:` is `;`.
MOVED: LiteralString = """
SELECT t.wallet_id, t.seq, CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END, t.effective_at,
       w.spendable, t.debt_change
FROM ledger_transfers AS t JOIN wallets AS w ON w.wallet_id = t.wallet_id
WHERE t.member_id = %s AND t.reference >= %s AND t.reference < %s
ORDER BY t.seq
"""
# By numbers that are known already: a join within one member's rows, of which the planner expects few, may compare each
# with each.
BROUGHT: LiteralString = "SELECT lot_no, amount FROM lots WHERE member_id = %s AND lot_no = ANY (%s::bigint[])"
TAKEN: LiteralString = """
SELECT lot_no, sum(amount)::bigint FROM lot_uses WHERE member_id = %s AND seq = ANY (%s::bigint[]) GROUP BY lot_no
"""
# An extension takes units out of a lot by one row, and the next brings them back as a lot that runs out later.
EXTENDED: LiteralString = """
SELECT seq + 1, split_part(reference, ':', 2)::bigint, amount FROM ledger_transfers
WHERE member_id = %s AND reference >= 'lot:' AND reference < 'lot;' AND kind = 'extend' ORDER BY seq
"""
LOTS: LiteralString = """
SELECT lot_no, wallet_id, amount, remaining, earned_at, available_at, expires_at, order_id
FROM lots WHERE member_id = %s AND lot_no = ANY (%s::bigint[])
"""
# Of lots that were given away: of which order that is with who gave, if it is theirs or of who is part of them. Each
# lot is looked up by itself, for the reason above.
ORDERS: LiteralString = """
SELECT t.seq, (
    SELECT l.order_id FROM lots AS l
    WHERE l.member_id = %(giver)s AND l.lot_no = (t.basis::jsonb ->> 'origin')::bigint AND EXISTS (
        SELECT FROM settlements AS s
        WHERE s.order_id = l.order_id AND s.member_id IN (
            SELECT %(giver)s UNION ALL SELECT m.member_id FROM members AS m WHERE m.merged_into = %(giver)s)))
FROM ledger_transfers AS t WHERE t.member_id = %(member)s AND t.seq = ANY (%(numbers)s::bigint[])
"""
# Which orders are whose, the settlements say: they stay in the books of whoever ordered.
ORDERS_OF_OTHERS: LiteralString = """
SELECT asked.member_id, asked.order_id FROM unnest(%s::uuid[], %s::text[]) AS asked (member_id, order_id)
WHERE NOT EXISTS (
    SELECT FROM members AS m
    CROSS JOIN LATERAL (
        SELECT coalesce(m.merged_into, m.member_id) AS member_id
        UNION ALL SELECT f.member_id FROM members AS f WHERE f.merged_into = coalesce(m.merged_into, m.member_id)
    ) AS one
    JOIN settlements AS s ON s.member_id = one.member_id AND s.order_id = asked.order_id
    WHERE m.member_id = asked.member_id)
"""
JOIN_BOOKS: LiteralString = "UPDATE member_books SET merged_into = %s, merged_by = %s WHERE member_id = %s"
PART_BOOKS: LiteralString = """
UPDATE member_books SET merged_into = NULL, merged_by = NULL WHERE member_id = %s AND merged_by = %s
"""
IS_JOINED: LiteralString = "SELECT EXISTS (SELECT FROM member_books WHERE member_id = %s AND merged_by = %s)"
COUNTED: LiteralString = """
SELECT t.seq, CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END, t.kind, t.reference,
       t.effective_at, t.recorded_at
FROM ledger_transfers AS t WHERE t.member_id = %s AND t.qualifying ORDER BY t.seq
"""
PARTED: LiteralString = "SELECT merge_id FROM book_joinings WHERE member_id = %s AND step = 'parted'"
HAS_BOOKED: LiteralString = "SELECT EXISTS (SELECT FROM ledger_transfers WHERE member_id = %s)"


class MovedRow(NamedTuple):
    """A row of the survivor's books that a merge brought; `change` is signed. `lot_taken` went on for the merge.

    `lot_extended` is now in lots that run out later; each of them is a row of its own, without change. `root` is the
    row that brought the units.
    """

    wallet_id: int
    seq: int
    change: int
    effective_at: datetime
    spendable: bool
    debt_change: int
    has_lot: bool
    lot_amount: int
    lot_taken: int
    lot_extended: int
    root: int


async def entries(tx: Transaction, member_id: UUID) -> list[Entry]:
    """Return every entry of a member's wallets that are not spent, in the order of the books."""
    return [Entry(*row) for row in await tx.rows(ENTRIES, (member_id,))]


async def moved(tx: Transaction, member_id: UUID, cause: str) -> list[MovedRow]:
    """Return what a merge moved into or out of a member's books, and of each lot what went on by it.

    Lots to which what it brought was extended follow.
    """
    rows = await tx.rows(MOVED, (member_id, f"{cause}:", f"{cause};"))
    asked = (member_id, [row[1] for row in rows])
    lots, uses, extensions = await tx.read(
        Statement(BROUGHT, asked), Statement(TAKEN, asked), Statement(EXTENDED, (member_id,))
    )
    brought: dict[int, int] = dict(lots)
    taken: dict[int, int] = dict(uses)
    roots, extended = {number: number for number in brought}, Counter[int]()
    for number, out_of, amount in extensions:
        if out_of in roots:
            roots[number], brought[number] = roots[out_of], amount
            extended[out_of] += amount
    whole = {row[1]: row for row in rows}
    later = [
        (whole[root][0], number, 0, whole[root][3], whole[root][4], 0)
        for number, root in roots.items()
        if number != root
    ]
    return [
        MovedRow._make(
            (*row, seq in brought, brought.get(seq, 0), taken.get(seq, 0), extended[seq], roots.get(seq, seq))
        )
        for row in (*rows, *later)
        for seq in (row[1],)
    ]


async def lots(tx: Transaction, member_id: UUID, numbers: Sequence[int]) -> dict[int, Lot]:
    """Return lots of a member by their numbers, spent ones too."""
    return {row[0]: Lot(*row) for row in await tx.rows(LOTS, (member_id, list(numbers)))}


async def given(
    tx: Transaction, member_id: UUID, rows: Sequence[MovedRow], giver_id: UUID
) -> tuple[dict[int, Lot], dict[int, str]]:
    """Return the lots that a transfer brought, spent ones too, and of which order each had been with who gave it.

    Only orders that were settled for who gave, or for who is part of them.
    """
    roots = {row.seq: row.root for row in rows if row.has_lot}
    wanted = {"giver": giver_id, "member": member_id, "numbers": list(roots.values())}
    lots, found = await tx.read(Statement(LOTS, (member_id, list(roots))), Statement(ORDERS, wanted))
    orders = {number: order_id for number, order_id in found if order_id is not None}
    return (
        {row[0]: Lot(*row) for row in lots},
        {number: orders[root] for number, root in roots.items() if root in orders},
    )


async def counted(tx: Transaction, member_id: UUID) -> list[Counted]:
    """Return every transfer that counts for a member's tier, in the order of the books."""
    return [Counted(*row) for row in await tx.rows(COUNTED, (member_id,))]


async def undone(tx: Transaction, member_id: UUID) -> list[UUID]:
    """Return the merges of a member that were undone, whichever of both it was in them."""
    return [merge_id for (merge_id,) in await tx.rows(PARTED, (member_id,))]


async def orders_of_others(tx: Transaction, named: Sequence[tuple[UUID, str]]) -> list[tuple[UUID, str]]:
    """Return those of (member, order) in which the order is neither the member's nor of who is one with them."""
    asked = (arrays.ids([member for member, _ in named]), arrays.texts([order for _, order in named]))
    return [(member_id, order_id) for member_id, order_id in await tx.rows(ORDERS_OF_OTHERS, asked)]


def join_books(tx: Transaction, member_id: UUID, into: UUID, merge_id: UUID) -> None:
    """Say that a member's books are part of another's."""
    tx.write(JOIN_BOOKS, (into, merge_id, member_id))


def part_books(tx: Transaction, member_id: UUID, merge_id: UUID) -> None:
    """Say that they are their own again."""
    tx.write(PART_BOOKS, (member_id, merge_id))


async def is_joined(tx: Transaction, member_id: UUID, merge_id: UUID) -> bool:
    """Return whether a member's books are part of another's by a merge."""
    return bool((await tx.rows(IS_JOINED, (member_id, merge_id)))[0][0])


async def has_booked(tx: Transaction, member_id: UUID) -> bool:
    """Return whether anything was ever posted for a member."""
    return bool((await tx.rows(HAS_BOOKED, (member_id,)))[0][0])
