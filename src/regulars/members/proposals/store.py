"""SQL of proposals. One that is open is ended by a guarded statement; who merges holds both members' rows before."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg.errors import LockNotAvailable

from regulars.members.contracts import IdentityKind
from regulars.members.contracts.proposals import Evidence, ForStaff, Proposal, ProposalState, ProposalsWanted
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Rows, Transaction

# Who is being merged, changed or erased for longer than a moment is passed over: nobody waits long here, and of those
# who lock crosswise this one gives way.
SHARE: LiteralString = """
SELECT m.member_id, m.market FROM members AS m
WHERE m.member_id = ANY (%s::uuid[]) AND m.status = 'active' AND m.merged_into IS NULL
  AND NOT EXISTS (SELECT FROM erasures AS e WHERE e.member_id = m.member_id AND e.ended_at IS NULL)
ORDER BY m.member_id FOR SHARE OF m SKIP LOCKED
"""
IDENTITIES: LiteralString = """
SELECT i.member_id, i.identity_id, i.kind FROM member_identities AS i
JOIN unnest(%s::uuid[], %s::bytea[]) AS sought (member_id, blind_index) USING (member_id, blind_index)
"""
# Of two who send the same request at once, the other holds the member until it is refused, which takes milliseconds.
SHARE_SOON: LiteralString = SHARE.replace("SKIP LOCKED", "")
WAIT_A_MOMENT: LiteralString = "SELECT current_setting('lock_timeout'), set_config('lock_timeout', '200ms', true)"
WAIT_AS_BEFORE: LiteralString = "SELECT set_config('lock_timeout', %s, true)"
_COLUMNS: LiteralString = """
SELECT proposal_id, member_id, other_id, state, rank, seen_count, opened_at, last_seen_at, examine_at, for_staff,
       obstacle, ended_at, ended_by, end_reason, merge_id
FROM merge_proposals
"""
# Both with all who are part of them: what was decided of one of these was decided of the person.
_FAMILIES: LiteralString = """
WITH mine AS (SELECT %(first)s::uuid AS member_id UNION SELECT member_id FROM members WHERE merged_into = %(first)s),
others AS (SELECT %(other)s::uuid AS member_id UNION SELECT member_id FROM members WHERE merged_into = %(other)s),
pairs AS (
    SELECT m.member_id, o.member_id AS other_id, true AS is_in_order FROM mine AS m CROSS JOIN others AS o
    UNION ALL
    SELECT o.member_id, m.member_id, false FROM mine AS m CROSS JOIN others AS o
), decided AS (
    SELECT p.proposal_id, p.member_id, p.rank, p.ended_at, pairs.is_in_order
    FROM pairs JOIN merge_proposals AS p ON p.member_id = pairs.member_id AND p.other_id = pairs.other_id
    WHERE p.state IN ('dismissed', 'undone')
)
"""
# What was decided of the two before: the same or weaker evidence opens nothing anew.
SETTLED: LiteralString = (
    _FAMILIES
    + """
SELECT proposal_id, member_id, is_in_order FROM decided WHERE rank <= %(rank)s ORDER BY ended_at DESC LIMIT 1
"""
)
OPEN: LiteralString = """
INSERT INTO merge_proposals AS p
    (member_id, proposal_id, other_id, state, rank, seen_count, opened_at, last_seen_at, examine_at, opened_by_merge,
     for_staff)
VALUES (%(first)s, %(proposal)s, %(other)s, 'open', %(rank)s, %(seen)s, %(at)s, %(at)s, %(examine_at)s, %(merge)s,
    %(for_staff)s)
ON CONFLICT (member_id, other_id) WHERE state = 'open' DO UPDATE SET
    rank = least(p.rank, excluded.rank), seen_count = p.seen_count + excluded.seen_count,
    last_seen_at = greatest(p.last_seen_at, excluded.last_seen_at)
RETURNING proposal_id
"""
SEEN_AGAIN: LiteralString = """
UPDATE merge_proposals SET seen_count = seen_count + %(seen)s, last_seen_at = greatest(last_seen_at, %(at)s)
WHERE member_id = %(first)s AND proposal_id = %(proposal)s
"""
ADD_EVIDENCE: LiteralString = """
INSERT INTO merge_evidence AS e (member_id, proposal_id, rule, kind, other_kind, identity_id, other_identity_id,
    seen_count, first_seen_at, last_seen_at, rules_version)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (member_id, proposal_id, rule, kind, other_kind) DO UPDATE SET
    identity_id = excluded.identity_id, other_identity_id = excluded.other_identity_id,
    seen_count = e.seen_count + excluded.seen_count, rules_version = excluded.rules_version,
    first_seen_at = least(e.first_seen_at, excluded.first_seen_at),
    last_seen_at = greatest(e.last_seen_at, excluded.last_seen_at)
