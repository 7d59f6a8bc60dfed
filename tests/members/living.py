"""Households as tests set them up: who lives with whom, who leaves, and what is kept of it."""

from dataclasses import dataclass
from uuid import UUID

from regulars.members import api
from regulars.members.contracts.households import (
    ChangeHead,
    DissolveHousehold,
    FormHousehold,
    Household,
    JoinHousehold,
    LeaveHousehold,
    RenameHousehold,
)
from regulars.platform.db.database import Database
from regulars.platform.ids import new_id
from regulars.platform.vault.local import LocalVault
from tests.members.people import card, rows, signed_up

BY = {"actor": "test", "reason": "they said so"}
LIMIT = 4
doors = api.households


@dataclass
class Living:
    """A programme in which members live together."""

    database: Database
    vault: LocalVault

    async def members(self, count: int) -> list[UUID]:
        found = [await signed_up(self.database, self.vault, card(new_id().hex)) for _ in range(count)]
        return [one.member_id for one in found]

    async def form(self, head: UUID, *others: UUID, name: str | None = None) -> Household:
        wish = FormHousehold(household_id=new_id(), head_id=head, member_ids=others, name=name, **BY)
        async with self.database.transaction() as tx:
            return await doors.form_household(tx, self.vault, LIMIT, wish)

    async def join(self, household_id: UUID, member_id: UUID) -> Household:
        async with self.database.transaction() as tx:
            wish = JoinHousehold(household_id=household_id, member_id=member_id, **BY)
            return await doors.join_household(tx, LIMIT, wish)

    async def leave(self, household_id: UUID, member_id: UUID) -> Household:
        async with self.database.transaction() as tx:
            wish = LeaveHousehold(household_id=household_id, member_id=member_id, **BY)
            return await doors.leave_household(tx, self.vault, wish)

    async def lead(self, household_id: UUID, member_id: UUID) -> Household:
        async with self.database.transaction() as tx:
            wish = ChangeHead(household_id=household_id, member_id=member_id, **BY)
            return await doors.change_head(tx, self.vault, wish)

    async def rename(self, household_id: UUID, name: str | None) -> Household:
        async with self.database.transaction() as tx:
            wish = RenameHousehold(household_id=household_id, name=name, **BY)
            return await doors.rename_household(tx, self.vault, wish)

    async def dissolve(self, household_id: UUID) -> Household:
        async with self.database.transaction() as tx:
            return await doors.dissolve_household(tx, DissolveHousehold(household_id=household_id, **BY))

    async def of(self, *member_ids: UUID) -> list[UUID | None]:
        async with self.database.transaction() as tx:
            found = await doors.households_of(tx, member_ids)
        return [found.get(one) for one in member_ids]

    async def name(self, household_id: UUID, *, clear: bool = True) -> str | None:
        async with self.database.transaction() as tx:
            return (await doors.read_household(tx, self.vault, household_id, clear=clear)).name

    async def now(self, household_id: UUID) -> Household:
        async with self.database.transaction() as tx:
            (found,) = await doors.read_households(tx, [household_id])
        return found

    async def history(self, household_id: UUID) -> list[tuple[str, UUID | None, UUID | None]]:
        """Return kind, member and the head after it, the first first."""
        async with self.database.transaction() as tx:
            found = await doors.household_changes(tx, household_id, limit=100)
        return [(one.kind, one.member_id, one.head_id) for one in reversed(found)]

    async def problems(self) -> dict[str, list[str]]:
        found = {}
        for check in api.checks():
            async with self.database.transaction() as tx:
                result = await check.run(tx)
            if not result.ok:
                found[check.name] = [str(one) for one in result.problems]
        return found

    async def rows(self, text: str) -> list[tuple[object, ...]]:
        return await rows(self.database, text)


def roles(household: Household) -> list[tuple[UUID, str]]:
    return [(one.member_id, one.role) for one in household.members]
