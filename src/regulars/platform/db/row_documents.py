"""What tables hold of somebody, each row as a JSON document: for exports of everything."""

from collections.abc import Mapping
from typing import Any, LiteralString
from uuid import UUID

from regulars.platform.db.transaction import Statement, Transaction


async def rows_of(tx: Transaction, member_id: UUID, texts: Mapping[str, LiteralString]) -> dict[str, Any]:
    """Return, by the name of each statement, its rows; each takes the member's id and answers with one JSON column."""
    found = await tx.read(*[Statement(text, (member_id,)) for text in texts.values()])
    return {name: [row for (row,) in rows] for name, rows in zip(texts, found, strict=True)}