"""
READ: LiteralString = _COLUMNS + "WHERE proposal_id = %s"
HOLD: LiteralString = READ + " FOR UPDATE"
LISTED: LiteralString = (
    _COLUMNS
    + """WHERE (%(state)s::text IS NULL OR state = %(state)s::text)
  AND (%(member)s::uuid IS NULL OR member_id = %(member)s::uuid OR other_id = %(member)s::uuid)
  AND (%(before)s::timestamptz IS NULL OR (last_seen_at, proposal_id) < (%(before)s::timestamptz, %(last)s::uuid))
ORDER BY last_seen_at DESC, proposal_id DESC LIMIT %(limit)s
"""
)
EVIDENCE: LiteralString = """
SELECT proposal_id, rule, kind, identity_id, other_kind, other_identity_id, seen_count, first_seen_at, last_seen_at,
       rules_version
FROM merge_evidence WHERE member_id = ANY (%s::uuid[]) AND proposal_id = ANY (%s::uuid[])
ORDER BY first_seen_at, rule, kind, other_kind
"""
COUNT_OPEN: LiteralString = """
SELECT count(*) FROM (SELECT FROM merge_proposals WHERE state = 'open' LIMIT %s) AS counted
"""
END: LiteralString = """
UPDATE merge_proposals SET state = %(state)s, ended_at = %(at)s, ended_by = %(by)s, end_reason = %(reason)s,
    merge_id = %(merge)s, examine_at = NULL
WHERE proposal_id = %(proposal)s AND state = 'open' RETURNING proposal_id
"""
RENAME: LiteralString = """
UPDATE merge_proposals SET state = %(state)s, ended_by = %(by)s, end_reason = %(reason)s
WHERE proposal_id = %(proposal)s AND state = 'done' AND merge_id = %(merge)s
"""
REOPEN: LiteralString = """
UPDATE merge_proposals SET state = 'open', ended_at = NULL, ended_by = NULL, end_reason = NULL, merge_id = NULL,
    examine_at = CASE WHEN for_staff IS NULL OR for_staff IN ('waits', 'off') THEN %s::timestamptz END
WHERE proposal_id = %s AND state = 'superseded'
"""
OPEN_OF: LiteralString = (
    _COLUMNS
    + """WHERE state = 'open' AND (member_id = %(member)s OR other_id = %(member)s) ORDER BY proposal_id FOR UPDATE
"""
)
WAITING_OF: LiteralString = (
    _COLUMNS
    + """WHERE state = 'open' AND (member_id = %(member)s OR other_id = %(member)s)
ORDER BY last_seen_at DESC, proposal_id DESC LIMIT %(limit)s
"""
)
ENDED_BY_MERGE: LiteralString = _COLUMNS + "WHERE merge_id = %s ORDER BY proposal_id FOR UPDATE"
OPENED_BY_MERGE: LiteralString = (
    _COLUMNS + "WHERE opened_by_merge = %s AND state = 'open' ORDER BY proposal_id FOR UPDATE"
)
MARK_UNDONE: LiteralString = """
UPDATE merge_proposals SET state = 'undone'
WHERE merge_id = %s AND state IN ('confirmed', 'automatic', 'done')
"""
STANDING: LiteralString = """
SELECT m.member_id FROM members AS m
WHERE m.member_id = ANY (%s::uuid[]) AND m.status = 'active' AND m.merged_into IS NULL
"""
IS_OPEN: LiteralString = """
SELECT EXISTS (SELECT FROM merge_proposals WHERE member_id = %s AND other_id = %s AND state = 'open')
"""
DUE: LiteralString = _COLUMNS + "WHERE state = 'open' AND examine_at <= %s ORDER BY examine_at, proposal_id LIMIT %s"
LEAVE_TO_STAFF: LiteralString = """
UPDATE merge_proposals SET for_staff = %s, obstacle = %s, examine_at = %s WHERE proposal_id = %s AND state = 'open'
"""
EXAMINE_ALL: LiteralString = "UPDATE merge_proposals SET examine_at = %s WHERE state = 'open' AND for_staff = 'off'"
PROVED: LiteralString = """
SELECT EXISTS (SELECT FROM member_identities WHERE member_id = ANY (%(members)s::uuid[]) AND verified_at IS NOT NULL)
    OR EXISTS (SELECT FROM member_sessions WHERE member_id = ANY (%(members)s::uuid[]))
