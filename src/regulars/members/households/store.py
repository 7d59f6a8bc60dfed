"""SQL of households. Members' rows are held before a household's, both in the order of their ids."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from regulars.members.households.standing import Noted, Standing
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Question, Rows, Statement, Transaction

# Nobody is taken into two households at once, nor while being merged or erased.
HOLD_MEMBERS: LiteralString = """
SELECT member_id, status, merged_into FROM members WHERE member_id = ANY (%s::uuid[])
ORDER BY member_id FOR NO KEY UPDATE
"""
_ROWS: LiteralString = """
SELECT household_id, head_id, last_change, sealed_name, name_of, formed_at, dissolved_at FROM households
"""
_OF_IDS: LiteralString = _ROWS + "WHERE household_id = ANY (%s::uuid[]) ORDER BY household_id "
HOLD: LiteralString = _OF_IDS + "FOR UPDATE"
LIST: LiteralString = (
    _ROWS  # noqa: S608 - our own text
    + """
WHERE (%(state)s::text IS NULL OR (dissolved_at IS NULL) = (%(state)s::text = 'standing'))
  AND (%(before)s::uuid IS NULL OR household_id < %(before)s::uuid)
  AND (%(stores)s::text[] IS NULL OR household_id IN (
      SELECT h.household_id FROM household_members AS h JOIN members AS m ON m.member_id = h.member_id
      WHERE m.store_id = ANY (%(stores)s::text[])))
