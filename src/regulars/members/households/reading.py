"""Reading households: as they are, what changed, and who lives with whom."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, cast
from uuid import UUID

import msgspec

from regulars.members.contracts.households import (
    HOUSEHOLD_PREFIX,
    Household,
    HouseholdChange,
    HouseholdChangeKind,
    HouseholdRole,
    HouseholdShown,
    HouseholdState,
    HouseholdStay,
)
from regulars.members.households import store
from regulars.members.households.limits import STAYS_AT_MOST
from regulars.members.households.service import name_in, standing_of, told
from regulars.members.households.standing import masked
from regulars.members.households.store import ChangeRow, StayRow
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.ids import public_id
from regulars.platform.vault.contracts import Vault


async def households_of(tx: Transaction, member_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return in which household each of the members lives; see `members.api.households_of`."""
    return await store.households_of(tx, member_ids)


def ask_households_of(tx: Transaction, member_ids: Sequence[UUID]) -> Callable[[], Awaitable[dict[UUID, UUID]]]:
    """Ask the same along with the next read of the transaction; what is returned gives the answer."""
    question = store.ask_households_of(tx, member_ids)

    async def answered() -> dict[UUID, UUID]:
        return dict(await tx.answer(question))

    return answered


async def read_household(
    tx: Transaction, vault: Vault, household_id: UUID, *, clear: bool, stores: Sequence[str] | None = None
) -> HouseholdShown:
    """Return a household; see `members.api.read_household`."""
    found = (await store.read(tx, [household_id])).get(household_id)
    if found is None or (stores is not None and not await store.is_of_stores(tx, household_id, stores)):
        raise NotFound
    row, members = found
    name = await name_in(vault, row)
    now = msgspec.structs.asdict(told(row, standing_of(row, members)))
    return HouseholdShown(**now, name=name if clear or name is None else masked(name))


async def home_of(tx: Transaction, vault: Vault, member_id: UUID) -> HouseholdShown | None:
    """Return the household in which a member lives, as the member may see it; see `members.api.households`."""
    home = (await store.households_of(tx, [member_id])).get(member_id)
    found = None if home is None else (await store.read(tx, [home])).get(home)
    if found is None:
        return None
    row, members = found
    name = await name_in(vault, row) if row.head_id == member_id else None
    return HouseholdShown(**msgspec.structs.asdict(told(row, standing_of(row, members))), name=name)


async def named_by(tx: Transaction, vault: Vault, member_id: UUID) -> list[dict[str, Any]]:
    """Return the households of which a member is the head, or was when they were named, with their names."""
    rows = await store.led_by(tx, member_id)
    return [
        {
            "household_id": public_id(HOUSEHOLD_PREFIX, row.household_id),
            "name": await name_in(vault, row) if row.name_of == member_id else None,
            "formed_at": row.formed_at.isoformat(),
            "dissolved_at": None if row.dissolved_at is None else row.dissolved_at.isoformat(),
        }
        for row in rows
    ]


async def read_households(tx: Transaction, household_ids: Iterable[UUID]) -> list[Household]:
    """Return households without their names; unknown ids are left out."""
    found = await store.read(tx, household_ids)
    return [told(row, standing_of(row, members)) for row, members in found.values()]


async def list_households(
    tx: Transaction,
    *,
    state: HouseholdState | None = None,
    before: UUID | None = None,
    limit: int = 50,
    stores: Sequence[str] | None = None,
) -> list[Household]:
    """Return households, the last formed first; see `members.api.list_households`."""
    found = await store.listed(tx, state, before, limit, stores)
    return [told(row, standing_of(row, members)) for row, members in found]


async def household_changes(
    tx: Transaction, household_id: UUID, *, before: int | None = None, limit: int = 50
) -> list[HouseholdChange]:
    """Return what changed, the last first; see `members.api.household_changes`."""
    found = await store.changes(tx, household_id, before, limit)
    if not found and not await store.read(tx, [household_id]):
        raise NotFound
    return [_change(row) for row in found]


async def stays_of(tx: Transaction, member_id: UUID) -> list[HouseholdStay]:
    """Return where a member lives and lived; see `members.api.households`."""
    return await ask_stays_of(tx, member_id)()


def ask_stays_of(tx: Transaction, member_id: UUID) -> Callable[[], Awaitable[list[HouseholdStay]]]:
    """Ask the same along with the next read of the transaction; what is returned gives the answer."""
    question = store.ask_stays(tx, member_id, 2 * STAYS_AT_MOST)

    async def answered() -> list[HouseholdStay]:
        return _stays([StayRow._make(row) for row in await tx.answer(question)], member_id)

    return answered


def _stays(rows: Sequence[StayRow], member_id: UUID) -> list[HouseholdStay]:
    """Pair coming and leaving, the last first; a place that undoing a merge gave back was never left."""
    found: list[HouseholdStay] = []
    given_back: set[UUID | None] = set()
    for row in rows:
        household_id = row.household_id
        if row.kind == "joined":
            given_back.add(row.merge_id)
        if row.kind == "joined" and row.lives_there and all(one.until is not None for one in found):
            role: HouseholdRole = "head" if row.head_id == member_id else "member"
            found.append(HouseholdStay(household_id=household_id, role=role, since=row.since, until=None))
        elif row.kind == "left" and (row.merge_id is None or row.merge_id not in given_back):
            found.append(HouseholdStay(household_id=household_id, role=None, since=row.since, until=row.recorded_at))
    return found[:STAYS_AT_MOST]


def _change(row: ChangeRow) -> HouseholdChange:
    return HouseholdChange(**{**row._asdict(), "kind": cast("HouseholdChangeKind", row.kind)})