"""
PARTED: LiteralString = (
    _FAMILIES
    + """
SELECT proposal_id FROM decided
UNION ALL
SELECT g.merge_id FROM pairs JOIN member_merges AS g ON g.member_id = pairs.member_id AND g.survivor_id = pairs.other_id
WHERE g.undone_at IS NOT NULL
LIMIT 1
"""
)
# Anything but how to find them: a name, a consent, a household.
TOLD: LiteralString = """
WITH theirs AS (
    SELECT member_id FROM members
    WHERE member_id = ANY (%(members)s::uuid[]) OR merged_into = ANY (%(members)s::uuid[])
)
SELECT EXISTS (SELECT FROM theirs JOIN member_profiles USING (member_id))
    OR EXISTS (SELECT FROM theirs JOIN consents USING (member_id))
    OR EXISTS (SELECT FROM theirs JOIN household_members USING (member_id))
"""
FORGET_EVIDENCE: LiteralString = """
DELETE FROM merge_evidence AS e USING merge_proposals AS p
WHERE e.member_id = p.member_id AND e.proposal_id = p.proposal_id
  AND (p.member_id = ANY (%(members)s::uuid[]) OR p.other_id = ANY (%(members)s::uuid[]))
"""
FORGET: LiteralString = """
DELETE FROM merge_proposals WHERE member_id = ANY (%(members)s::uuid[]) OR other_id = ANY (%(members)s::uuid[])
"""
# Open ones of who is somebody else by now or erased, without evidence, or counting otherwise; ended ones without merge.
WRONG: LiteralString = """
SELECT p.proposal_id, 'member' FROM merge_proposals AS p
JOIN members AS m ON m.member_id IN (p.member_id, p.other_id)
WHERE m.status = 'erased' OR (p.state = 'open' AND m.merged_into IS NOT NULL)
UNION
SELECT p.proposal_id, 'stranger' FROM merge_proposals AS p
WHERE NOT EXISTS (SELECT FROM members AS m WHERE m.member_id = p.other_id)
UNION
SELECT p.proposal_id, 'evidence' FROM merge_proposals AS p
LEFT JOIN (SELECT member_id, proposal_id, sum(seen_count) AS seen FROM merge_evidence GROUP BY 1, 2) AS e
    USING (member_id, proposal_id)
WHERE e.seen IS DISTINCT FROM p.seen_count
UNION
SELECT p.proposal_id, 'merge' FROM merge_proposals AS p
WHERE p.state IN ('confirmed', 'automatic', 'done', 'undone') AND NOT EXISTS (
    SELECT FROM member_merges AS g WHERE g.merge_id = p.merge_id AND (g.undone_at IS NOT NULL) = (p.state = 'undone')
        AND least(g.member_id, g.survivor_id) = p.member_id AND greatest(g.member_id, g.survivor_id) = p.other_id)
UNION
SELECT p.proposal_id, 'merge' FROM merge_proposals AS p
JOIN member_merges AS g ON g.merge_id = p.opened_by_merge
WHERE p.state = 'open' AND g.undone_at IS NOT NULL
ORDER BY 1, 2 LIMIT %s
"""
COUNT: LiteralString = "SELECT count(*) FROM merge_proposals"


class Opened(NamedTuple):
    """What opens a proposal of two members, or adds to the one that is open; `first` is the older id."""

    first: UUID
    other: UUID
    rank: int
    seen: int
    at: datetime
    examine_at: datetime | None
    merge: UUID | None = None
    for_staff: ForStaff | None = None


class Settled(NamedTuple):
    """A proposal that was decided against; `is_in_order`: its older id is of the family of the first who was asked for.

    `member_id` is that older id, which the proposal is kept by.
    """

    proposal_id: UUID
    member_id: UUID
    is_in_order: bool


async def share(tx: Transaction, member_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return of who may be proposed the market, and keep them so until the transaction ends.

    Who is merged or erased, is to be, or is being changed by somebody else for longer than a moment, is left out.
    """
    parameters = (arrays.ids(member_ids),)
    free: dict[UUID, str] = dict(await tx.rows(SHARE, parameters))
    if len(free) == len(member_ids):
        return free
    try:
        async with tx.savepoint():
            ((usual, _),) = await tx.rows(WAIT_A_MOMENT)
            soon: dict[UUID, str] = dict(await tx.rows(SHARE_SOON, parameters))
            await tx.rows(WAIT_AS_BEFORE, (usual,))
    except LockNotAvailable:
        return free
    return soon


