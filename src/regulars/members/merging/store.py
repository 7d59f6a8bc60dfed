"""SQL of merges: both rows of members are held, then who stands for whom is said anew."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from regulars.members.contracts import MemberRef, MemberStatus
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Question, Rows, Transaction

# Held for itself: whoever writes anything of these members waits, and sees then who stands for whom.
_REFS: LiteralString = """
SELECT member_id, market, status, signed_up_at, merged_into FROM members WHERE member_id = ANY (%s::uuid[])
ORDER BY member_id
"""
HOLD: LiteralString = _REFS + "FOR UPDATE"
WAITING_ERASURE: LiteralString = """
SELECT member_id FROM erasures WHERE member_id = ANY (%s::uuid[]) AND ended_at IS NULL LIMIT 1
"""
# Whoever stood for the absorbed one stands for the survivor then: one step leads from any id to who it means.
POINT: LiteralString = """
UPDATE members SET merged_into = %(into)s WHERE member_id = %(absorbed)s OR merged_into = %(absorbed)s
"""
# Back again: the absorbed one and, along merges that are not undone, all that had become part of it before.
RELEASE: LiteralString = """
WITH RECURSIVE of AS (
    SELECT member_id FROM member_merges WHERE survivor_id = %(absorbed)s AND undone_at IS NULL
    UNION
    SELECT m.member_id FROM member_merges AS m JOIN of ON m.survivor_id = of.member_id WHERE m.undone_at IS NULL
)
UPDATE members SET merged_into = CASE WHEN member_id = %(absorbed)s THEN NULL ELSE %(absorbed)s END
WHERE member_id = %(absorbed)s OR member_id IN (SELECT member_id FROM of)
"""
FAMILY: LiteralString = "SELECT member_id FROM members WHERE merged_into = %s ORDER BY member_id"
IDS_OF: LiteralString = """
WITH one AS (SELECT coalesce(merged_into, member_id) AS member_id FROM members WHERE member_id = %s)
SELECT m.member_id FROM members AS m JOIN one ON m.member_id = one.member_id OR m.merged_into = one.member_id
ORDER BY m.merged_into IS NOT NULL, m.member_id
"""
MERGED: LiteralString = """
SELECT member_id, merged_into FROM members WHERE member_id = ANY (%s::uuid[]) AND merged_into IS NOT NULL
"""
WHO_WAS: LiteralString = """
WITH RECURSIVE along AS (
    SELECT %(member)s::uuid AS member_id, 0 AS step
    UNION ALL
    SELECT m.survivor_id, a.step + 1 FROM along AS a
    JOIN member_merges AS m ON m.member_id = a.member_id AND m.recorded_at <= %(at)s
        AND (m.undone_at IS NULL OR m.undone_at > %(at)s)
    WHERE a.step < 1000
)
SELECT member_id FROM along ORDER BY step DESC LIMIT 1
"""
INSERT: LiteralString = """
INSERT INTO member_merges (member_id, merge_id, survivor_id, actor, reason, recorded_at, written_at, told,
    sealed_before)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
