"""SQL of staff: accounts, sessions, steps, links, recovery codes, sign-ins under way elsewhere.

What can be used once is used by one guarded statement: of two at the same moment, the second waits for the row of the
first and then finds it used. Who locks several rows locks the account first.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from regulars.platform.auth.staff.contracts import Account, How, Session, Status
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Transaction

_ACCOUNT: LiteralString = """
SELECT a.staff_id, a.email, a.name, a.language, a.status, a.roles, a.stores,
a.sealed_totp IS NOT NULL, a.created_at, a.signed_in_at
"""
_ACCOUNT_COLUMNS = 10

INSERT_ACCOUNT: LiteralString = """
INSERT INTO staff_accounts (staff_id, email, name, language, status, roles, stores, totp_step, created_at)
VALUES (%s, %s, %s, %s, %s, %s::text[], %s::text[], 0, %s) ON CONFLICT (email) DO NOTHING RETURNING 1
"""
SELECT_ACCOUNTS: LiteralString = _ACCOUNT + " FROM staff_accounts AS a ORDER BY a.name, a.staff_id"
SELECT_ACCOUNT: LiteralString = _ACCOUNT + " FROM staff_accounts AS a WHERE a.staff_id = %s"
SELECT_BY_EMAIL: LiteralString = (
    _ACCOUNT
    + """, a.password_hash, a.sealed_totp, a.single_factor, a.oidc_subject
FROM staff_accounts AS a WHERE a.email = %s
"""
)
SELECT_SECRETS: LiteralString = (
    _ACCOUNT
    + """, a.password_hash, a.sealed_totp, a.single_factor, a.oidc_subject
