"""SQL of API keys."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from regulars.platform.auth.contracts import ApiKey
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Transaction

INSERT_KEY: LiteralString = """
INSERT INTO api_keys (key_id, secret_hash, label, scopes, created_at, expires_at, made_by, staff_id)
VALUES (%s, %s, %s, %s::text[], %s, %s, %s, %s)
"""

COUNT_CHANGE: LiteralString = """
INSERT INTO api_key_revision AS known (only_row, revision) VALUES (1, 1)
ON CONFLICT (only_row) DO UPDATE SET revision = known.revision + excluded.revision
"""

SELECT_REVISION: LiteralString = "SELECT revision FROM api_key_revision"

REVOKE_KEY: LiteralString = """
UPDATE api_keys SET revoked_at = coalesce(revoked_at, %s) WHERE key_id = %s
RETURNING key_id, label, scopes, created_at, last_used_on, expires_at, revoked_at, made_by, staff_id
"""

SELECT_KEYS: LiteralString = """
SELECT key_id, label, scopes, created_at, last_used_on, expires_at, revoked_at, made_by, staff_id
FROM api_keys WHERE %(ids)s::uuid[] IS NULL OR key_id = ANY (%(ids)s::uuid[]) ORDER BY created_at, key_id
"""

SELECT_RECOGNISED: LiteralString = """
SELECT secret_hash, scopes, expires_at FROM api_keys WHERE key_id = %s AND revoked_at IS NULL
"""

NOTE_USE: LiteralString = """
UPDATE api_keys SET last_used_on = %s WHERE key_id = %s AND (last_used_on IS NULL OR last_used_on < %s)
"""


class StoredSecret(NamedTuple):
    """What is needed to recognise a key that is not revoked."""

    secret_hash: bytes
    scopes: Sequence[str]
    expires_at: datetime | None


def insert_key(tx: Transaction, key: ApiKey, secret_hash: bytes) -> None:
    tx.write(
        INSERT_KEY,
        (
            key.key_id,
            secret_hash,
            key.label,
            arrays.texts(key.scopes),
            key.created_at,
            key.expires_at,
            key.made_by,
            key.staff_id,
        ),
    )
    tx.write(COUNT_CHANGE)


async def revoke(tx: Transaction, key_id: UUID, at: datetime) -> ApiKey | None:
    """Revoke a key from `at` on (wall clock), or leave the instant at which it was; None if there is none."""
    rows = await tx.rows(REVOKE_KEY, (at, key_id))
    tx.write(COUNT_CHANGE)
    return _key(rows[0]) if rows else None


async def select_keys(tx: Transaction, ids: Sequence[UUID] | None = None) -> list[ApiKey]:
    """Return all keys, or those with some ids."""
    return [_key(row) for row in await tx.rows(SELECT_KEYS, {"ids": None if ids is None else list(ids)})]


async def select_revision(tx: Transaction) -> int:
    """Return how often keys were changed."""
    rows = await tx.rows(SELECT_REVISION)
    return rows[0][0] if rows else 0


async def select_secret(tx: Transaction, key_id: UUID) -> StoredSecret | None:
    rows = await tx.rows(SELECT_RECOGNISED, (key_id,))
    return StoredSecret(bytes(rows[0][0]), rows[0][1], rows[0][2]) if rows else None


def note_use(tx: Transaction, key_id: UUID, day: date) -> None:
    """Write the day on which a key was last used; not counted as a change."""
    tx.write(NOTE_USE, (day, key_id, day))


def _key(row: Sequence[Any]) -> ApiKey:
    key_id, label, scopes, created_at, last_used_on, expires_at, revoked_at, made_by, staff_id = row
    return ApiKey(
        key_id=key_id,
        label=label,
        scopes=scopes,
        created_at=created_at,
        last_used_on=last_used_on,
        expires_at=expires_at,
        revoked_at=revoked_at,
        made_by=made_by,
        staff_id=staff_id,
    )
