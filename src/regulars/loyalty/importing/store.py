"""SQL of imported accruals."""

from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

from regulars.platform.db.transaction import Transaction

_POSTED: Final[LiteralString] = """
SELECT t.member_id, t.reference
FROM unnest(%s::uuid[], %s::text[]) AS asked (member_id, reference)
JOIN ledger_transfers AS t ON t.member_id = asked.member_id AND t.reference = asked.reference
"""


async def posted(tx: Transaction, asked: Sequence[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
    """Return those of the references that were posted to a member's books already."""
    if not asked:
        return set()
    found = await tx.rows(_POSTED, ([member for member, _ in asked], [reference for _, reference in asked]))
    return {(member, reference) for member, reference in found}