async def identities_found(tx: Transaction, owners: Sequence[tuple[UUID, bytes]]) -> list[tuple[UUID, UUID, str]]:
    """Return the identities (member, id, kind) that members are found by."""
    parameters = (arrays.ids([one for one, _ in owners]), arrays.blobs([index for _, index in owners]))
    return [(member, identity, kind) for member, identity, kind in await tx.rows(IDENTITIES, parameters)]


async def settled(tx: Transaction, first: UUID, other: UUID, rank: int) -> Settled | None:
    """Return a proposal of the two that was decided against, by evidence as strong or stronger.

    Also of those who are part of them by now.
    """
    rows = await tx.rows(SETTLED, {"first": first, "other": other, "rank": rank})
    return Settled._make(rows[0]) if rows else None


async def open_or_add(tx: Transaction, proposal_id: UUID, wish: Opened) -> UUID:
    """Open a proposal under an id, or count one more for the one that is open; return its id."""
    found: UUID = (await tx.rows(OPEN, {"proposal": proposal_id, **wish._asdict()}))[0][0]
    return found


def seen_again(tx: Transaction, first: UUID, proposal_id: UUID, seen: int, at: datetime) -> None:
    """Count more for a proposal that was decided."""
    tx.write(SEEN_AGAIN, {"first": first, "proposal": proposal_id, "seen": seen, "at": at})


def add_evidence(tx: Transaction, first: UUID, proposal_id: UUID, one: Evidence) -> None:
    """Write down what speaks for a proposal, or count it once more."""
    tx.write(
        ADD_EVIDENCE,
        (
            first,
            proposal_id,
            one.rule,
            one.kind or "",
            one.other_kind or "",
            one.identity_id,
            one.other_identity_id,
            one.seen_count,
            one.first_seen_at,
            one.last_seen_at,
            one.rules_version,
        ),
    )


async def read(tx: Transaction, proposal_id: UUID, *, hold: bool = False) -> Proposal | None:
    """Return a proposal; with `hold` nobody else decides it until the transaction ends."""
    return next(iter(_proposals(await tx.rows(HOLD if hold else READ, (proposal_id,)))), None)


async def listed(tx: Transaction, wanted: ProposalsWanted) -> list[Proposal]:
    """Return proposals, the last seen first."""
    at, last = wanted.before or (None, None)
    parameters: dict[str, Any] = {
        "state": wanted.state,
        "member": wanted.member_id,
        "before": at,
        "last": last,
        "limit": wanted.limit,
    }
    return _proposals(await tx.rows(LISTED, parameters))


async def evidence(tx: Transaction, proposals: Sequence[Proposal]) -> dict[UUID, list[Evidence]]:
    """Return what speaks for each of these proposals."""
    found: dict[UUID, list[Evidence]] = {}
    members, ids = [one.member_id for one in proposals], [one.proposal_id for one in proposals]
    for proposal_id, rule, kind, identity, other_kind, other_identity, seen, first, last, version in await tx.rows(
        EVIDENCE, (arrays.ids(members), arrays.ids(ids))
    ):
        one = Evidence(
            rule=rule,
            kind=IdentityKind(kind) if kind else None,
            identity_id=identity,
            other_kind=IdentityKind(other_kind) if other_kind else None,
            other_identity_id=other_identity,
            seen_count=seen,
            first_seen_at=first,
            last_seen_at=last,
            rules_version=version,
        )
        found.setdefault(proposal_id, []).append(one)
    return found


async def count_open(tx: Transaction, at_most: int) -> int:
    """Return how many are open, counted up to so many."""
    return int((await tx.rows(COUNT_OPEN, (at_most,)))[0][0])


async def end(
    tx: Transaction,
    proposal_id: UUID,
    state: ProposalState,
    *,
    at: datetime,
    by: str,
    reason: str,
    merge_id: UUID | None = None,
) -> bool:
    """End a proposal that is open; False if it is not (any more)."""
    parameters: dict[str, Any] = {
        "proposal": proposal_id,
        "state": state,
        "at": at,
        "by": by,
        "reason": reason,
        "merge": merge_id,
    }
    return bool(await tx.rows(END, parameters))


def tell_how(tx: Transaction, proposal_id: UUID, state: ProposalState, *, by: str, reason: str, merge_id: UUID) -> None:
    """Say how the merge that ended a proposal came."""
    tx.write(RENAME, {"proposal": proposal_id, "state": state, "by": by, "reason": reason, "merge": merge_id})