FROM staff_accounts AS a WHERE a.staff_id = %s
"""
)
LOCK_SECRETS: LiteralString = SELECT_SECRETS + " FOR NO KEY UPDATE"
LOCK_OWNERS: LiteralString = """
SELECT staff_id FROM staff_accounts WHERE 'owner' = ANY (roles) AND status = 'active'
ORDER BY staff_id FOR NO KEY UPDATE
"""
UPDATE_ACCESS: LiteralString = """
UPDATE staff_accounts SET name = %s, language = %s, status = %s, roles = %s::text[], stores = %s::text[]
WHERE staff_id = %s
"""
UPDATE_LANGUAGE: LiteralString = "UPDATE staff_accounts SET language = %s WHERE staff_id = %s"
UPDATE_HASH: LiteralString = "UPDATE staff_accounts SET password_hash = %s WHERE staff_id = %s"
REPLACE_HASH: LiteralString = "UPDATE staff_accounts SET password_hash = %s WHERE staff_id = %s AND password_hash = %s"
UPDATE_SECRETS: LiteralString = """
UPDATE staff_accounts SET password_hash = %s, sealed_totp = %s, single_factor = %s, status = 'active'
WHERE staff_id = %s
"""
UPDATE_DEMO_HASH: LiteralString = """
UPDATE staff_accounts SET password_hash = %s WHERE email = %s AND single_factor = 'demo' AND sealed_totp IS NULL
"""
UPDATE_TOTP: LiteralString = """
UPDATE staff_accounts SET sealed_totp = %s, single_factor = NULL WHERE staff_id = %s
"""
LET_IN_BY_SUBJECT: LiteralString = "UPDATE staff_accounts SET oidc_subject = %s, status = 'active' WHERE staff_id = %s"
NOTE_SIGN_IN: LiteralString = "UPDATE staff_accounts SET signed_in_at = %s WHERE staff_id = %s"

# A code's step is taken once, and none before it ever again.
TAKE_TOTP_STEP: LiteralString = """
UPDATE staff_accounts SET totp_step = %s WHERE staff_id = %s AND totp_step < %s RETURNING 1
"""
NOTE_TOTP_STEP: LiteralString = "UPDATE staff_accounts SET totp_step = %s WHERE staff_id = %s"
TAKE_RECOVERY_CODE: LiteralString = """
UPDATE staff_recovery_codes SET used_at = %s
WHERE staff_id = %s AND code_hash = %s AND used_at IS NULL RETURNING 1
"""
DELETE_RECOVERY_CODES: LiteralString = "DELETE FROM staff_recovery_codes WHERE staff_id = %s"
INSERT_RECOVERY_CODES: LiteralString = """
INSERT INTO staff_recovery_codes (staff_id, code_hash) SELECT %s, unnest(%s::bytea[])
"""
COUNT_RECOVERY_CODES: LiteralString = """
SELECT count(*) FROM staff_recovery_codes WHERE staff_id = %s AND used_at IS NULL
"""

INSERT_SESSION: LiteralString = """
INSERT INTO staff_sessions (token_hash, session_id, staff_id, how, agent, made_at, last_seen_at, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
SELECT_SIGNED_IN: LiteralString = (
    _ACCOUNT
    + """, s.session_id, s.last_seen_at, s.expires_at
FROM staff_sessions AS s JOIN staff_accounts AS a USING (staff_id) WHERE s.token_hash = %s AND a.status = 'active'
"""
)
NOTE_SEEN: LiteralString = "UPDATE staff_sessions SET last_seen_at = %s WHERE token_hash = %s AND last_seen_at < %s"
SELECT_SESSIONS: LiteralString = """
SELECT session_id, how, agent, made_at, last_seen_at, expires_at FROM staff_sessions
WHERE staff_id = %s AND expires_at > %s AND last_seen_at > %s ORDER BY last_seen_at DESC, session_id
"""
DELETE_SESSION: LiteralString = "DELETE FROM staff_sessions WHERE staff_id = %s AND session_id = %s RETURNING 1"
DELETE_PRESENTED: LiteralString = "DELETE FROM staff_sessions WHERE token_hash = %s RETURNING staff_id, session_id"
DELETE_SESSIONS: LiteralString = """
WITH gone AS (DELETE FROM staff_sessions WHERE staff_id = %s AND session_id IS DISTINCT FROM %s RETURNING 1)
SELECT count(*) FROM gone
"""
RENEW_SESSION: LiteralString = "UPDATE staff_sessions SET token_hash = %s WHERE staff_id = %s AND session_id = %s"

INSERT_STEP: LiteralString = "INSERT INTO staff_steps (token_hash, staff_id, tries, expires_at) VALUES (%s, %s, 0, %s)"
SELECT_STEP: LiteralString = "SELECT staff_id FROM staff_steps WHERE token_hash = %s AND expires_at > %s"
TRY_STEP: LiteralString = """
UPDATE staff_steps SET tries = tries + 1 WHERE token_hash = %s AND tries < %s RETURNING 1
"""
DELETE_STEP: LiteralString = "DELETE FROM staff_steps WHERE token_hash = %s"
DELETE_STEPS: LiteralString = "DELETE FROM staff_steps WHERE staff_id = %s"

INSERT_LINK: LiteralString = "INSERT INTO staff_links (token_hash, staff_id, tries, expires_at) VALUES (%s, %s, 0, %s)"
END_LINKS: LiteralString = "UPDATE staff_links SET used_at = %s WHERE staff_id = %s AND used_at IS NULL"
SELECT_LINK: LiteralString = (
    _ACCOUNT
    + """, l.password_hash, l.sealed_totp, l.tries FROM staff_links AS l JOIN staff_accounts AS a USING (staff_id)
WHERE l.token_hash = %s AND l.expires_at > %s AND l.used_at IS NULL AND a.status <> 'disabled'
"""
)
LOCK_LINK: LiteralString = SELECT_LINK + " FOR NO KEY UPDATE OF a"
PREPARE_LINK: LiteralString = """
UPDATE staff_links SET password_hash = %s, sealed_totp = %s, tries = 0
WHERE token_hash = %s AND used_at IS NULL RETURNING 1
"""
TRY_LINK: LiteralString = "UPDATE staff_links SET tries = tries + 1 WHERE token_hash = %s"
USE_LINK: LiteralString = """
UPDATE staff_links SET used_at = %s, password_hash = NULL, sealed_totp = NULL
WHERE token_hash = %s AND used_at IS NULL RETURNING 1
"""

_DELETE_ENDED: LiteralString = """
WITH old AS (SELECT {key} FROM {table} WHERE expires_at < %s LIMIT %s FOR UPDATE SKIP LOCKED),
gone AS (DELETE FROM {table} USING old WHERE {table}.{key} = old.{key} RETURNING 1)
SELECT count(*) FROM gone
"""
DELETE_ENDED: tuple[LiteralString, ...] = (
    _DELETE_ENDED.format(table="staff_sessions", key="token_hash"),
    _DELETE_ENDED.format(table="staff_steps", key="token_hash"),
    _DELETE_ENDED.format(table="staff_links", key="token_hash"),
)


class Secrets(NamedTuple):
    """An account with what it is recognised by."""

    account: Account
    password_hash: str | None
    sealed_totp: bytes | None
    single_factor: str | None
    oidc_subject: str | None


class SignedIn(NamedTuple):
    """An account and the session that a token belongs to."""

    account: Account
    session_id: UUID
    last_seen_at: datetime
    expires_at: datetime


class Link(NamedTuple):
    """An open one-time link, its account, and what was chosen on it so far."""

    account: Account
    password_hash: str | None
    sealed_totp: bytes | None
    tries: int


async def insert_account(tx: Transaction, account: Account) -> bool:
    """Add an account; False if there is one with this address."""
    return bool(
        await tx.rows(
            INSERT_ACCOUNT,
            (
                account.staff_id,
                account.email,
                account.name,
                account.language,
                account.status,
                arrays.texts(account.roles),
                _stores(account),
                account.created_at,
            ),
        )
    )


def update_access(tx: Transaction, account: Account) -> None:
    parameters = (account.name, account.language, account.status, arrays.texts(account.roles), _stores(account))
    tx.write(UPDATE_ACCESS, (*parameters, account.staff_id))


async def select_accounts(tx: Transaction) -> list[Account]:
    return [_account(row) for row in await tx.rows(SELECT_ACCOUNTS)]


async def select_account(tx: Transaction, staff_id: UUID) -> Account | None:
    rows = await tx.rows(SELECT_ACCOUNT, (staff_id,))
    return _account(rows[0]) if rows else None


async def is_disabled(tx: Transaction, staff_id: UUID) -> bool:
    """Return whether an account is disabled."""
    return bool(await tx.rows("SELECT 1 FROM staff_accounts WHERE staff_id = %s AND status = 'disabled'", (staff_id,)))


async def select_by_email(tx: Transaction, email: str) -> Secrets | None:
    return _secrets(await tx.rows(SELECT_BY_EMAIL, (email,)))


async def select_secrets(tx: Transaction, staff_id: UUID, *, lock: bool = False) -> Secrets | None:
    """Return an account with what it is recognised by; with `lock`, hold its row."""
    return _secrets(await tx.rows(LOCK_SECRETS if lock else SELECT_SECRETS, (staff_id,)))


async def lock_owners(tx: Transaction) -> set[UUID]:
    """Hold the rows of all owners who can sign in; return who they are."""
    return {staff_id for (staff_id,) in await tx.rows(LOCK_OWNERS)}


async def take(tx: Transaction, statement: LiteralString, parameters: Sequence[Any]) -> bool:
    """Use what can be used once (`TAKE_…`, `USE_…`); False if it cannot be used any more."""
    return bool(await tx.rows(statement, parameters))


def insert_recovery_codes(tx: Transaction, staff_id: UUID, hashes: Sequence[bytes]) -> None:
    """Replace the recovery codes of an account."""
    tx.write(DELETE_RECOVERY_CODES, (staff_id,))
    tx.write(INSERT_RECOVERY_CODES, (staff_id, arrays.blobs(hashes)))


async def count_recovery_codes(tx: Transaction, staff_id: UUID) -> int:
    return int((await tx.rows(COUNT_RECOVERY_CODES, (staff_id,)))[0][0])


def insert_session(tx: Transaction, staff_id: UUID, token_hash: bytes, session: Session) -> None:
    tx.write(
        INSERT_SESSION,
        (
            token_hash,
            session.session_id,
            staff_id,
            session.how,
            session.agent,
            session.made_at,
            session.last_seen_at,
            session.expires_at,
        ),
    )


async def select_signed_in(tx: Transaction, token_hash: bytes) -> SignedIn | None:
    """Return who is signed in by a token: the last that its transaction reads, since every page asks it first."""
    rows = await tx.last_rows(SELECT_SIGNED_IN, (token_hash,))
    return SignedIn(_account(rows[0]), *rows[0][_ACCOUNT_COLUMNS:]) if rows else None


async def select_sessions(tx: Transaction, staff_id: UUID, now: datetime, seen_after: datetime) -> list[Session]:
    rows = await tx.rows(SELECT_SESSIONS, (staff_id, now, seen_after))
    return [
        Session(
            session_id=session_id,
            how=How(how),
            agent=agent,
            made_at=made_at,
            last_seen_at=last_seen_at,
            expires_at=expires_at,
        )
        for session_id, how, agent, made_at, last_seen_at, expires_at in rows
    ]


async def delete_sessions(tx: Transaction, staff_id: UUID, *, but: UUID | None = None) -> int:
    """End every session of an account but one, and every sign-in under way; return how many sessions."""
    tx.write(DELETE_STEPS, (staff_id,))
    return int((await tx.rows(DELETE_SESSIONS, (staff_id, but)))[0][0])


async def select_link(tx: Transaction, token_hash: bytes, now: datetime, *, lock: bool) -> Link | None:
    """Return an open link; with `lock`, hold its account."""
    rows = await tx.rows(LOCK_LINK if lock else SELECT_LINK, (token_hash, now))
    if not rows:
        return None
    password_hash, sealed_totp, tries = rows[0][_ACCOUNT_COLUMNS:]
    return Link(_account(rows[0]), password_hash, _bytes(sealed_totp), tries)


async def delete_ended(tx: Transaction, before: datetime, at_most: int) -> bool:
    """Delete what ended before `before`, so many of each kind; True if there may be more."""
    counts = [int((await tx.rows(statement, (before, at_most)))[0][0]) for statement in DELETE_ENDED]
    return max(counts) == at_most


def _stores(account: Account) -> str | None:
    return None if account.stores is None else arrays.texts(account.stores)


def _bytes(value: Any) -> bytes | None:  # noqa: ANN401 - bytes or a view of them
    return None if value is None else bytes(value)


def _account(row: tuple[Any, ...]) -> Account:
    staff_id, email, name, language, status, roles, stores, second, created_at, signed_in_at = row[:_ACCOUNT_COLUMNS]
    return Account(
        staff_id=staff_id,
        email=email,
        name=name,
        language=language,
        status=Status(status),
        roles=tuple(Role(role) for role in roles),
        stores=None if stores is None else tuple(stores),
        has_second_factor=second,
        created_at=created_at,
        signed_in_at=signed_in_at,
    )


def _secrets(rows: list[tuple[Any, ...]]) -> Secrets | None:
    if not rows:
        return None
    password_hash, sealed_totp, single_factor, oidc_subject = rows[0][_ACCOUNT_COLUMNS:]
    return Secrets(_account(rows[0]), password_hash, _bytes(sealed_totp), single_factor, oidc_subject)