UNDO: LiteralString = """
UPDATE member_merges SET undone_at = %s, undone_by = %s, undo_reason = %s, undone = %s, sealed_before = NULL
WHERE member_id = %s AND merge_id = %s AND undone_at IS NULL
"""
_COLUMNS: LiteralString = """
SELECT member_id, merge_id, survivor_id, actor, reason, recorded_at, told, sealed_before, undone_at, undone_by,
       undo_reason, undone
FROM member_merges
"""
WRITTEN_AT: LiteralString = "SELECT written_at FROM member_merges WHERE merge_id = %s"
READ: LiteralString = _COLUMNS + "WHERE merge_id = %s"
STANDING: LiteralString = (
    _COLUMNS
    + """WHERE undone_at IS NULL AND (survivor_id = ANY (%(members)s::uuid[]) OR member_id = ANY (%(members)s::uuid[]))
ORDER BY recorded_at, merge_id
"""
)
KEEP_BEFORE: LiteralString = "UPDATE member_merges SET sealed_before = %s WHERE member_id = %s AND merge_id = %s"
OF_MEMBERS: LiteralString = (
    _COLUMNS
    + """WHERE survivor_id = ANY (%(members)s::uuid[]) OR member_id = ANY (%(members)s::uuid[])
ORDER BY recorded_at DESC, merge_id DESC LIMIT %(limit)s
"""
)
LATER: LiteralString = _COLUMNS + "WHERE member_id = %s AND undone_at IS NULL"
FORGET: LiteralString = """
UPDATE member_merges SET sealed_before = NULL
WHERE sealed_before IS NOT NULL AND (member_id = ANY (%(members)s::uuid[]) OR survivor_id = ANY (%(members)s::uuid[]))
"""
# Of a chain, books and names must say the same.
POINTERS_OFF: LiteralString = """
WITH RECURSIVE along AS (
    SELECT member_id AS start, member_id, survivor_id FROM member_merges WHERE undone_at IS NULL
    UNION
    SELECT a.start, m.member_id, m.survivor_id FROM along AS a
    JOIN member_merges AS m ON m.member_id = a.survivor_id AND m.undone_at IS NULL
), ends AS (
    SELECT a.start AS member_id, a.survivor_id FROM along AS a
    WHERE NOT EXISTS (SELECT FROM member_merges AS m WHERE m.member_id = a.survivor_id AND m.undone_at IS NULL)
)
SELECT coalesce(m.member_id, e.member_id), m.merged_into, e.survivor_id
FROM (SELECT member_id, merged_into FROM members WHERE merged_into IS NOT NULL) AS m
FULL JOIN ends AS e ON e.member_id = m.member_id
WHERE m.merged_into IS DISTINCT FROM e.survivor_id ORDER BY 1 LIMIT %s
"""
STILL_FOUND: LiteralString = """
SELECT m.member_id FROM members AS m
WHERE m.merged_into IS NOT NULL AND (
    EXISTS (SELECT FROM member_identities AS i WHERE i.member_id = m.member_id)
    OR EXISTS (SELECT FROM member_sessions AS s WHERE s.member_id = m.member_id))
ORDER BY 1 LIMIT %s
"""
# What undoing wrote down says what was agreed to before: the same words, from the same address, confirmed or not.
OTHER_WORDS: LiteralString = """
SELECT c.member_id, c.consent_id FROM member_merges AS m
CROSS JOIN LATERAL jsonb_to_recordset(m.undone::jsonb -> 'restored') AS r (consent_id uuid, before_id uuid)
JOIN consents AS c ON c.member_id = m.survivor_id AND c.consent_id = r.consent_id
LEFT JOIN consents AS b ON b.member_id = m.survivor_id AND b.consent_id = r.before_id
WHERE m.undone_at IS NOT NULL
  AND ((b.purpose, b.channel, b.decision) IS DISTINCT FROM (c.purpose, c.channel, c.decision)
       OR (b.wording_version, b.language, b.made_in) IS DISTINCT FROM (c.wording_version, c.language, c.made_in)
       OR b.identity_id IS DISTINCT FROM c.identity_id OR (b.confirmation IS NULL) <> (c.confirmation IS NULL))
ORDER BY 1, 2 LIMIT %s
"""
COUNT: LiteralString = "SELECT count(*) FROM member_merges"


class MergeRow(NamedTuple):
    """A merge as it is kept; `member_id` was absorbed."""

    member_id: UUID
    merge_id: UUID
    survivor_id: UUID
    actor: str
    reason: str
    recorded_at: datetime
    told: str
    sealed_before: bytes | None
    undone_at: datetime | None
    undone_by: str | None
    undo_reason: str | None
    undone: str | None


async def refs(tx: Transaction, member_ids: Sequence[UUID], *, hold: bool) -> dict[UUID, MemberRef]:
    """Return members by their ids; with `hold` nobody writes anything of theirs until the transaction ends."""
    rows = await tx.rows(HOLD if hold else _REFS, (arrays.ids(member_ids),))
    return {
        member_id: MemberRef(
            member_id=member_id, market=market, status=MemberStatus(status), signed_up_at=at, merged_into=into
        )
        for member_id, market, status, at, into in rows
    }


async def waiting_erasure(tx: Transaction, member_ids: Sequence[UUID]) -> UUID | None:
    """Return one of the members whose erasure was asked for and has not ended."""
    rows = await tx.rows(WAITING_ERASURE, (arrays.ids(member_ids),))
    return rows[0][0] if rows else None


def point(tx: Transaction, absorbed: UUID, into: UUID) -> None:
    """Let every id that meant the absorbed member mean the survivor."""
    tx.write(POINT, {"absorbed": absorbed, "into": into})


