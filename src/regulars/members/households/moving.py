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
    if merging.absorbed_id not in standing.members:  # dissolved while this waited: nobody holds its members for that
        return None
    if own is None:
        standing.take_over(merging.absorbed_id, merging.survivor_id, merging.at)
    else:
        standing.leave(merging.absorbed_id, merging.at, heir=merging.survivor_id)
    cause = Cause(actor, reason, merging.merge_id, merging.at, wall_now())
    await write(tx, await resealed(vault, row, standing), standing, cause)
    return moved


async def undo_places(
    tx: Transaction, vault: Vault, merging: Merging, *, actor: str, reason: str, dry_run: bool
) -> HouseholdMoved | None:
    """Give the absorbed member its place back, as far as the household stands and nothing was decided anew since."""
    cause = Cause(actor, reason, merging.merge_id, merging.at, wall_now())
    return await _places_back(tx, vault, [merging], cause, dry_run=dry_run)


async def give_back(tx: Transaction, vault: Vault, way: Sequence[Merging], *, actor: str, reason: str) -> None:
    """Give who was absorbed at the beginning of a chain its place back, from whoever at its end has it now."""
    await _places_back(tx, vault, way, _cause(way[0], actor, reason), dry_run=False)


async def _places_back(
    tx: Transaction, vault: Vault, way: Sequence[Merging], cause: Cause, *, dry_run: bool
) -> HouseholdMoved | None:
    merging = way[0]
    left, holder = await _left_and_holder(tx, way)
    if left is None or left.since is None:
        return None
    took = holder != merging.absorbed_id
    row, standing = await _held(tx, left.household_id)
    moved = HouseholdMoved(household_id=left.household_id, takes_over=took)
    was_head = await _was_head(tx, left)
    if took:
        if holder not in standing.members:
            return None
        standing.take_over(holder, merging.absorbed_id, merging.at)
    elif standing.dissolved_at is None:
        standing.join(merging.absorbed_id, left.since)
        if was_head and standing.head_id == left.head_id:
            standing.pass_head(merging.absorbed_id)
    elif (await store.last_of(tx, left.household_id)).merge_id == merging.merge_id:
        standing.revive(merging.absorbed_id, left.since)
    else:
        return None
    if not dry_run:
        await write(tx, await resealed(vault, row, standing), standing, cause)
    return moved


async def forget_places(tx: Transaction, way: Sequence[Merging], *, actor: str, reason: str) -> None:
    """Let nobody live by the place of who was absorbed at the beginning of a chain, and is erased.

    Whoever took it over leaves, as the erased member would have left; a name that came with it goes.
    """
    left, holder = await _left_and_holder(tx, way)
    if left is None:
        return
    row, standing = await _held(tx, left.household_id)
    if standing.dissolved_at is not None:
        return
    if holder in standing.members and holder != way[0].absorbed_id:
        if standing.head_id == holder:
            row = row._replace(sealed_name=None, name_of=None)
        standing.leave(holder, way[0].at)
    elif row.sealed_name is not None and standing.head_id == left.head_id and await _was_head(tx, left):
        row = row._replace(sealed_name=None, name_of=None)
        standing.rename()
    await write(tx, row, standing, _cause(way[0], actor, reason))


async def _left_and_holder(tx: Transaction, way: Sequence[Merging]) -> tuple[ChangeRow | None, UUID]:
    """Return how who was absorbed first left a household by it, and who has the place at the end of the chain.

    That is the absorbed member itself where nobody took the place over.
    """
    first = way[0]
    left, holder = None, first.absorbed_id
    for one in way:
        changed = await store.of_merge(tx, [one.absorbed_id, one.survivor_id], one.merge_id)
        gone = next((each for each in changed if each.kind == "left" and each.member_id == one.absorbed_id), None)
        if one is first:
            left = gone
        if left is None or gone is None or gone.household_id != left.household_id:
            break
        if not any(each.kind == "joined" and each.member_id == one.survivor_id for each in changed):
            break
        holder = one.survivor_id
    return left, holder


def _cause(merging: Merging, actor: str, reason: str) -> Cause:
    return Cause(actor, reason, merging.merge_id, merging.at, wall_now())


async def forget(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Let members who are erased leave: the head passes on, or the household ends; names under their keys go."""
    places = await store.places(tx, member_ids)
    for household_id, (row, members) in (await store.hold(tx, places.values())).items():
        standing = standing_of(row, members)
        gone = [one for one in sorted(members) if places.get(one) == household_id]
        for one in sorted(gone, key=lambda member_id: member_id == standing.head_id):
            standing.leave(one, tx.now)
        await write(tx, row, standing, Cause(ERASER, ERASED, None, tx.now, wall_now()))
    store.forget_names(tx, member_ids)


async def _held(tx: Transaction, household_id: UUID) -> tuple[HouseholdRow, Standing]:
    row, members = (await store.hold(tx, [household_id]))[household_id]
    return row, standing_of(row, members)


async def _was_head(tx: Transaction, left: ChangeRow) -> bool:
    """Tell whether a change passed the head on: the one before it names who left."""
    before = await store.changes(tx, left.household_id, left.change_no, 1)
    return bool(before) and before[0].head_id == left.member_id
