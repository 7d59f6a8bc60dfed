"""Two households take one member at the same moment; the last head leaves while somebody comes. Each with the lock off.

The locks are the members' rows, and then the household's.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

import pytest
from psycopg.errors import UniqueViolation

from regulars.members.contracts.households import DissolveHousehold, HouseholdMoved, JoinHousehold, LeaveHousehold
from regulars.members.contracts.merging import Merging
from regulars.members.households import moving, store
from regulars.members.households.errors import HouseholdDissolved, InAnotherHousehold
from regulars.platform.db.database import Database
from regulars.platform.ids import new_id
from regulars.platform.vault.local import LocalVault
from tests.members.conftest import shop, vault
from tests.members.living import BY, LIMIT, Living, doors, roles
from tests.races.conftest import WAITING

pytestmark = pytest.mark.anyio
__all__ = ["shop", "vault"]


@pytest.fixture
def living(shop: Database, vault: LocalVault) -> Living:
    return Living(shop, vault)


async def beside(living: Living, other: Coroutine[Any, Any, Any], *, expect_wait: bool) -> "asyncio.Task[Any]":
    """Let another come now: it waits for what is not committed yet, or is done before that."""
    task = asyncio.create_task(other)
    while not task.done() and (await living.rows(WAITING))[0][0] == 0:
        await asyncio.sleep(0.005)
    assert task.done() is not expect_wait
    return task


async def taken_twice(living: Living, *, expect_wait: bool) -> tuple[UUID, "asyncio.Task[Any]"]:
    one, two, wanted = await living.members(3)
    first, second = (await living.form(one)).household_id, (await living.form(two)).household_id
    async with living.database.transaction() as tx:
        await doors.join_household(tx, LIMIT, JoinHousehold(household_id=first, member_id=wanted, **BY))
        await tx.flush()
        other = await beside(living, living.join(second, wanted), expect_wait=expect_wait)
    await asyncio.wait([other])
    assert await living.of(wanted) == [first]
    return wanted, other


async def test_two_households_do_not_take_one_member(living: Living) -> None:
    _, other = await taken_twice(living, expect_wait=True)

    assert isinstance(other.exception(), InAnotherHousehold)
    assert await living.problems() == {}


async def test_without_the_lock_only_the_database_stands_in_the_way(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: both find the member free, and the second is stopped by the key, not by a refusal."""
    monkeypatch.setattr(store, "HOLD_MEMBERS", store.HOLD_MEMBERS.replace("FOR NO KEY UPDATE", ""))
    _, other = await taken_twice(living, expect_wait=True)  # for the other's uncommitted row

    assert isinstance(other.exception(), UniqueViolation)


async def last_leaves_beside_add(living: Living, *, expect_wait: bool) -> tuple[UUID, "asyncio.Task[Any]"]:
    head, comes = await living.members(2)
    home = (await living.form(head)).household_id
    async with living.database.transaction() as tx:
        await doors.leave_household(tx, living.vault, LeaveHousehold(household_id=home, member_id=head, **BY))
        await tx.flush()
        other = await beside(living, living.join(home, comes), expect_wait=expect_wait)
    await asyncio.wait([other])
    return home, other


async def test_nobody_comes_into_a_household_that_ends(living: Living) -> None:
    home, other = await last_leaves_beside_add(living, expect_wait=True)

    assert isinstance(other.exception(), HouseholdDissolved)
    assert (await living.now(home)).members == ()
    assert await living.problems() == {}


async def test_without_the_lock_somebody_lives_in_a_household_that_ended(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: with the household not held, and its numbers free, one comes into what is no more."""
    monkeypatch.setattr(store, "HOLD", store.HOLD.replace("FOR UPDATE", ""))
    await living.rows("ALTER TABLE household_changes DROP CONSTRAINT household_changes_pkey")
    _, other = await last_leaves_beside_add(living, expect_wait=True)  # for the row that both change

    assert other.exception() is None
    assert "households" in await living.problems()


async def test_who_comes_first_keeps_the_household(living: Living) -> None:
    head, comes = await living.members(2)
    home = (await living.form(head)).household_id
    async with living.database.transaction() as tx:
        await doors.join_household(tx, LIMIT, JoinHousehold(household_id=home, member_id=comes, **BY))
        await tx.flush()
        other = await beside(living, living.leave(home, head), expect_wait=True)
    await other
    assert roles(await living.now(home)) == [(comes, "head")]
    assert await living.problems() == {}


# --- who began first and waited ---------------------------------------------------------------------------------------


async def test_who_waited_is_recorded_after_what_happened_meanwhile(living: Living) -> None:
    head, one, two = await living.members(3)
    home = (await living.form(head)).household_id
    async with living.database.transaction() as tx:
        assert tx.now is not None  # began first, as one that waits for a lock
        await living.join(home, one)
        await doors.join_household(tx, LIMIT, JoinHousehold(household_id=home, member_id=two, **BY))
        await doors.leave_household(tx, living.vault, LeaveHousehold(household_id=home, member_id=one, **BY))
    async with living.database.transaction() as tx:
        stays = {who: await doors.stays_of(tx, who) for who in (one, two)}

    assert [stay.until is not None for stay in stays[one]] == [True]
    assert [(stay.household_id, stay.role) for stay in stays[two]] == [(home, "member")]
    assert await living.problems() == {}


async def test_without_the_latest_instant_changes_go_back_in_time(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control; where somebody lives is told rightly all the same."""

    async def nothing_before(*_: object) -> None:
        return None

    monkeypatch.setattr(store, "latest", nothing_before)
    head, one = await living.members(2)
    home = (await living.form(head)).household_id
    async with living.database.transaction() as tx:
        assert tx.now is not None
        await living.join(home, one)
        await doors.leave_household(tx, living.vault, LeaveHousehold(household_id=home, member_id=one, **BY))
    async with living.database.transaction() as tx:
        stays = await doors.stays_of(tx, one)

    assert [stay.until is not None for stay in stays] == [True]
    assert "households" in await living.problems()


# --- a merge beside dissolving ----------------------------------------------------------------------------------------


async def places_beside_dissolving(living: Living) -> "asyncio.Task[Any]":
    """Let a merge read where the absorbed member lives, and wait for the household, which ends."""
    absorbed, wife, survivor = await living.members(3)
    home = (await living.form(absorbed, wife)).household_id

    async def merge() -> HouseholdMoved | None:
        async with living.database.transaction() as tx:
            wish = Merging(new_id(), survivor, absorbed, tx.now)
            return await moving.merge_places(tx, living.vault, wish, dry_run=False, **BY)

    async with living.database.transaction() as tx:
        await doors.dissolve_household(tx, DissolveHousehold(household_id=home, **BY))
        await tx.flush()
        other = await beside(living, merge(), expect_wait=True)
    await asyncio.wait([other])
    return other


async def test_a_merge_beside_dissolving_finds_nothing_to_take_over(living: Living) -> None:
    other = await places_beside_dissolving(living)

    assert other.result() is None
    assert await living.problems() == {}
