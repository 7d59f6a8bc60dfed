"""SQL of API keys."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from msgspec import UNSET

from regulars.platform.auth.contracts import ApiKey, KeyChange, KeysWanted
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Transaction

_COLUMNS: LiteralString = """
key_id, label, scopes, created_at, last_used_on, expires_at, revoked_at, made_by, staff_id, networks,
requests_per_second, rotated_at, previous_until, rotated_by, api_version
"""

INSERT_KEY: LiteralString = """
INSERT INTO api_keys (key_id, secret_hash, label, scopes, created_at, expires_at, made_by, staff_id, networks,
    requests_per_second, api_version)
VALUES (%s, %s, %s, %s::text[], %s, %s, %s, %s, %s::text[], %s, %s)
"""

COUNT_CHANGE: LiteralString = """
INSERT INTO api_key_revision AS known (only_row, revision) VALUES (1, 1)
ON CONFLICT (only_row) DO UPDATE SET revision = known.revision + excluded.revision
"""

SELECT_REVISION: LiteralString = "SELECT revision FROM api_key_revision"

REVOKE_KEY: LiteralString = f"""
UPDATE api_keys SET revoked_at = coalesce(revoked_at, %s) WHERE key_id = %s
RETURNING {_COLUMNS}
"""  # noqa: S608 - our own text

# Of two rotations at once the second finds the first one's overlap: else the secret of one of them would be lost.
ROTATE_KEY: LiteralString = f"""
UPDATE api_keys
SET secret_hash = %(hash)s, rotated_at = %(now)s,
    rotated_by = array_append(array_remove(rotated_by, %(by)s), %(by)s),
    previous_hash = CASE WHEN %(until)s > %(now)s THEN secret_hash END,
    previous_until = CASE WHEN %(until)s > %(now)s THEN %(until)s END
WHERE key_id = %(key_id)s AND revoked_at IS NULL AND (expires_at > %(now)s) IS NOT FALSE
    AND (previous_until > %(now)s) IS NOT TRUE
RETURNING {_COLUMNS}
"""  # noqa: S608 - our own text

END_OVERLAP: LiteralString = f"""
UPDATE api_keys SET previous_hash = NULL, previous_until = NULL WHERE key_id = %s
RETURNING {_COLUMNS}
"""  # noqa: S608 - our own text

CHANGE_KEY: LiteralString = f"""
UPDATE api_keys
SET label = coalesce(%(label)s, label), networks = coalesce(%(networks)s::text[], networks),
    requests_per_second = CASE WHEN %(changes_limit)s THEN %(limit)s ELSE requests_per_second END,
    api_version = coalesce(%(api_version)s, api_version)
WHERE key_id = %(key_id)s AND revoked_at IS NULL AND (expires_at > %(now)s) IS NOT FALSE
RETURNING {_COLUMNS}
"""  # noqa: S608 - our own text

SELECT_KEYS: LiteralString = f"""
SELECT {_COLUMNS}
FROM api_keys WHERE %(ids)s::uuid[] IS NULL OR key_id = ANY (%(ids)s::uuid[]) ORDER BY created_at, key_id
"""  # noqa: S608 - our own text

# A page of the list, the latest first: ids are ordered by time.
SELECT_PAGE: LiteralString = f"""
SELECT {_COLUMNS}
FROM api_keys
WHERE (%(before)s::uuid IS NULL OR key_id < %(before)s)
    AND (%(good)s::boolean IS NULL
        OR (revoked_at IS NULL AND (expires_at > %(now)s) IS NOT FALSE) = %(good)s)
    AND (%(label)s = '' OR position(lower(%(label)s) IN lower(label)) > 0)
ORDER BY key_id DESC LIMIT %(limit)s
"""  # noqa: S608 - our own text

SELECT_RECOGNISED: LiteralString = """
SELECT secret_hash, scopes, expires_at, previous_hash, previous_until, networks, requests_per_second,
    api_version
