"""SQL of the profiles: one sealed document each."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from regulars.platform.db.transaction import Transaction

SELECT_PROFILE: LiteralString = "SELECT version, sealed_profile FROM member_profiles WHERE member_id = %s"

UPSERT_PROFILE: LiteralString = """
INSERT INTO member_profiles (member_id, version, sealed_profile, recorded_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (member_id) DO UPDATE
SET version = excluded.version, sealed_profile = excluded.sealed_profile, recorded_at = excluded.recorded_at
"""


async def select_profile(tx: Transaction, member_id: UUID) -> tuple[int, bytes] | None:
    """Return version and sealed document; None for a member who gave nothing yet."""
    rows = await tx.rows(SELECT_PROFILE, (member_id,))
    return (rows[0][0], bytes(rows[0][1])) if rows else None


def upsert_profile(tx: Transaction, member_id: UUID, version: int, sealed: bytes, recorded_at: datetime) -> None:
    """Replace the document; the caller holds the member's row."""
    tx.write(UPSERT_PROFILE, (member_id, version, sealed, recorded_at))
