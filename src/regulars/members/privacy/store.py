"""SQL of erasures. Between being asked and being begun one row decides: who changes it first is heard."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.row_documents import rows_of
from regulars.platform.db.transaction import Rows, Transaction

INSERT: LiteralString = """
INSERT INTO erasures (member_id, erasure_id, asked_at, asked_by, reason, due_at, losses)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
SELECT_LAST: LiteralString = """
SELECT member_id, erasure_id, asked_at, asked_by, reason, due_at, losses, begun_at, ended_at, outcome
FROM erasures WHERE member_id = %s ORDER BY asked_at DESC, erasure_id DESC LIMIT 1
"""
SELECT_ERASURES: LiteralString = """
SELECT member_id, erasure_id, asked_at, asked_by, reason, due_at, losses, begun_at, ended_at, outcome FROM erasures
WHERE (member_id = %(member)s::uuid OR %(member)s::uuid IS NULL)
  AND (%(state)s::text IS NULL
       OR coalesce(outcome, CASE WHEN begun_at IS NULL THEN 'waiting' ELSE 'under_way' END) = %(state)s::text)
  AND (%(before)s::timestamptz IS NULL OR (asked_at, erasure_id) < (%(before)s::timestamptz, %(last)s::uuid))
ORDER BY asked_at DESC, erasure_id DESC LIMIT %(limit)s
"""
WITHDRAW: LiteralString = """
UPDATE erasures SET ended_at = %s, outcome = 'withdrawn'
WHERE member_id = %s AND ended_at IS NULL AND begun_at IS NULL RETURNING erasure_id
"""
SELECT_DUE: LiteralString = """
SELECT member_id FROM erasures WHERE ended_at IS NULL AND due_at <= %s ORDER BY due_at LIMIT %s
"""
BEGIN: LiteralString = """
UPDATE erasures SET begun_at = coalesce(begun_at, %s)
WHERE member_id = %s AND ended_at IS NULL AND due_at <= %s RETURNING erasure_id
"""
SELECT_UNERASED: LiteralString = """
SELECT member_id FROM members WHERE member_id = ANY (%s::uuid[]) AND status <> 'erased'
"""
# The stone that stays. Whoever comes second to the same member waits here, and then finds nothing left to do.
ERASE_MEMBER: LiteralString = """
UPDATE members SET status = 'erased' WHERE member_id = %s AND status <> 'erased' RETURNING member_id
"""
FINISH: LiteralString = """
UPDATE erasures SET ended_at = %s, outcome = 'carried_out'
WHERE member_id = %s AND ended_at IS NULL RETURNING asked_by, reason
"""
INSERT_AGAIN: LiteralString = """
INSERT INTO erasures
    (member_id, erasure_id, asked_at, asked_by, reason, due_at, losses, begun_at, ended_at, outcome)
VALUES (%s, %s, %s, %s, %s, %s, '[]', %s, %s, 'carried_out')
"""
# Rows that must not be there once their member is erased.
LEFT_BEHIND: LiteralString = """
SELECT m.member_id, found.what FROM members AS m JOIN (
    SELECT member_id, 'a value by which it is found' AS what FROM identities
    UNION ALL SELECT member_id, 'a value' FROM member_identities
    UNION ALL SELECT member_id, 'a profile' FROM member_profiles
    UNION ALL SELECT member_id, 'a session' FROM member_sessions
    UNION ALL SELECT name_of, 'a household''s name' FROM households WHERE name_of IS NOT NULL
    UNION ALL SELECT member_id, 'a place in a household' FROM household_members
    UNION ALL SELECT survivor_id, 'what was there before a merge' FROM member_merges WHERE sealed_before IS NOT NULL
    UNION ALL SELECT g.member_id, 'a value at another member' FROM member_merges AS g
        CROSS JOIN LATERAL jsonb_array_elements_text(g.told::jsonb -> 'identity_ids') AS one (id)
        JOIN member_identities AS i ON i.member_id = g.survivor_id AND i.identity_id = one.id::uuid
) AS found ON found.member_id = m.member_id
WHERE m.status = 'erased' ORDER BY 1, 2 LIMIT %s
"""
UNFINISHED: LiteralString = """
SELECT member_id FROM erasures WHERE begun_at IS NOT NULL AND ended_at IS NULL AND begun_at < %s LIMIT %s
"""
COUNT_ERASED: LiteralString = "SELECT count(*) FROM members WHERE status = 'erased'"

