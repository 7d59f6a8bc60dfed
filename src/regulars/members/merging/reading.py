"""Reading merges: who was merged with whom, and whom an id means now or meant then."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from regulars.members.contracts.merging import Merge
from regulars.members.identity import service as identity
from regulars.members.merging import store
from regulars.members.merging.store import MergeRow
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound

MERGES_AT_MOST: Final = 200

decode_merge = msgspec.json.Decoder(Merge).decode


async def list_merges(tx: Transaction, member_id: UUID) -> list[Merge]:
    """Return the merges of a member and of all who are part of it; see `members.api`."""
    known = (await identity.known_members(tx, [member_id])).get(member_id)
    if known is None:
        raise NotFound
    one = known.stands_for
    rows = await store.of_members(tx, [one, *await store.family(tx, one)], MERGES_AT_MOST)
    return [_merge_of(row) for row in rows]


async def family(tx: Transaction, member_id: UUID) -> list[UUID]:
    """Return whoever is part of a member now."""
    return await store.family(tx, member_id)


async def ids_of(tx: Transaction, member_id: UUID) -> list[UUID]:
    """Return every id that means whom this one means: the member's own first, then those of who is part of them."""
    return await store.ids_of(tx, member_id) or [member_id]


def ask_family(tx: Transaction, member_id: UUID) -> Callable[[], Awaitable[list[UUID]]]:
    """Ask the same along with the next read of the transaction; what is returned gives the answer."""
    question = store.ask_family(tx, member_id)

    async def told() -> list[UUID]:
        return [found for (found,) in await tx.answer(question)]

    return told


def ask_merged(tx: Transaction, member_ids: Sequence[UUID]) -> Callable[[], Awaitable[dict[UUID, UUID]]]:
    """Ask, along with the next read, which of these ids mean another member now, and whom."""
    question = store.ask_merged(tx, member_ids)

    async def told() -> dict[UUID, UUID]:
        return dict(await tx.answer(question))

    return told


async def who_was(tx: Transaction, member_id: UUID, at: datetime) -> UUID:
    """Return whom an id meant at an instant, by the merges that were recorded and not undone by then."""
    return await store.who_was(tx, member_id, at)


async def who_they_are(tx: Transaction, member_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return of those who are part of others into whom they were merged."""
    refs = await store.refs(tx, member_ids, hold=False)
    return {one.member_id: one.merged_into for one in refs.values() if one.merged_into is not None}


async def hold(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Hold members' rows, in the order of their ids: nobody writes anything of theirs until the transaction ends."""
    await store.refs(tx, member_ids, hold=True)


def forget(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget what was there before the merges of members who are erased."""
    store.forget(tx, member_ids)


def field_of(merge_id: UUID) -> str:
    """Return the name under which what was there before a merge is sealed."""
    return f"merge:{merge_id.hex}"


def _merge_of(row: MergeRow) -> Merge:
    told = decode_merge(row.told)
    if row.undone_at is None:
        return told
    return msgspec.structs.replace(
        told, state="undone", undone_at=row.undone_at, undone_by=row.undone_by, undo_reason=row.undo_reason
    )
