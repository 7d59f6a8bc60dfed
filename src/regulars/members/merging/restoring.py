"""A database restored from while two were one: who was parted since and erased is parted here, too, before serving.

What stands under the absorbed member's own key is gone with it. What the merge handed over stands under the survivor's,
which lives: it is found by what the merge wrote down, and deleted. The erased one's books stay as they were joined. Who
was part of the erased one, and lives, has books of their own again: these are parted along the whole way.
"""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from regulars.domain_events.members import MergeUndone
from regulars.members.access import sessions
from regulars.members.consent.lapsing import lapse
from regulars.members.contracts.merging import Merging
from regulars.members.contracts.privacy import Parts
from regulars.members.households import moving as households
from regulars.members.identity import service as identity
from regulars.members.identity.forgetting import forget_identities
from regulars.members.merging import service, store
from regulars.members.merging.reading import decode_merge
from regulars.members.merging.store import MergeRow
from regulars.members.privacy.parting import forget_shared_exports
from regulars.members.profile import service as profile
from regulars.members.proposals import following as proposals
from regulars.platform.db.transaction import Transaction
from regulars.platform.vault.contracts import Vault

ACTOR: Final = "journal"
REASON: Final = "one of both was erased before this database was restored"


async def part_erased(tx: Transaction, vault: Vault, parts: Parts, erased: Collection[UUID]) -> None:
    """Part members whose keys are gone from whom they are part of in this database, and who is part of them.

    Whoever merged both and erased the survivor erased both: then there is nobody to part. Holds the members' rows.
    """
    rows = [row for row in await store.standing(tx, list(erased)) if {row.member_id, row.survivor_id} - set(erased)]
    if not rows:
        return
    ways = {row.merge_id: await _way_up(tx, row) for row in rows}
    held = {one.member_id for way in ways.values() for one in way} | {way[-1].survivor_id for way in ways.values()}
    await store.refs(tx, sorted(held), hold=True)
    for row in rows:
        if row.member_id not in erased:
            await _part_books(tx, parts, ways[row.merge_id])
            await _give_back(tx, vault, ways[row.merge_id], erased)
    for row in rows:
        if row.member_id in erased:
            await _part(tx, vault, parts, ways[row.merge_id])


async def _way_up(tx: Transaction, row: MergeRow) -> list[MergeRow]:
    """Return the merges by which a member is part of whom it means, its own first."""
    way = [row]
    while above := await store.into(tx, way[-1].survivor_id):
        way.append(above)
    return way


async def _part_books(tx: Transaction, parts: Parts, way: Sequence[MergeRow]) -> None:
    """Part what merges joined, from the last one on: nothing is taken out of what is part of others."""
    for one in reversed(way):
        for part in parts:
            await part.part(tx, Merging(one.merge_id, one.survivor_id, one.member_id, tx.now))


async def _give_back(tx: Transaction, vault: Vault, way: Sequence[MergeRow], erased: Collection[UUID]) -> None:
    """Let who was part of an erased member be found by their own again, as far as it can be read, and live there."""
    row, holder = way[0], way[-1].survivor_id
    if holder not in erased:
        await identity.hand_over(tx, vault, holder, row.member_id, only=set(decode_merge(row.told).identity_ids))
    await households.give_back(tx, vault, _mergings(tx, way), actor=ACTOR, reason=REASON)
    await _undone(tx, row)


async def _part(tx: Transaction, vault: Vault, parts: Parts, way: Sequence[MergeRow]) -> None:
    """Take away what a merge handed over, from everybody to whom it went on."""
    row, top = way[0], way[-1].survivor_id
    values = await service.filled_with(vault, row)
    await forget_identities(tx, top, decode_merge(row.told).identity_ids)
    for one in way:
        await profile.clear_values(tx, vault, one.survivor_id, values)
        forget_shared_exports(tx, one.merge_id)
        for part in parts:
            await part.forget_told(tx, one.survivor_id, await store.written_at(tx, row.merge_id))
    for above in way[1:]:
        await service.forget_filled(tx, vault, above, values)
    sessions.forget_members(tx, [one.survivor_id for one in way])
    await households.forget_places(tx, _mergings(tx, way), actor=ACTOR, reason=REASON)
    await _undone(tx, row)
    await proposals.forget_seen_of(tx, top, decode_merge(row.told).identity_ids, row.merge_id, by=ACTOR, reason=REASON)
    if len(way) == 1:
        await service.give_consents_back(tx, row, ACTOR)
    await lapse(tx, top)


def _mergings(tx: Transaction, way: Sequence[MergeRow]) -> list[Merging]:
    return [Merging(one.merge_id, one.survivor_id, one.member_id, tx.now) for one in way]


async def _undone(tx: Transaction, row: MergeRow) -> None:
    store.release(tx, row.member_id)
    store.note_undone(tx, row, at=tx.now, by=ACTOR, reason=REASON, undone="{}")
    await proposals.parted(tx, row.merge_id, by=ACTOR, reason=REASON)
    tx.publish(MergeUndone(member_id=row.member_id, recorded_at=tx.now, out_of=row.survivor_id, merge_id=row.merge_id))
