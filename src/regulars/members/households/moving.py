"""What merging, undoing a merge and erasing do to households. The callers hold the rows of the members."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from regulars.members.contracts.households import HouseholdMoved
from regulars.members.contracts.merging import Merging
from regulars.members.households import store
from regulars.members.households.service import resealed, standing_of, write
from regulars.members.households.standing import Standing
from regulars.members.households.store import Cause, ChangeRow, HouseholdRow
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.vault.contracts import Vault

ERASED: Final = "the member was erased"
ERASER: Final = "privacy"


async def merge_places(
    tx: Transaction, vault: Vault, merging: Merging, *, actor: str, reason: str, dry_run: bool
) -> HouseholdMoved | None:
    """Let the absorbed member leave its household: the survivor takes its place, or keeps its own household."""
    places = await store.places(tx, [merging.absorbed_id, merging.survivor_id])
    left = places.get(merging.absorbed_id)
    if left is None:
        return None
    own = places.get(merging.survivor_id)
    moved = HouseholdMoved(household_id=left, takes_over=own is None)
    if dry_run:
        return moved
    row, standing = await _held(tx, left)
    if own is None:
        standing.take_over(merging.absorbed_id, merging.survivor_id, merging.at)
    else:
        standing.leave(merging.absorbed_id, merging.at, heir=merging.survivor_id)
    cause = Cause(actor, reason, merging.merge_id, merging.at, wall_now())
    write(tx, await resealed(vault, row, standing), standing, cause)
    return moved


async def undo_places(
    tx: Transaction, vault: Vault, merging: Merging, *, actor: str, reason: str, dry_run: bool
) -> HouseholdMoved | None:
    """Give the absorbed member its place back, as far as the household stands and nothing was decided anew since."""
    changed = await store.of_merge(tx, [merging.absorbed_id, merging.survivor_id], merging.merge_id)
    left = next((one for one in changed if one.kind == "left" and one.member_id == merging.absorbed_id), None)
    if left is None or left.since is None:
        return None
    took = any(one.kind == "joined" and one.member_id == merging.survivor_id for one in changed)
    row, standing = await _held(tx, left.household_id)
    moved = HouseholdMoved(household_id=left.household_id, takes_over=took)
    was_head = await _was_head(tx, left)
    if took:
        if merging.survivor_id not in standing.members:
            return None
        standing.take_over(merging.survivor_id, merging.absorbed_id, merging.at)
    elif standing.dissolved_at is None:
        standing.join(merging.absorbed_id, left.since)
        if was_head and standing.head_id == left.head_id:
            standing.pass_head(merging.absorbed_id)
    elif (await store.last_of(tx, left.household_id)).merge_id == merging.merge_id:
        standing.revive(merging.absorbed_id, left.since)
    else:
        return None
    if not dry_run:
        cause = Cause(actor, reason, merging.merge_id, merging.at, wall_now())
        write(tx, await resealed(vault, row, standing), standing, cause)
    return moved


async def forget(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Let members who are erased leave: the head passes on, or the household ends; names under their keys go."""
    places = await store.places(tx, member_ids)
    for household_id, (row, members) in (await store.hold(tx, places.values())).items():
        standing = standing_of(row, members)
        gone = [one for one in sorted(members) if places.get(one) == household_id]
        for one in sorted(gone, key=lambda member_id: member_id == standing.head_id):
            standing.leave(one, tx.now)
        write(tx, row, standing, Cause(ERASER, ERASED, None, tx.now, wall_now()))
    store.forget_names(tx, member_ids)


async def _held(tx: Transaction, household_id: UUID) -> tuple[HouseholdRow, Standing]:
    row, members = (await store.hold(tx, [household_id]))[household_id]
    return row, standing_of(row, members)


async def _was_head(tx: Transaction, left: ChangeRow) -> bool:
    """Tell whether a change passed the head on: the one before it names who left."""
    before = await store.changes(tx, left.household_id, left.change_no, 1)
    return bool(before) and before[0].head_id == left.member_id
