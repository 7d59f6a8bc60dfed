"""SQL of lineage: what the references of an order lead to."""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from regulars.platform.db.transaction import Rows, Statement, Transaction

# References of an order all begin with `order:{id}:`; in the collation C the character after `:` is `;`.
TRANSFERS: LiteralString = """
SELECT t.seq, w.code, t.kind, t.amount, t.credit_account %% 100 = 0, t.debt_change, t.reference, t.effective_at,
       t.recorded_at, t.policy_version, t.basis
FROM ledger_transfers AS t JOIN wallets AS w ON w.wallet_id = t.wallet_id
WHERE t.member_id = %s AND t.reference >= %s AND t.reference < %s AND t.order_id = %s AND t.seq > %s
ORDER BY t.seq LIMIT %s
"""
LOTS: LiteralString = """
SELECT l.lot_no, l.amount, l.remaining, l.earned_at, l.available_at, l.expires_at
FROM lots AS l WHERE l.member_id = %s AND l.lot_no = ANY (%s::bigint[]) ORDER BY l.lot_no
"""
# Of each lot the first uses, found by the index (member_id, lot_no, seq): a lot may be used ten thousand times.
USES_OF_LOTS: LiteralString = """
SELECT asked.lot_no, u.seq, u.amount, t.kind, t.reference, t.order_id, CASE WHEN t.kind = 'move_out' THEN t.basis END
FROM unnest(%(lots)s::bigint[]) AS asked (lot_no)
CROSS JOIN LATERAL (
    SELECT o.seq, o.use_no, o.amount FROM lot_uses AS o
    WHERE o.member_id = %(member)s AND o.lot_no = asked.lot_no AND o.seq > %(after)s AND o.amount <> 0
    ORDER BY o.seq, o.use_no LIMIT %(limit)s
) AS u
JOIN ledger_transfers AS t ON t.member_id = %(member)s AND t.seq = u.seq
ORDER BY asked.lot_no, u.seq, u.use_no
"""
# Of each transfer the first lots, found by the primary key.
LOTS_TAKEN: LiteralString = """
SELECT asked.seq, u.lot_no, u.amount, u.gives_back, t.kind, t.reference, t.order_id, l.order_id, u.use_no
FROM unnest(%(seqs)s::bigint[]) AS asked (seq)
CROSS JOIN LATERAL (
    SELECT o.use_no, o.lot_no, o.amount, o.gives_back FROM lot_uses AS o
    WHERE o.member_id = %(member)s AND o.seq = asked.seq AND o.use_no > %(after)s
    ORDER BY o.use_no LIMIT %(limit)s
) AS u
JOIN lots AS l ON l.member_id = %(member)s AND l.lot_no = u.lot_no
JOIN ledger_transfers AS t ON t.member_id = %(member)s AND t.seq = u.lot_no
ORDER BY asked.seq, u.use_no
"""
ORIGIN: LiteralString = """
SELECT t.seq, w.code, t.kind, CASE WHEN t.credit_account %% 100 = 0 THEN t.amount ELSE -t.amount END, t.debt_change,
       t.reference, t.order_id, t.effective_at, t.recorded_at, t.policy_version, t.basis, l.amount, l.remaining,
       l.order_id
FROM ledger_transfers AS t
JOIN wallets AS w ON w.wallet_id = t.wallet_id
LEFT JOIN lots AS l ON l.member_id = t.member_id AND l.lot_no = t.seq
WHERE t.member_id = %s AND t.seq = %s
"""
# Of lots that units of an order came to (by references of what moved them there, or their own numbers): what they are,
# and the first uses of each. A merge that is undone gives back in place of what was spent: `parted` says so.
ARRIVED: LiteralString = """
WITH asked AS (
    SELECT t.seq FROM unnest(%(references)s::text[]) AS r (reference)
    JOIN ledger_transfers AS t ON t.member_id = %(member)s AND t.reference = r.reference
    UNION SELECT n.seq FROM unnest(%(lots)s::bigint[]) AS n (seq)
)
SELECT t.seq, t.kind, t.reference, t.basis, l.amount, l.remaining, l.available_at, l.expires_at,
       t.reference >= 'merge:' AND t.reference < 'merge;' AND EXISTS (
           SELECT FROM book_joinings AS j WHERE j.member_id = %(member)s AND j.step = 'parted'
             AND j.merge_id = CASE WHEN t.reference >= 'merge:' AND t.reference < 'merge;'
                              THEN substr(t.reference, 7, 32)::uuid END),
       u.seq, u.amount, k.kind, k.reference, k.order_id, CASE WHEN k.kind = 'move_out' THEN k.basis END
FROM asked
JOIN ledger_transfers AS t ON t.member_id = %(member)s AND t.seq = asked.seq
JOIN lots AS l ON l.member_id = %(member)s AND l.lot_no = asked.seq AND l.order_id = %(order)s
LEFT JOIN LATERAL (
    SELECT o.seq, o.use_no, o.amount FROM lot_uses AS o
    WHERE o.member_id = %(member)s AND o.lot_no = asked.seq AND o.amount <> 0
    ORDER BY o.seq, o.use_no LIMIT %(limit)s
) AS u ON true
LEFT JOIN ledger_transfers AS k ON k.member_id = %(member)s AND k.seq = u.seq
ORDER BY t.seq, u.seq, u.use_no
"""
# The other sides of moves, by their references.
OTHER_SIDES: LiteralString = """
SELECT t.reference, t.seq, EXISTS (SELECT FROM lots AS l WHERE l.member_id = t.member_id AND l.lot_no = t.seq)
FROM unnest(%(references)s::text[]) AS asked (reference)
JOIN ledger_transfers AS t ON t.member_id = %(member)s AND t.reference = asked.reference
"""
# With each of them whose books these were made part of; without any change, that alone.
TIER_CHANGES: LiteralString = """
SELECT joined.others, c.seq, c.from_tier, c.to_tier, c.cause, c.reference, c.metric, c.policy_version, c.recorded_at
FROM (
    SELECT array_agg(DISTINCT j.other_id) AS others FROM book_joinings AS j
    WHERE j.member_id = %(member)s AND j.role = 'absorbed'
) AS joined
LEFT JOIN tier_changes AS c ON c.member_id = %(member)s
  AND (c.reference = %(order)s OR (c.reference >= %(order)s || ':return:' AND c.reference < %(order)s || ':return;'))
ORDER BY c.seq
"""