INSERT_EXPORT: LiteralString = """
INSERT INTO member_exports (member_id, export_id, asked_at, asked_by, expires_at) VALUES (%s, %s, %s, %s, %s)
"""
_EXPORTS: LiteralString = """
SELECT member_id, export_id, asked_at, asked_by, expires_at, attempts, ready_at FROM member_exports
"""
SELECT_WAITING_OF: LiteralString = (
    _EXPORTS + "WHERE member_id = %s AND ready_at IS NULL AND expires_at > %s AND attempts < %s LIMIT 1"
)
SELECT_EXPORT: LiteralString = _EXPORTS + "WHERE member_id = %s AND export_id = %s AND expires_at > %s"
SELECT_ALL_EXPORTS: LiteralString = (
    _EXPORTS
    + """
WHERE expires_at > %(at)s AND (member_id = %(member)s::uuid OR %(member)s::uuid IS NULL)
  AND (%(before)s::timestamptz IS NULL OR (asked_at, export_id) < (%(before)s::timestamptz, %(last)s::uuid))
ORDER BY asked_at DESC, export_id DESC LIMIT %(limit)s
"""
)
SELECT_EXPORTS: LiteralString = _EXPORTS + "WHERE member_id = %s AND expires_at > %s ORDER BY asked_at DESC"
SELECT_WAITING: LiteralString = (
    _EXPORTS + "WHERE ready_at IS NULL AND expires_at > %s AND attempts < %s ORDER BY asked_at LIMIT %s"
)
COUNT_ATTEMPT: LiteralString = """
UPDATE member_exports SET attempts = attempts + 1 WHERE member_id = %s AND export_id = %s AND attempts = %s RETURNING 1
"""
FILL_EXPORT: LiteralString = """
UPDATE member_exports SET ready_at = %s, sealed_document = %s
WHERE member_id = %s AND export_id = %s AND ready_at IS NULL
"""
SELECT_DOCUMENT: LiteralString = """
SELECT sealed_document FROM member_exports WHERE member_id = %s AND export_id = %s AND ready_at IS NOT NULL
"""
FORGET_EXPORTS: LiteralString = "DELETE FROM member_exports WHERE member_id = ANY (%s::uuid[])"
FORGET_WAITING: LiteralString = "DELETE FROM member_exports WHERE member_id = ANY (%s::uuid[]) AND ready_at IS NULL"
# The clocks of who merged and of who gathered may differ a little. One that is being gathered finds its row gone.
FORGET_SHARED: LiteralString = """
DELETE FROM member_exports AS e USING member_merges AS m
WHERE m.merge_id = %s AND e.member_id IN (m.survivor_id, m.member_id)
  AND (e.ready_at IS NULL OR e.ready_at >= m.written_at - interval '5 minutes')
"""
FORGET_EXPIRED: LiteralString = "DELETE FROM member_exports WHERE expires_at <= %s"
OF_MEMBER: dict[str, LiteralString] = {
    "consents": """
SELECT to_jsonb(t) - 'member_id' || jsonb_build_object('wording', w.wording)
FROM consents AS t LEFT JOIN consent_wordings AS w USING (wording_version, language)
WHERE member_id = %s ORDER BY t.recorded_at, consent_id
""",
    "consent_requests": """
SELECT to_jsonb(t) - 'member_id' - 'token_hash' - 'expires_at' FROM consent_requests AS t
WHERE member_id = %s ORDER BY asked_at
""",
    "member_sessions": """
SELECT to_jsonb(t) - 'member_id' - 'secret_hash' FROM member_sessions AS t WHERE member_id = %s ORDER BY made_at
""",
    "member_merges": """
SELECT to_jsonb(t) - 'member_id' - 'sealed_before' - 'told' - 'undone'
       - CASE WHEN t.undone_at IS NULL THEN '{}'::text[] ELSE '{survivor_id,reason,undo_reason}' END
FROM member_merges AS t
WHERE member_id = %s ORDER BY recorded_at
""",
    "household_members": """
SELECT to_jsonb(t) - 'member_id' FROM household_members AS t WHERE member_id = %s ORDER BY since
""",
    "household_changes": """
SELECT to_jsonb(t) - '{member_id,head_id,merge_id,actor,reason}'::text[]
       || jsonb_build_object('is_head', head_id = member_id)
FROM household_changes AS t WHERE member_id = %s ORDER BY recorded_at, household_id, change_no
""",
    "merge_proposals": """
SELECT to_jsonb(t) - '{member_id,other_id,opened_by_merge,ended_by,end_reason}'::text[] || jsonb_build_object('seen', (
    SELECT jsonb_agg(jsonb_build_object('rule', e.rule, 'times', e.seen_count, 'first_seen_at', e.first_seen_at,
        'last_seen_at', e.last_seen_at,
        'your_kind', CASE WHEN t.member_id = sought.member_id THEN e.kind ELSE e.other_kind END,
        'your_identity', CASE WHEN t.member_id = sought.member_id THEN e.identity_id ELSE e.other_identity_id END
    ) ORDER BY e.first_seen_at, e.rule)
    FROM merge_evidence AS e WHERE e.member_id = t.member_id AND e.proposal_id = t.proposal_id))
FROM merge_proposals AS t JOIN (SELECT %s::uuid AS member_id) AS sought
    ON sought.member_id IN (t.member_id, t.other_id)
ORDER BY opened_at, proposal_id
""",
    "erasures": "SELECT to_jsonb(t) - 'member_id' FROM erasures AS t WHERE member_id = %s ORDER BY asked_at",
    "member_exports": """
SELECT to_jsonb(t) - 'member_id' - 'sealed_document' - 'expires_at' FROM member_exports AS t
WHERE member_id = %s ORDER BY asked_at
""",
}


