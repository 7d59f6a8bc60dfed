"""What becomes of proposals when members are merged, parted again, or erased. The rows of both members are held."""

from collections.abc import Collection, Sequence
from uuid import UUID

from regulars.members.contracts.merging import Merging
from regulars.members.contracts.proposals import Evidence, Proposal
from regulars.members.identity_rules.service import rules_in_force
from regulars.members.proposals import store, telling
from regulars.members.proposals.rules import turned
from regulars.members.proposals.speaking import look_at, speak_for
from regulars.members.proposals.store import Opened
from regulars.platform.db.transaction import Transaction


async def merged(tx: Transaction, merging: Merging, *, by: str, reason: str) -> None:
    """End the proposal of the two, and let what spoke of the absorbed member and others speak of the survivor."""
    waiting = await store.open_of(tx, merging.absorbed_id)
    evidence = await store.evidence(tx, waiting) if waiting else {}
    for one in waiting:
        both = {one.member_id, one.other_id}
        is_theirs = merging.survivor_id in both
        await telling.end(
            tx,
            one,
            "done" if is_theirs else "superseded",
            at=merging.at,
            by=by,
            reason=reason,
            merge_id=merging.merge_id,
        )
        if not is_theirs:
            (third,) = both - {merging.absorbed_id}
            seen = evidence.get(one.proposal_id, [])
            await _speak_of(
                tx, merging, one, third, _turned(one, seen, merging.absorbed_id, merging.survivor_id, third)
            )


async def _speak_of(
    tx: Transaction, merging: Merging, before: Proposal, third: UUID, evidence: Sequence[Evidence]
) -> None:
    """Say of the survivor what was seen of the absorbed member; what only staff decide stays so."""
    first, other = sorted((merging.survivor_id, third))
    opened = Opened(
        first,
        other,
        before.rank,
        sum(one.seen_count for one in evidence),
        before.last_seen_at,
        None if before.for_staff == "parted" else look_at(await rules_in_force(tx)),
        merging.merge_id,
        "parted" if before.for_staff == "parted" else None,
    )
    await speak_for(tx, opened, evidence)


def _turned(before: Proposal, seen: Sequence[Evidence], absorbed: UUID, survivor: UUID, third: UUID) -> list[Evidence]:
    """Return what was seen of the absorbed member as seen of the survivor: the older id is told first."""
    if (before.member_id == absorbed) == (survivor < third):
        return list(seen)
    return turned(seen)


async def parted(tx: Transaction, merge_id: UUID, *, by: str, reason: str) -> None:
    """Say that a merge was undone: what it carried out stays decided, what it passed on speaks of who it spoke of."""
    ended, passed_on = await store.of_merge(tx, merge_id)
    store.mark_undone(tx, merge_id)
    for one in passed_on:
        await telling.end(tx, one, "superseded", at=tx.now, by=by, reason=reason, merge_id=merge_id)
    for one in ended:
        if one.state != "superseded":
            continue
        both = [one.member_id, one.other_id]
        there = await store.standing(tx, both)
        if len(there) == len(both) and not await store.is_open(tx, one.member_id, one.other_id):
            telling.reopen(tx, one, look_at(await rules_in_force(tx)))


async def forget_seen_of(
    tx: Transaction, member_id: UUID, gone: Collection[UUID], merge_id: UUID, *, by: str, reason: str
) -> None:
    """End the open proposals of a member that rest on identities alone that are gone: of who was part of it."""
    waiting = await store.open_of(tx, member_id)
    evidence = await store.evidence(tx, waiting) if waiting else {}
    for one in waiting:
        seen = evidence.get(one.proposal_id, [])
        if all({each.identity_id, each.other_identity_id} & set(gone) for each in seen):
            await telling.end(tx, one, "superseded", at=tx.now, by=by, reason=reason, merge_id=merge_id)


def forget(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget every proposal of members who are erased, for the other of the two as well."""
    store.forget(tx, member_ids)