def release(tx: Transaction, absorbed: UUID) -> None:
    """Let the ids that mean the absorbed member mean it again; to be called while its merge counts as not undone."""
    tx.write(RELEASE, {"absorbed": absorbed})


async def family(tx: Transaction, member_id: UUID) -> list[UUID]:
    """Return whoever is part of a member now."""
    return [found for (found,) in await tx.rows(FAMILY, (member_id,))]


async def ids_of(tx: Transaction, member_id: UUID) -> list[UUID]:
    """Return every id that means whom this one means, the member's own first; nothing for unknown ones."""
    return [found for (found,) in await tx.rows(IDS_OF, (member_id,))]


def ask_family(tx: Transaction, member_id: UUID) -> Question:
    """Ask the same along with the next read."""
    return tx.ask(FAMILY, (member_id,))


def ask_merged(tx: Transaction, member_ids: Sequence[UUID]) -> Question:
    """Ask along with the next read which members are part of others, and of whom."""
    return tx.ask(MERGED, (arrays.ids(member_ids),))


async def who_was(tx: Transaction, member_id: UUID, at: datetime) -> UUID:
    """Return at the end of which merges an id stood at an instant."""
    found: UUID = (await tx.rows(WHO_WAS, {"member": member_id, "at": at}))[0][0]
    return found


def insert(tx: Transaction, row: MergeRow, written_at: datetime) -> None:
    """Write a merge down."""
    tx.write(
        INSERT,
        (
            row.member_id,
            row.merge_id,
            row.survivor_id,
            row.actor,
            row.reason,
            row.recorded_at,
            written_at,
            row.told,
            row.sealed_before,
        ),
    )


def note_undone(tx: Transaction, row: MergeRow, *, at: datetime, by: str, reason: str, undone: str) -> None:
    """Write down that a merge was undone, and forget what was there before it."""
    tx.write(UNDO, (at, by, reason, undone, row.member_id, row.merge_id))


async def read(tx: Transaction, merge_id: UUID) -> MergeRow | None:
    """Return a merge."""
    return _first(await tx.rows(READ, (merge_id,)))


async def written_at(tx: Transaction, merge_id: UUID) -> datetime:
    """Return when a merge was written down, by the wall clock."""
    found: datetime = (await tx.rows(WRITTEN_AT, (merge_id,)))[0][0]
    return found


async def into(tx: Transaction, member_id: UUID) -> MergeRow | None:
    """Return the merge by which a member is part of another."""
    return _first(await tx.rows(LATER, (member_id,)))


async def standing(tx: Transaction, member_ids: Sequence[UUID]) -> list[MergeRow]:
    """Return the merges of members, as survivors and as absorbed, that were not undone; the earliest first."""
    return [MergeRow._make(row) for row in await tx.rows(STANDING, {"members": arrays.ids(member_ids)})]


def keep_before(tx: Transaction, row: MergeRow, sealed: bytes) -> None:
    """Keep what was there before a merge anew."""
    tx.write(KEEP_BEFORE, (sealed, row.member_id, row.merge_id))


async def of_members(tx: Transaction, member_ids: Sequence[UUID], limit: int) -> list[MergeRow]:
    """Return the merges of members, as survivors and as absorbed, the latest first."""
    rows = await tx.rows(OF_MEMBERS, {"members": arrays.ids(member_ids), "limit": limit})
    return [MergeRow._make(row) for row in rows]


def forget(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget what was there before the merges of members."""
    tx.write(FORGET, {"members": arrays.ids(member_ids)})


async def pointers_off(tx: Transaction, at_most: int) -> tuple[int, Rows, list[UUID]]:
    """Return how many merges there are, ids that mean somebody else than the merges say, and who is still found."""
    counted = await count(tx)
    off = await tx.rows(POINTERS_OFF, (at_most,))
    return counted, off, [found for (found,) in await tx.rows(STILL_FOUND, (at_most,))]


async def count(tx: Transaction) -> int:
    """Return how many merges there are, undone ones too."""
    return int((await tx.rows(COUNT))[0][0])


async def other_words(tx: Transaction, at_most: int) -> list[tuple[UUID, UUID]]:
    """Return decisions that undoing a merge wrote down and that say something else than those of before; by member."""
    return [(member_id, consent_id) for member_id, consent_id in await tx.rows(OTHER_WORDS, (at_most,))]


def _first(rows: Rows) -> MergeRow | None:
    return MergeRow._make(rows[0]) if rows else None