class ListWanted(NamedTuple):
    """Which erasures or exports are wanted: of one member, in one state, from behind one."""

    member_id: UUID | None
    state: str | None
    before: tuple[datetime, UUID] | None
    limit: int

    @property
    def parameters(self) -> dict[str, Any]:
        """As the statements call them."""
        at, last = self.before or (None, None)
        return {"member": self.member_id, "state": self.state, "before": at, "last": last, "limit": self.limit}


class KeptExport(NamedTuple):
    """An export as it is kept, without its document."""

    member_id: UUID
    export_id: UUID
    asked_at: datetime
    asked_by: str
    expires_at: datetime
    attempts: int
    ready_at: datetime | None


class Kept(NamedTuple):
    """An erasure as it is kept."""

    member_id: UUID
    erasure_id: UUID
    asked_at: datetime
    asked_by: str
    reason: str
    due_at: datetime
    losses: str
    begun_at: datetime | None
    ended_at: datetime | None
    outcome: str | None


async def erasures(tx: Transaction, wanted: ListWanted) -> list[Kept]:
    """Return erasures of everybody, or of one member, the last asked for first."""
    return [Kept._make(row) for row in await tx.rows(SELECT_ERASURES, wanted.parameters)]


async def all_exports(tx: Transaction, wanted: ListWanted, at: datetime) -> list[KeptExport]:
    """Return exports of everybody, or of one member, that have not expired, the last asked for first."""
    rows = await tx.rows(SELECT_ALL_EXPORTS, {**wanted.parameters, "at": at})
    return [KeptExport._make(row) for row in rows]


def insert(tx: Transaction, kept: Kept) -> None:
    """Add an erasure that waits; a second one that waits raises psycopg's UniqueViolation."""
    tx.write(INSERT, kept[:7])


async def last(tx: Transaction, member_id: UUID) -> Kept | None:
    """Return the erasure of a member that was asked for last."""
    return next((Kept._make(row) for row in await tx.rows(SELECT_LAST, (member_id,))), None)


async def withdraw(tx: Transaction, member_id: UUID, at: datetime) -> bool:
    """Withdraw the one that waits; False if none does (any more)."""
    return bool(await tx.rows(WITHDRAW, (at, member_id)))


async def due(tx: Transaction, at: datetime, at_most: int) -> list[UUID]:
    """Return members whose erasure is due."""
    return [member_id for (member_id,) in await tx.rows(SELECT_DUE, (at, at_most))]


async def begin(tx: Transaction, member_id: UUID, at: datetime) -> bool:
    """Begin a due erasure, after which it cannot be withdrawn; False if it was withdrawn, or is done."""
    return bool(await tx.rows(BEGIN, (at, member_id, at)))


async def unerased(tx: Transaction, member_ids: Sequence[UUID]) -> list[UUID]:
    """Return which of these are members as if nothing had happened."""
    return [member_id for (member_id,) in await tx.rows(SELECT_UNERASED, (arrays.ids(member_ids),))]


async def erase_member(tx: Transaction, member_id: UUID) -> bool:
    """Mark a member as erased; False if it is, or there is none."""
    return bool(await tx.rows(ERASE_MEMBER, (member_id,)))