def reopen(tx: Transaction, proposal_id: UUID, examine_at: datetime) -> None:
    """Open a proposal again that a merge of one of the two had ended; what was left to staff stays with staff."""
    tx.write(REOPEN, (examine_at, proposal_id))


async def open_of(tx: Transaction, member_id: UUID) -> list[Proposal]:
    """Return the open proposals of a member, held."""
    return _proposals(await tx.rows(OPEN_OF, {"member": member_id}))


def ask_open_of(tx: Transaction, member_id: UUID, limit: int = 5) -> Callable[[], Awaitable[list[Proposal]]]:
    """Ask for open proposals of a member along with the next read."""
    question = tx.ask(WAITING_OF, {"member": member_id, "limit": limit})

    async def told() -> list[Proposal]:
        return _proposals(await tx.answer(question))

    return told


async def of_merge(tx: Transaction, merge_id: UUID) -> tuple[list[Proposal], list[Proposal]]:
    """Return the proposals that a merge ended, and those still open that it had opened; held."""
    return (
        _proposals(await tx.rows(ENDED_BY_MERGE, (merge_id,))),
        _proposals(await tx.rows(OPENED_BY_MERGE, (merge_id,))),
    )


def mark_undone(tx: Transaction, merge_id: UUID) -> None:
    """Say of the proposal that a merge carried out that the merge was undone."""
    tx.write(MARK_UNDONE, (merge_id,))


async def standing(tx: Transaction, member_ids: Sequence[UUID]) -> set[UUID]:
    """Return who of these is there under an id of their own."""
    return {member_id for (member_id,) in await tx.rows(STANDING, (arrays.ids(member_ids),))}


async def is_open(tx: Transaction, first: UUID, other: UUID) -> bool:
    """Say whether a proposal of the two is open."""
    return bool((await tx.rows(IS_OPEN, (first, other)))[0][0])


async def due(tx: Transaction, at: datetime, at_most: int) -> list[Proposal]:
    """Return proposals at which the rule is to look."""
    return _proposals(await tx.rows(DUE, (at, at_most)))


def leave_to_staff(
    tx: Transaction, proposal_id: UUID, why: str, obstacle: str | None, examine_at: datetime | None
) -> None:
    """Write down why the rule does not merge, and when it looks again."""
    tx.write(LEAVE_TO_STAFF, (why, obstacle, examine_at, proposal_id))


def examine_all(tx: Transaction, at: datetime) -> None:
    """Have the rule look again at what it left to staff because it was off."""
    tx.write(EXAMINE_ALL, (at,))


async def was_proved(tx: Transaction, member_ids: Sequence[UUID]) -> bool:
    """Say whether anybody proved to hold an identity of these members, or is signed in as one of them."""
    return bool((await tx.rows(PROVED, {"members": arrays.ids(member_ids)}))[0][0])


async def were_parted(tx: Transaction, first: UUID, other: UUID) -> bool:
    """Say whether the two were merged and parted again, or somebody decided that they are two.

    Also of those who are part of them by now.
    """
    return bool(await tx.rows(PARTED, {"first": first, "other": other}))


async def was_told(tx: Transaction, member_ids: Sequence[UUID]) -> bool:
    """Say whether anything is known of these members, or of who is part of them, but how to find them."""
    return bool((await tx.rows(TOLD, {"members": arrays.ids(member_ids)}))[0][0])


def forget(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget every proposal of members, as the one or the other."""
    tx.write(FORGET_EVIDENCE, {"members": arrays.ids(member_ids)})
    tx.write(FORGET, {"members": arrays.ids(member_ids)})


async def wrong(tx: Transaction, at_most: int) -> tuple[int, list[tuple[UUID, str]]]:
    """Return how many proposals there are, and what is wrong with which."""
    ((counted,),) = await tx.rows(COUNT)
    return counted, [(proposal_id, what) for proposal_id, what in await tx.rows(WRONG, (at_most,))]


def _proposals(rows: Rows) -> list[Proposal]:
    return [
        Proposal(
            proposal_id=row[0],
            member_id=row[1],
            other_id=row[2],
            state=row[3],
            rank=row[4],
            seen_count=row[5],
            opened_at=row[6],
            last_seen_at=row[7],
            examine_at=row[8],
            for_staff=row[9],
            obstacle=row[10],
            ended_at=row[11],
            ended_by=row[12],
            end_reason=row[13],
            merge_id=row[14],
        )
        for row in rows
    ]
