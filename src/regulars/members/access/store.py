"""SQL of codes and sessions of members. A code is tried and used by guarded statements, which wait for one another."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from regulars.members.contracts import Device
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Transaction

INSERT_CODE: LiteralString = """
INSERT INTO access_codes (ticket_id, code_hash, tries, expires_at) VALUES (%s, %s, 0, %s)
"""
# Counts the try before it is compared; of two at once the second waits for the row.
TRY_CODE: LiteralString = """
UPDATE access_codes SET tries = tries + 1
WHERE ticket_id = %s AND proved_at IS NULL AND expires_at > %s AND tries < %s RETURNING code_hash, tries
"""
PROVE_CODE: LiteralString = """
UPDATE access_codes SET proved_at = %s, expires_at = %s, finished_at = %s WHERE ticket_id = %s
"""
# A code that was just proved in this browser, once more: counted as every other try.
TRY_AGAIN: LiteralString = """
UPDATE access_codes SET tries = tries + 1
WHERE ticket_id = %s AND proved_at > %s AND tries < %s RETURNING code_hash, expires_at, finished_at IS NOT NULL
"""
SELECT_FINISHED: LiteralString = """
SELECT 1 FROM access_codes WHERE ticket_id = %s AND finished_at > %s
"""
SELECT_PROVED: LiteralString = """
SELECT expires_at FROM access_codes
WHERE ticket_id = %s AND proved_at IS NOT NULL AND finished_at IS NULL AND expires_at > %s
"""
FINISH_CODE: LiteralString = """
UPDATE access_codes SET finished_at = %s
WHERE ticket_id = %s AND proved_at IS NOT NULL AND finished_at IS NULL AND expires_at > %s RETURNING 1
"""

INSERT_SESSION: LiteralString = """
INSERT INTO member_sessions
    (member_id, session_id, secret_hash, remembered, agent, made_at, last_seen_at, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
SELECT_SESSION: LiteralString = """
SELECT s.secret_hash, s.remembered, s.last_seen_at, s.expires_at, s.made_at, m.market, m.language,
       (SELECT count(*) FROM member_merges AS p WHERE p.survivor_id = m.member_id AND p.undone_at IS NOT NULL)
FROM member_sessions AS s JOIN members AS m USING (member_id)
WHERE s.member_id = %s AND s.session_id = %s AND m.status = 'active' AND m.merged_into IS NULL
"""
NOTE_SEEN: LiteralString = """
UPDATE member_sessions SET last_seen_at = %s WHERE member_id = %s AND session_id = %s AND last_seen_at < %s
"""
SELECT_DEVICES: LiteralString = """
SELECT session_id, agent, remembered, made_at, last_seen_at, expires_at FROM member_sessions
WHERE member_id = %s AND expires_at > %s AND last_seen_at > CASE WHEN remembered THEN %s ELSE %s END
ORDER BY last_seen_at DESC, session_id
"""
DELETE_SESSION: LiteralString = """
DELETE FROM member_sessions WHERE member_id = %s AND session_id = %s RETURNING 1
"""
DELETE_PRESENTED: LiteralString = """
DELETE FROM member_sessions WHERE member_id = %s AND session_id = %s AND secret_hash = %s RETURNING 1
"""
DELETE_SESSIONS: LiteralString = """
WITH gone AS (DELETE FROM member_sessions WHERE member_id = %s AND session_id IS DISTINCT FROM %s RETURNING 1)
SELECT count(*) FROM gone
"""
FORGET_MEMBERS: LiteralString = "DELETE FROM member_sessions WHERE member_id = ANY (%s::uuid[])"
DELETE_UNSEEN: LiteralString = """
DELETE FROM member_sessions WHERE member_id = %s AND agent = %s AND made_at >= %s AND last_seen_at = made_at
"""
DELETE_OLD_CODES: LiteralString = """
WITH old AS (SELECT ticket_id FROM access_codes WHERE expires_at < %s LIMIT %s FOR UPDATE SKIP LOCKED),
gone AS (DELETE FROM access_codes USING old WHERE access_codes.ticket_id = old.ticket_id RETURNING 1)
SELECT count(*) FROM gone
"""
DELETE_OLD_SESSIONS: LiteralString = """
WITH old AS (SELECT member_id, session_id FROM member_sessions WHERE expires_at < %s LIMIT %s FOR UPDATE SKIP LOCKED),
gone AS (DELETE FROM member_sessions AS s USING old
         WHERE s.member_id = old.member_id AND s.session_id = old.session_id RETURNING 1)
SELECT count(*) FROM gone
"""


class KeptSession(NamedTuple):
    """A session as it is kept, with what pages need of its member."""

    secret_hash: bytes
    remembered: bool
    last_seen_at: datetime
    expires_at: datetime
    made_at: datetime
    market: str
    language: str
    parted: int


async def try_code(tx: Transaction, ticket_id: UUID, now: datetime, at_most: int) -> tuple[bytes, int] | None:
    """Count a try; return the hash to compare and how many tries there were. None if the code cannot be tried."""
    rows = await tx.rows(TRY_CODE, (ticket_id, now, at_most))
    return (bytes(rows[0][0]), rows[0][1]) if rows else None


class Proved(NamedTuple):
    """A code that was proved a moment ago: until when it may sign up, and whether it has signed somebody in."""

    code_hash: bytes
    expires_at: datetime
    finished: bool


async def try_again(tx: Transaction, ticket_id: UUID, proved_after: datetime, at_most: int) -> Proved | None:
    """Count a try of a code that was proved after `proved_after`; None if there is none, or it was tried too often."""
    rows = await tx.rows(TRY_AGAIN, (ticket_id, proved_after, at_most))
    return Proved(bytes(rows[0][0]), *rows[0][1:]) if rows else None


async def is_just_finished(tx: Transaction, ticket_id: UUID, finished_after: datetime) -> bool:
    """Tell whether a ticket was used up after `finished_after`."""
    return bool(await tx.rows(SELECT_FINISHED, (ticket_id, finished_after)))


async def select_proved(tx: Transaction, ticket_id: UUID, now: datetime) -> datetime | None:
    """Return until when a proved ticket may still sign up; None if it may not."""
    rows = await tx.rows(SELECT_PROVED, (ticket_id, now))
    return rows[0][0] if rows else None


async def finish_code(tx: Transaction, ticket_id: UUID, now: datetime) -> bool:
    """Use a proved ticket up; False if it cannot be used (any more)."""
    return bool(await tx.rows(FINISH_CODE, (now, ticket_id, now)))


def insert_session(tx: Transaction, member_id: UUID, secret_hash: bytes, device: Device) -> None:
    tx.write(
        INSERT_SESSION,
        (
            member_id,
            device.session_id,
            secret_hash,
            device.remembered,
            device.agent,
            device.made_at,
            device.last_seen_at,
            device.expires_at,
        ),
    )


async def select_session(tx: Transaction, member_id: UUID, session_id: UUID) -> KeptSession | None:
    """Return a session: the last that its transaction reads, since every page asks it first."""
    rows = await tx.last_rows(SELECT_SESSION, (member_id, session_id))
    return KeptSession(bytes(rows[0][0]), *rows[0][1:]) if rows else None


async def select_devices(
    tx: Transaction, member_id: UUID, now: datetime, remembered_seen_after: datetime, seen_after: datetime
) -> list[Device]:
    rows = await tx.rows(SELECT_DEVICES, (member_id, now, remembered_seen_after, seen_after))
    return [
        Device(
            session_id=session_id,
            agent=agent,
            remembered=remembered,
            made_at=made_at,
            last_seen_at=last_seen_at,
            expires_at=expires_at,
        )
        for session_id, agent, remembered, made_at, last_seen_at, expires_at in rows
    ]


async def delete_session(tx: Transaction, member_id: UUID, session_id: UUID) -> bool:
    """End a session; False if the member has no such one."""
    return bool(await tx.rows(DELETE_SESSION, (member_id, session_id)))


async def delete_presented(tx: Transaction, member_id: UUID, session_id: UUID, secret_hash: bytes) -> bool:
    """End the session of whoever holds its secret; False if there is none."""
    return bool(await tx.rows(DELETE_PRESENTED, (member_id, session_id, secret_hash)))


async def delete_sessions(tx: Transaction, member_id: UUID, but: UUID | None) -> int:
    """End every session of a member but one; return how many."""
    return int((await tx.rows(DELETE_SESSIONS, (member_id, but)))[0][0])


def delete_all(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """End every session of members."""
    tx.write(FORGET_MEMBERS, (arrays.ids(member_ids),))


async def delete_old(tx: Transaction, before: datetime, at_most: int) -> bool:
    """Delete codes and sessions that ended before `before`, so many of each; True if there may be more."""
    codes = await tx.rows(DELETE_OLD_CODES, (before, at_most))
    sessions = await tx.rows(DELETE_OLD_SESSIONS, (before, at_most))
    return at_most in {codes[0][0], sessions[0][0]}
