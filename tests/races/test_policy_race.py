"""Policies change while books are written: no book is decided by two versions at one instant."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs
from psycopg.errors import UniqueViolation

from regulars.loyalty import api
from regulars.loyalty.drafts import service as drafts
from regulars.loyalty.drafts.errors import DraftBehind
from regulars.loyalty.policy import service, store
from regulars.loyalty.policy.errors import InstantBeforeLatest, InstantTooNear
from regulars.platform.clock import ClockSetting
from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.loyalty.programme import EASY, NOON, Programme, order

pytestmark = pytest.mark.anyio
CHECK = "decided by the version of its time"
SOON = NOON + timedelta(minutes=2)
DEARER = structs.replace(EASY, earning=api.EarningPolicy(minor_per_point=200))
PAYS_LESS = structs.replace(EASY, payment=api.PaymentPolicy(max_percent=9))


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[LocalVault]:
    opened = LocalVault(tmp_path / "vault")
    yield opened
    opened.close()


def at(database: Database, instant: datetime) -> None:
    database.clock.follow(ClockSetting(instant, instant, ticking=False))


@pytest.fixture
async def till(database: Database, vault: LocalVault) -> Programme:
    programme = await Programme.begin(database, vault, EASY)
    at(database, NOON)
    return programme


@pytest.fixture
async def office(database_url: str, vault: LocalVault) -> AsyncIterator[Programme]:
    async with Database(database_url, pool_size=3) as database:
        at(database, NOON)
        yield Programme(database, vault)


async def race(till: Programme, office: Programme) -> None:
    """Schedule a version late: begun in time, it waits so long that its instant comes, and an order with it."""
    member = await till.member()
    async with office.database.transaction() as scheduling:  # its `now` is two minutes before the instant
        at(till.database, SOON)
        at(office.database, SOON)
        async with till.database.transaction(set_based=True) as tx:
            paid = order(member, "A", SOON, 10_000)
            needs = api.Needs(until=SOON, members={member}, orders={(member, "A")})
            books = await api.open_books(tx, till.configuration, needs)
            books.settle_order(paid)  # decided by version 1: no other is committed
            books.write(tx)
            await tx.flush()
            try:
                await api.schedule_version(scheduling, office.database.clock, DEARER, SOON)
                await scheduling.commit()
            finally:
                await tx.commit()


async def test_a_version_that_comes_late_is_refused(till: Programme, office: Programme) -> None:
    with pytest.raises(InstantTooNear):
        await race(till, office)

    assert await till.rows("SELECT version FROM loyalty_policies") == [(1,)]
    assert await till.rows("SELECT policy_version FROM settlements") == [(1,)]
    assert await till.problems() == {}


async def test_without_the_second_look_at_the_clock_two_versions_decide_one_instant(
    till: Programme, office: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same, and nobody looks again after the locks were waited for."""
    monkeypatch.setattr(service, "LAST_NOTICE", -timedelta(days=1))
    await race(till, office)

    assert await till.rows("SELECT version FROM loyalty_policies ORDER BY 1") == [(1,), (2,)]
    assert CHECK in await till.problems()


async def schedule_both(till: Programme, office: Programme) -> None:
    """Let the second schedule while the first is under way; it comes on when the first has ended."""
    later = structs.replace(DEARER, payment=PAYS_LESS.payment)
    async with till.database.transaction() as first:
        await api.schedule_version(first, till.database.clock, DEARER, SOON)
        async with office.database.transaction() as second:
            scheduling = asyncio.create_task(api.schedule_version(second, office.database.clock, later, SOON))
            while not scheduling.done() and not await waits(till):
                await asyncio.sleep(0)
            await first.commit()
            await scheduling


async def waits(programme: Programme) -> bool:
    return await programme.rows("SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1") != []


async def test_of_two_who_schedule_at_once_the_second_sees_the_first(till: Programme, office: Programme) -> None:
    with pytest.raises(InstantBeforeLatest):
        await schedule_both(till, office)

    assert await till.rows("SELECT version FROM loyalty_policies ORDER BY 1") == [(1,), (2,)]


async def test_without_the_lock_both_take_the_same_number(
    till: Programme, office: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: only the key stops the second."""

    async def nothing(_: object) -> None:
        return None

    monkeypatch.setattr(store, "lock_policies", nothing)
    with pytest.raises(UniqueViolation):
        await schedule_both(till, office)


async def schedule_both_drafts(till: Programme, office: Programme) -> None:
    """Two drafts begun from version 1, one of what is earned, one of what can be paid; as above, a minute apart."""

    async def begun(policy: api.Policy, at: datetime) -> api.ScheduleDraft:
        async with till.database.transaction() as tx:
            wish = api.CreateDraft(name="autumn", actor="staff:anna", policy=policy)
            draft = await api.work_on_policy(tx, till.database.clock, wish)
        return api.ScheduleDraft(draft_id=draft.draft_id, revision=1, active_from=at, actor="staff:anna")

    one, other = await begun(DEARER, SOON), await begun(PAYS_LESS, SOON + timedelta(minutes=1))
    async with till.database.transaction() as first:
        await api.work_on_policy(first, till.database.clock, one)
        async with office.database.transaction() as second:
            scheduling = asyncio.create_task(api.work_on_policy(second, office.database.clock, other))
            while not scheduling.done() and not await waits(till):
                await asyncio.sleep(0)
            await first.commit()
            await scheduling


async def test_of_two_drafts_scheduled_at_once_the_second_does_not_set_back_the_first(
    till: Programme, office: Programme
) -> None:
    with pytest.raises(DraftBehind):
        await schedule_both_drafts(till, office)

    async with till.database.transaction() as tx:
        assert [one.earning.minor_per_point for one in await api.list_policies(tx)] == [100, 200]


async def test_without_the_lock_before_it_looks_the_second_sets_back_the_first(
    till: Programme, office: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the versions are read first and held only when the next is appended."""

    async def nothing(_: object) -> None:
        return None

    monkeypatch.setattr(drafts, "lock_versions", nothing)
    await schedule_both_drafts(till, office)

    async with till.database.transaction() as tx:
        assert [one.earning.minor_per_point for one in await api.list_policies(tx)] == [100, 200, 100]
