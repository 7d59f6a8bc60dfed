"""SQL of rules about identities."""

from datetime import datetime
from typing import LiteralString

from regulars.platform.db.transaction import Transaction

IN_FORCE: LiteralString = "SELECT rules FROM identity_rules ORDER BY version DESC LIMIT 1"
VERSIONS: LiteralString = "SELECT rules FROM identity_rules ORDER BY version DESC LIMIT %s"
# Of two at once the second waits here, and then meets the version of the first.
INSERT: LiteralString = """
INSERT INTO identity_rules (version, rules, recorded_at, written_at) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING RETURNING version
"""


async def in_force(tx: Transaction) -> str | None:
    """Return the last version; None if there is none."""
    rows = await tx.rows(IN_FORCE)
    return rows[0][0] if rows else None


async def versions(tx: Transaction, at_most: int) -> list[str]:
    """Return versions, the last first."""
    return [rules for (rules,) in await tx.rows(VERSIONS, (at_most,))]


async def insert(tx: Transaction, version: int, rules: str, recorded_at: datetime, written_at: datetime) -> bool:
    """Add a version; False if it is there already."""
    return bool(await tx.rows(INSERT, (version, rules, recorded_at, written_at)))