ORDER BY household_id DESC LIMIT %(limit)s
"""
)
MEMBERS: LiteralString = """
SELECT household_id, member_id, since FROM household_members WHERE household_id = ANY (%s::uuid[])
ORDER BY household_id, since, member_id
"""
# Whoever was merged lives where the survivor does.
HOUSEHOLDS_OF: LiteralString = """
SELECT m.member_id, h.household_id FROM members AS m
JOIN household_members AS h ON h.member_id = coalesce(m.merged_into, m.member_id)
WHERE m.member_id = ANY (%s::uuid[])
"""
OF_STORES: LiteralString = """
SELECT h.member_id FROM household_members AS h JOIN members AS m ON m.member_id = h.member_id
WHERE h.household_id = %s AND m.store_id = ANY (%s::text[]) LIMIT 1
"""
PLACES: LiteralString = "SELECT member_id, household_id FROM household_members WHERE member_id = ANY (%s::uuid[])"
LED_BY: LiteralString = _ROWS + "WHERE name_of = %s OR head_id = %s ORDER BY household_id"
INSERT: LiteralString = """
INSERT INTO households (household_id, head_id, last_change, sealed_name, name_of, formed_at, dissolved_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
UPDATE: LiteralString = """
UPDATE households SET head_id = %s, last_change = %s, sealed_name = %s, name_of = %s, dissolved_at = %s
WHERE household_id = %s
"""
LEAVE: LiteralString = "DELETE FROM household_members WHERE household_id = %s AND member_id = ANY (%s::uuid[])"
COME: LiteralString = """
INSERT INTO household_members (member_id, household_id, since)
SELECT member_id, %s::uuid, since FROM unnest(%s::uuid[], %s::timestamptz[]) AS t (member_id, since)
"""
NOTE: LiteralString = """
INSERT INTO household_changes (household_id, change_no, kind, member_id, head_id, since, merge_id, actor, reason,
    recorded_at, written_at)
SELECT %s::uuid, change_no, kind, member_id, head_id, since, %s::uuid, %s, %s, %s::timestamptz, %s::timestamptz
FROM unnest(%s::int[], %s::text[], %s::uuid[], %s::uuid[], %s::timestamptz[])
    AS t (change_no, kind, member_id, head_id, since)
"""
_CHANGES: LiteralString = """
SELECT household_id, change_no, kind, member_id, head_id, since, merge_id, actor, reason, recorded_at
FROM household_changes
"""
CHANGES: LiteralString = (
    _CHANGES
    + """WHERE household_id = %s AND (%s::int IS NULL OR change_no < %s::int) ORDER BY change_no DESC LIMIT %s"""
)
STAYS: LiteralString = """
SELECT c.household_id, c.kind, c.since, c.recorded_at, c.merge_id, h.head_id, m.member_id IS NOT NULL
FROM household_changes AS c JOIN households AS h ON h.household_id = c.household_id
LEFT JOIN household_members AS m ON m.member_id = c.member_id AND m.household_id = c.household_id
WHERE c.member_id = %s AND c.kind IN ('joined', 'left')
ORDER BY c.recorded_at DESC, c.household_id DESC, c.change_no DESC LIMIT %s
"""
OF_MERGE: LiteralString = (
    _CHANGES
    + """WHERE member_id = ANY (%s::uuid[]) AND merge_id = %s AND kind IN ('joined', 'left')
ORDER BY household_id, change_no"""
)
LAST_OF: LiteralString = _CHANGES + "WHERE household_id = %s ORDER BY change_no DESC LIMIT 1"
# What the changes give, against what is kept: five questions, each with the household and the member (if any).
FAULTS: LiteralString = """
WITH places AS (
    SELECT DISTINCT ON (household_id, member_id) household_id, member_id, kind, since FROM household_changes
    WHERE kind IN ('joined', 'left') ORDER BY household_id, member_id, change_no DESC
), numbered AS (
    SELECT household_id, change_no, kind, head_id,
           row_number() OVER each AS should_be, recorded_at < lag(recorded_at) OVER each AS goes_back,
           lead(change_no) OVER each IS NULL AS is_last
    FROM household_changes WINDOW each AS (PARTITION BY household_id ORDER BY change_no)
), lasts AS (SELECT * FROM numbered WHERE is_last)
SELECT 'places', coalesce(p.household_id, m.household_id), coalesce(p.member_id, m.member_id)
FROM (SELECT * FROM places WHERE kind = 'joined') AS p
FULL JOIN household_members AS m ON m.member_id = p.member_id AND m.household_id = p.household_id
WHERE m.since IS DISTINCT FROM p.since
UNION ALL
SELECT 'heads', coalesce(h.household_id, l.household_id), NULL
FROM households AS h FULL JOIN lasts AS l ON l.household_id = h.household_id
WHERE h.head_id IS DISTINCT FROM l.head_id OR h.last_change IS DISTINCT FROM l.change_no
   OR (h.dissolved_at IS NOT NULL) IS DISTINCT FROM (l.kind = 'dissolved')
UNION ALL
SELECT 'nobody', h.household_id, NULL FROM households AS h
WHERE h.head_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM household_members AS m WHERE m.member_id = h.head_id AND m.household_id = h.household_id)
UNION ALL
SELECT 'nobody', m.household_id, NULL FROM household_members AS m
WHERE NOT EXISTS (SELECT FROM households AS h WHERE h.household_id = m.household_id AND h.dissolved_at IS NULL)
UNION ALL
SELECT DISTINCT 'numbers', household_id, NULL::uuid FROM numbered WHERE change_no <> should_be OR goes_back
UNION ALL
SELECT 'strangers', m.household_id, m.member_id FROM household_members AS m
LEFT JOIN members AS who ON who.member_id = m.member_id
WHERE who.member_id IS NULL OR who.merged_into IS NOT NULL OR who.status = 'erased'
ORDER BY 1, 2, 3 LIMIT %s
"""
# Of the household, and of whoever comes or leaves, in whatever household.
LATEST: LiteralString = """
SELECT greatest(
    (SELECT recorded_at FROM household_changes WHERE household_id = %s ORDER BY change_no DESC LIMIT 1),
    (SELECT max(recorded_at) FROM household_changes WHERE member_id = ANY (%s::uuid[])))
"""
COUNT: LiteralString = "SELECT count(*) FROM household_changes"
FORGET_NAMES: LiteralString = """
UPDATE households SET sealed_name = NULL, name_of = NULL WHERE name_of = ANY (%s::uuid[])
"""


class HouseholdRow(NamedTuple):
    """A household as it is kept."""

    household_id: UUID
    head_id: UUID | None
    last_change: int
    sealed_name: bytes | None
    name_of: UUID | None
    formed_at: datetime
    dissolved_at: datetime | None


class ChangeRow(NamedTuple):
    """A change as it is kept."""

    household_id: UUID
    change_no: int
    kind: str
    member_id: UUID | None
    head_id: UUID | None
    since: datetime | None
    merge_id: UUID | None
    actor: str
    reason: str
    recorded_at: datetime


class StayRow(NamedTuple):
    """That a member came or left, who is the head there now, and whether the member lives there now."""

    household_id: UUID
    kind: str
    since: datetime
    recorded_at: datetime
    merge_id: UUID | None
    head_id: UUID | None
    lives_there: bool


class Cause(NamedTuple):
    """By whom and why a household is changed, by which merge, and when that is recorded and written."""

    actor: str
    reason: str
    merge_id: UUID | None
    at: datetime
    written_at: datetime


async def hold_members(tx: Transaction, member_ids: Sequence[UUID]) -> Rows:
    """Hold the rows of members until the transaction ends; returns id, status and into whom each was merged."""
    return await tx.rows(HOLD_MEMBERS, (arrays.ids(member_ids),))


async def hold(tx: Transaction, household_ids: Iterable[UUID]) -> dict[UUID, tuple[HouseholdRow, dict[UUID, datetime]]]:
    """Hold households until the transaction ends; returns each with who lives there since when."""
    return await _read(tx, HOLD, sorted(set(household_ids)))


async def read(tx: Transaction, household_ids: Iterable[UUID]) -> dict[UUID, tuple[HouseholdRow, dict[UUID, datetime]]]:
    """Return households with who lives there since when."""
    return await _read(tx, _OF_IDS, sorted(set(household_ids)))


async def _read(
    tx: Transaction, text: LiteralString, ids: Sequence[UUID]
) -> dict[UUID, tuple[HouseholdRow, dict[UUID, datetime]]]:
    wanted = (arrays.ids(ids),)
    found, members = await tx.read(Statement(text, wanted), Statement(MEMBERS, wanted))
    return _together(found, members)


async def listed(
    tx: Transaction, state: str | None, before: UUID | None, limit: int, stores: Sequence[str] | None
) -> list[tuple[HouseholdRow, dict[UUID, datetime]]]:
    """Return households, the last formed first, from behind `before`; with somebody of one of `stores`, if given."""
    of_stores = None if stores is None else arrays.texts(stores)
    found = await tx.rows(LIST, {"state": state, "before": before, "limit": limit, "stores": of_stores})
    members = await tx.rows(MEMBERS, (arrays.ids([row[0] for row in found]),)) if found else []
    return list(_together(found, members).values())


def _together(found: Rows, members: Rows) -> dict[UUID, tuple[HouseholdRow, dict[UUID, datetime]]]:
    here: dict[UUID, tuple[HouseholdRow, dict[UUID, datetime]]] = {
        row[0]: (HouseholdRow._make(row), {}) for row in found
    }
    for household_id, member_id, since in members:
        here[household_id][1][member_id] = since
    return here


async def led_by(tx: Transaction, member_id: UUID) -> list[HouseholdRow]:
    """Return the households of which a member is the head, or was when they were named last."""
    return [HouseholdRow._make(row) for row in await tx.rows(LED_BY, (member_id, member_id))]


async def is_of_stores(tx: Transaction, household_id: UUID, stores: Sequence[str]) -> bool:
    """Say whether somebody lives there who signed up in one of these stores."""
    return bool(await tx.rows(OF_STORES, (household_id, arrays.texts(stores))))


async def households_of(tx: Transaction, member_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return in which household each of the members lives; who lives in none is left out."""
    return dict(await tx.rows(HOUSEHOLDS_OF, (arrays.ids(member_ids),)))


def ask_households_of(tx: Transaction, member_ids: Sequence[UUID]) -> Question:
    """Ask the same along with the next read."""
    return tx.ask(HOUSEHOLDS_OF, (arrays.ids(member_ids),))


async def places(tx: Transaction, member_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return where these very members have a place."""
    return dict(await tx.rows(PLACES, (arrays.ids(member_ids),)))


def write(tx: Transaction, row: HouseholdRow, standing: Standing, cause: Cause, *, is_new: bool) -> None:
    """Write a household down as it stands, with what was noted."""
    if is_new:
        tx.write(INSERT, (row.household_id, standing.head_id, standing.last_change, *row[3:6], standing.dissolved_at))
    else:
        changed = (standing.head_id, standing.last_change, row.sealed_name, row.name_of, standing.dissolved_at)
        tx.write(UPDATE, (*changed, row.household_id))
    left = [one.member_id for one in standing.noted if one.kind == "left"]
    joined = {one.member_id for one in standing.noted if one.kind == "joined"}
    came = {member_id: since for member_id, since in standing.members.items() if member_id in joined}
    if left:
        tx.write(LEAVE, (row.household_id, arrays.ids(left)))
    if came:
        tx.write(COME, (row.household_id, arrays.ids(came), arrays.instants(came.values())))
    _note(tx, row.household_id, standing.noted, cause)


def _note(tx: Transaction, household_id: UUID, noted: Sequence[Noted], cause: Cause) -> None:
    columns = (
        arrays.ints([one.change_no for one in noted]),
        arrays.texts([one.kind for one in noted]),
        arrays.ids([one.member_id for one in noted]),
        arrays.ids([one.head_id for one in noted]),
        arrays.instants([one.since for one in noted]),
    )
    told = (household_id, cause.merge_id, cause.actor, cause.reason, cause.at, cause.written_at)
    tx.write(NOTE, (*told, *columns))


async def changes(tx: Transaction, household_id: UUID, before: int | None, limit: int) -> list[ChangeRow]:
    """Return the changes of a household, the last first, from behind a number."""
    return [ChangeRow._make(row) for row in await tx.rows(CHANGES, (household_id, before, before, limit))]


def ask_stays(tx: Transaction, member_id: UUID, limit: int) -> Question:
    """Ask, along with the next read, when a member came and left, the last first."""
    return tx.ask(STAYS, (member_id, limit))


async def of_merge(tx: Transaction, member_ids: Sequence[UUID], merge_id: UUID) -> list[ChangeRow]:
    """Return who of these came and left by a merge, in the order of the changes."""
    return [ChangeRow._make(row) for row in await tx.rows(OF_MERGE, (arrays.ids(member_ids), merge_id))]


async def last_of(tx: Transaction, household_id: UUID) -> ChangeRow:
    """Return the last change of a household."""
    return ChangeRow._make((await tx.rows(LAST_OF, (household_id,)))[0])


async def latest(tx: Transaction, household_id: UUID, member_ids: Iterable[UUID]) -> datetime | None:
    """Return when the last change of a household, or of any of these members, was recorded."""
    found: datetime | None = (await tx.rows(LATEST, (household_id, arrays.ids(member_ids))))[0][0]
    return found


def forget_names(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget names that are sealed under the keys of members."""
    tx.write(FORGET_NAMES, (arrays.ids(member_ids),))


async def faults(tx: Transaction, at_most: int) -> tuple[int, Rows]:
    """Return how many changes there are, and what does not follow from them: what, which household, which member."""
    counted, found = await tx.read(Statement(COUNT), Statement(FAULTS, (at_most,)))
    return counted[0][0], found