SETTLED: LiteralString = """
SELECT s.member_id, s.order_id, s.total_minor, s.returned_minor, s.points_used
FROM settlements AS s WHERE s.member_id > %s AND (%s::uuid IS NULL OR s.member_id <= %s)
"""


async def settled(tx: Transaction, after: UUID, up_to: UUID | None) -> Rows:
    """Return the settlements of the members whose id follows `after`, up to another's (None: to the last)."""
    return await tx.rows(SETTLED, (after, up_to, up_to))


class TierChanges(NamedTuple):
    """The changes of a member's tier that an order and its returns made, and into whose books theirs were merged."""

    changes: Rows
    merged_into: list[UUID]


async def transfers(
    tx: Transaction, member_id: UUID, order_id: str, after: int, limit: int
) -> tuple[Rows, TierChanges]:
    """Return the transfers (behind the number `after`) and the tier changes that an order and its returns caused."""
    reference = f"order:{order_id}"
    caused, changes = await tx.read(
        Statement(TRANSFERS, (member_id, f"{reference}:", f"{reference};", order_id, after, limit)),
        Statement(TIER_CHANGES, {"member": member_id, "order": reference}),
    )
    return caused, _tier_changes(changes)


async def tier_changes(tx: Transaction, member_ids: Sequence[UUID], order_id: str) -> dict[UUID, TierChanges]:
    """Return, by member, the tier changes that an order caused. One statement a member, in one round trip."""
    asked = [Statement(TIER_CHANGES, {"member": one, "order": f"order:{order_id}"}) for one in member_ids]
    return {one: _tier_changes(rows) for one, rows in zip(member_ids, await tx.read(*asked), strict=True)}


def _tier_changes(rows: Rows) -> TierChanges:
    return TierChanges([row[1:] for row in rows if row[1] is not None], rows[0][0] or [])


async def lots(tx: Transaction, member_id: UUID, seqs: list[int], limit: int) -> tuple[Rows, Rows, Rows]:
    """Return the lots that transfers brought, the first uses of each, and the first lots that each transfer used."""
    brought, uses, taken = await tx.read(
        Statement(LOTS, (member_id, seqs)),
        Statement(USES_OF_LOTS, {"member": member_id, "lots": seqs, "after": 0, "limit": limit}),
        Statement(LOTS_TAKEN, {"member": member_id, "seqs": seqs, "after": -1, "limit": limit}),
    )
    return brought, uses, taken


async def uses_of_lot(
    tx: Transaction, member_id: UUID, lot_no: int, after: int, limit: int
) -> tuple[tuple[Any, ...] | None, Rows]:
    """Return the transfer that brought a lot, and what used it, behind the transfer `after`."""
    origin, uses = await tx.read(
        Statement(ORIGIN, (member_id, lot_no)),
        Statement(USES_OF_LOTS, {"member": member_id, "lots": [lot_no], "after": after, "limit": limit}),
    )
    return (origin[0] if origin else None), uses


async def lots_of_transfer(
    tx: Transaction, member_id: UUID, seq: int, after: int, limit: int
) -> tuple[tuple[Any, ...] | None, Rows]:
    """Return a transfer, and of which lots its units came, behind the use `after`."""
    origin, taken = await tx.read(
        Statement(ORIGIN, (member_id, seq)),
        Statement(LOTS_TAKEN, {"member": member_id, "seqs": [seq], "after": after, "limit": limit}),
    )
    return (origin[0] if origin else None), taken


async def arrived(
    tx: Transaction, asked: Mapping[UUID, tuple[Sequence[str], Sequence[int]]], order_id: str, limit: int
) -> dict[UUID, Rows]:
    """Return, by member, the lots of an order's units that moves brought, each with its first uses: a row a use.

    They are asked for by the references of the moves, and by their numbers. One statement a member, in one round trip.
    """
    statements = [
        Statement(
            ARRIVED,
            {
                "member": member_id,
                "references": list(references),
                "lots": list(lots),
                "order": order_id,
                "limit": limit,
            },
        )
        for member_id, (references, lots) in asked.items()
    ]
    return dict(zip(asked, await tx.read(*statements), strict=True))


async def other_sides(tx: Transaction, asked: Mapping[UUID, Sequence[str]]) -> dict[tuple[UUID, str], tuple[int, bool]]:
    """Return, by member and reference, the number of a move there, and whether it brought a lot.

    One statement a member, in one round trip.
    """
    statements = [
        Statement(OTHER_SIDES, {"member": member_id, "references": list(references)})
        for member_id, references in asked.items()
    ]
    found = await tx.read(*statements) if statements else []
    return {
        (member_id, reference): (seq, has_lot)
        for member_id, rows in zip(asked, found, strict=True)
        for reference, seq, has_lot in rows
    }
