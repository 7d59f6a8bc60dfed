"""SQL of the profiles: one sealed document each."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Question, Transaction

SELECT_PROFILES: LiteralString = """
SELECT member_id, version, sealed_profile FROM member_profiles WHERE member_id = ANY (%s::uuid[])
"""

UPSERT_PROFILE: LiteralString = """
INSERT INTO member_profiles (member_id, version, sealed_profile, recorded_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (member_id) DO UPDATE
SET version = excluded.version, sealed_profile = excluded.sealed_profile, recorded_at = excluded.recorded_at
"""


DELETE_PROFILES: LiteralString = "DELETE FROM member_profiles WHERE member_id = ANY (%s::uuid[])"


async def select_profiles(tx: Transaction, member_ids: Sequence[UUID]) -> dict[UUID, tuple[int, bytes]]:
    """Return version and sealed document of those members who told anything."""
    return await profiles_told(tx, ask_profiles(tx, member_ids))


def ask_profiles(tx: Transaction, member_ids: Sequence[UUID]) -> Question:
    """Ask for the same along with the next read."""
    return tx.ask(SELECT_PROFILES, (arrays.ids(member_ids),))


async def profiles_told(tx: Transaction, question: Question) -> dict[UUID, tuple[int, bytes]]:
    """Return what was asked."""
    found = await tx.answer(question)
    return {member_id: (version, bytes(sealed)) for member_id, version, sealed in found}


def delete_profiles(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget the documents."""
    tx.write(DELETE_PROFILES, (arrays.ids(member_ids),))


def upsert_profile(tx: Transaction, member_id: UUID, version: int, sealed: bytes, recorded_at: datetime) -> None:
    """Replace the document; the caller holds the member's row."""
    tx.write(UPSERT_PROFILE, (member_id, version, sealed, recorded_at))