async def finish(tx: Transaction, member_id: UUID, at: datetime) -> tuple[str, str] | None:
    """Note that the erasure is done; returns who asked for it and why, None if nobody did as far as is known here."""
    rows: list[Any] = await tx.rows(FINISH, (at, member_id))
    return (rows[0][0], rows[0][1]) if rows else None


def insert_again(tx: Transaction, erasure_id: UUID, member_id: UUID, asked: tuple[str, str], at: datetime) -> None:
    """Note an erasure that was carried out, of which this database had never heard; `asked`: by whom, and why."""
    tx.write(INSERT_AGAIN, (member_id, erasure_id, at, *asked, at, at, at))


async def left_behind(tx: Transaction, unfinished_since: datetime, at_most: int) -> tuple[int, list[str], list[UUID]]:
    """Return how many are erased, what of theirs is still there, and whose erasure began before and did not end."""
    ((erased,),) = await tx.rows(COUNT_ERASED)
    found = [f"{member_id} {what}" for member_id, what in await tx.rows(LEFT_BEHIND, (at_most,))]
    stuck = [member_id for (member_id,) in await tx.rows(UNFINISHED, (unfinished_since, at_most))]
    return erased, found, stuck


# --- exports --------------------------------------------------------------------------------------------------------


def read_one_snapshot(tx: Transaction) -> None:
    """Let everything this transaction reads be of one instant, and JSON tell instants in UTC."""
    tx.write("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    tx.write("SET LOCAL TIME ZONE 'UTC'")


def insert_export(tx: Transaction, kept: KeptExport) -> None:
    """Add an export that waits to be gathered."""
    tx.write(INSERT_EXPORT, kept[:5])


async def waiting_of(tx: Transaction, member_id: UUID, at: datetime, attempts: int) -> KeptExport | None:
    """Return a member's export that is still being gathered."""
    return _first_export(await tx.rows(SELECT_WAITING_OF, (member_id, at, attempts)))


async def export(tx: Transaction, member_id: UUID, export_id: UUID, at: datetime) -> KeptExport | None:
    """Return an export that has not expired."""
    return _first_export(await tx.rows(SELECT_EXPORT, (member_id, export_id, at)))


async def exports(tx: Transaction, member_id: UUID, at: datetime) -> list[KeptExport]:
    """Return a member's exports that have not expired, the last asked for first."""
    return [KeptExport._make(row) for row in await tx.rows(SELECT_EXPORTS, (member_id, at))]


async def waiting(tx: Transaction, at: datetime, attempts: int, at_most: int) -> list[KeptExport]:
    """Return exports to be gathered, but for those that failed so many times."""
    return [KeptExport._make(row) for row in await tx.rows(SELECT_WAITING, (at, attempts, at_most))]


async def count_attempt(tx: Transaction, kept: KeptExport) -> bool:
    """Count an attempt; False if somebody else is at it."""
    return bool(await tx.rows(COUNT_ATTEMPT, (kept.member_id, kept.export_id, kept.attempts)))


def fill_export(tx: Transaction, kept: KeptExport, at: datetime, sealed: bytes) -> None:
    """Write down what was gathered."""
    tx.write(FILL_EXPORT, (at, sealed, kept.member_id, kept.export_id))


async def document(tx: Transaction, member_id: UUID, export_id: UUID) -> bytes | None:
    """Return the sealed document; None while there is none."""
    rows = await tx.rows(SELECT_DOCUMENT, (member_id, export_id))
    return bytes(rows[0][0]) if rows else None


def forget_exports(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget every export of members."""
    tx.write(FORGET_EXPORTS, (arrays.ids(member_ids),))


def forget_waiting(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget exports of members that wait to be gathered."""
    tx.write(FORGET_WAITING, (arrays.ids(member_ids),))


def forget_shared(tx: Transaction, merge_id: UUID) -> None:
    """Forget whatever was gathered of both members of a merge since, or is being gathered."""
    tx.write(FORGET_SHARED, (merge_id,))


def forget_expired(tx: Transaction, at: datetime) -> None:
    """Forget exports that have expired."""
    tx.write(FORGET_EXPIRED, (at,))


async def of_member(tx: Transaction, member_id: UUID) -> dict[str, Any]:
    """Return what these tables hold of a member, each row as JSON."""
    return await rows_of(tx, member_id, OF_MEMBER)


def _first_export(rows: Rows) -> KeptExport | None:
    return next((KeptExport._make(row) for row in rows), None)
