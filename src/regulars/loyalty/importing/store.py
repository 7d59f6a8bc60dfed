"""SQL of imported accruals."""

from collections.abc import Collection, Sequence
from typing import Final, LiteralString
from uuid import UUID

from regulars.platform.db.transaction import Transaction

_POSTED: Final[LiteralString] = """
SELECT t.member_id, t.reference, t.amount
FROM unnest(%s::uuid[], %s::text[]) AS asked (member_id, reference)
JOIN ledger_transfers AS t ON t.member_id = asked.member_id AND t.reference = asked.reference
"""
_TOOK_OVER: Final[LiteralString] = """
SELECT member_id, other_id FROM book_joinings
WHERE member_id = ANY (%s::uuid[]) AND step = 'joined' AND role = 'survivor' ORDER BY member_id, seq
"""
_PART_OF: Final[LiteralString] = """
SELECT member_id, merged_into FROM member_books WHERE member_id = ANY (%s::uuid[]) AND merged_into IS NOT NULL
"""


async def posted(tx: Transaction, asked: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], int]:
    """Return those of the references that were posted to a member's books already, with how much."""
    if not asked:
        return {}
    found = await tx.rows(_POSTED, ([member for member, _ in asked], [reference for _, reference in asked]))
    return {(member, reference): amount for member, reference, amount in found}


async def parts_of(tx: Transaction, member_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """Return, for those into whose books others' were merged, the others, and behind each who had been merged there."""
    parts: dict[UUID, list[UUID]] = {}
    seen: set[UUID] = set()
    ahead = set(member_ids)
    while ahead:
        seen |= ahead
        joined = await tx.rows(_TOOK_OVER, (sorted(ahead),))
        if not joined:
            break
        standing = set(await tx.rows(_PART_OF, (sorted({other for _, other in joined}),)))
        for into, other in dict.fromkeys(joined):
            if (other, into) in standing:
                parts.setdefault(into, []).append(other)
        ahead = {other for _, other in joined} - seen
    return {one: _behind(parts, one) for one in member_ids if one in parts}


def _behind(parts: dict[UUID, list[UUID]], member_id: UUID) -> list[UUID]:
    return [each for part in parts.get(member_id, ()) for each in (part, *_behind(parts, part))]