FROM api_keys WHERE key_id = %s AND revoked_at IS NULL
"""

NOTE_USE: LiteralString = """
UPDATE api_keys SET last_used_on = %s WHERE key_id = %s AND (last_used_on IS NULL OR last_used_on < %s)
"""


class StoredSecret(NamedTuple):
    """What is needed to recognise a key that is not revoked."""

    secret_hash: bytes
    scopes: Sequence[str]
    expires_at: datetime | None
    previous_hash: bytes | None
    previous_until: datetime | None
    networks: Sequence[str]
    requests_per_second: int | None
    api_version: str


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
            arrays.texts(key.networks),
            key.requests_per_second,
            key.api_version,
        ),
    )
    tx.write(COUNT_CHANGE)


async def revoke(tx: Transaction, key_id: UUID, at: datetime) -> ApiKey | None:
    """Revoke a key from `at` on (wall clock), or leave the instant at which it was; None if there is none."""
    return await _changed(tx, REVOKE_KEY, (at, key_id))


async def is_revoked(tx: Transaction, key_id: UUID) -> bool:
    """Return whether a key was revoked."""
    return bool(await tx.rows("SELECT 1 FROM api_keys WHERE key_id = %s AND revoked_at IS NOT NULL", (key_id,)))


async def rotate(tx: Transaction, key_id: UUID, secret_hash: bytes, now: datetime, until: datetime) -> ApiKey | None:
    """Give a key another secret; that of before is good `until` then. None if it cannot be rotated now, or is none."""
    wishes = {"key_id": key_id, "hash": secret_hash, "now": now, "until": until, "by": tx.actor}
    return await _changed(tx, ROTATE_KEY, wishes)


async def end_overlap(tx: Transaction, key_id: UUID) -> ApiKey | None:
    """Let the secret of before be good no longer."""
    return await _changed(tx, END_OVERLAP, (key_id,))


async def change(tx: Transaction, key_id: UUID, wanted: KeyChange, now: datetime) -> ApiKey | None:
    """Write what is named anew; None if the key has ended, or is none."""
    networks = None if wanted.networks is None else arrays.texts(wanted.networks)
    changes_limit = wanted.requests_per_second is not UNSET
    limit = wanted.requests_per_second if changes_limit else None
    wishes = {"label": wanted.label, "networks": networks, "changes_limit": changes_limit, "limit": limit}
    wishes["api_version"] = wanted.api_version
    return await _changed(tx, CHANGE_KEY, {**wishes, "key_id": key_id, "now": now})


async def _changed(tx: Transaction, statement: LiteralString, parameters: Any) -> ApiKey | None:  # noqa: ANN401 - psycopg's
    rows = await tx.rows(statement, parameters)
    tx.write(COUNT_CHANGE)
    return _key(rows[0]) if rows else None


async def select_keys(tx: Transaction, ids: Sequence[UUID] | None = None) -> list[ApiKey]:
    """Return all keys, or those with some ids."""
    return [_key(row) for row in await tx.rows(SELECT_KEYS, {"ids": None if ids is None else list(ids)})]


async def select_page(tx: Transaction, wanted: KeysWanted, now: datetime) -> list[ApiKey]:
    """Return a page of keys, the latest first."""
    wishes = {
        "before": wanted.before,
        "good": wanted.good,
        "label": wanted.label,
        "limit": wanted.limit,
        "now": now,
    }
    return [_key(row) for row in await tx.rows(SELECT_PAGE, wishes)]


async def select_revision(tx: Transaction) -> int:
    """Return how often keys were changed."""
    rows = await tx.rows(SELECT_REVISION)
    return rows[0][0] if rows else 0


async def select_secret(tx: Transaction, key_id: UUID) -> StoredSecret | None:
    rows = await tx.rows(SELECT_RECOGNISED, (key_id,))
    if not rows:
        return None
    secret_hash, scopes, expires_at, previous_hash, *rest = rows[0]
    previous = None if previous_hash is None else bytes(previous_hash)
    return StoredSecret(bytes(secret_hash), scopes, expires_at, previous, *rest)


def note_use(tx: Transaction, key_id: UUID, day: date) -> None:
    """Write the day on which a key was last used; not counted as a change."""
    tx.write(NOTE_USE, (day, key_id, day))


def _key(row: Sequence[Any]) -> ApiKey:
    key_id, label, scopes, created_at, last_used_on, expires_at, revoked_at, made_by, staff_id, *rest = row
    networks, requests_per_second, rotated_at, previous_until, rotated_by, api_version = rest
    return ApiKey(
        key_id=key_id,
        label=label,
        scopes=scopes,
        created_at=created_at,
        api_version=api_version,
        last_used_on=last_used_on,
        expires_at=expires_at,
        revoked_at=revoked_at,
        made_by=made_by,
        staff_id=staff_id,
        networks=networks,
        requests_per_second=requests_per_second,
        rotated_at=rotated_at,
        previous_until=previous_until,
        rotated_by=rotated_by,
    )
