"""A version comes while somebody books: who was booked by the version before rises all the same, by the new one."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec import structs

from regulars.loyalty import api
from regulars.loyalty.arrivals import store
from regulars.loyalty.policy.service import Configuration
from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.loyalty.previewing import arrive, clock_at, drafted, risen, scheduled
from tests.loyalty.programme import DAY, EASY, NOON, Programme, order

pytestmark = pytest.mark.anyio
COMES = NOON + 20 * DAY
A_MOMENT = timedelta(milliseconds=20)
RECOMPUTED = "tiers recomputed"


def lowered() -> api.Policy:
    tiers = zip(EASY.tier.tiers, (0, 500, 1_200, 5_000), strict=True)
    asking = tuple([structs.replace(rule, threshold=threshold) for rule, threshold in tiers])
    return structs.replace(EASY, tier=structs.replace(EASY.tier, tiers=asking))


@pytest.fixture
async def till(database: Database, vault: LocalVault) -> Programme:
    """Return a programme of which a version is to come that asks for less."""
    programme = await Programme.begin(database, vault, EASY)
    clock_at(database, NOON)
    await scheduled(database, await drafted(database, lowered()), COMES)
    return programme


@pytest.fixture
async def worker(database_url: str) -> AsyncIterator[Database]:
    """Return the database as the process sees it that books what came."""
    async with Database(database_url, pool_size=3) as database:
        yield database


async def bought(till: Programme) -> list[UUID]:
    """Let two buy long before: the first for too little, the second for enough."""
    members = await till.members(2)
    await till.one(order(members[0], "A", NOON, 100))
    await till.one(order(members[1], "A", NOON, 60_000))
    return members


async def is_finished(till: Programme) -> bool:
    return await till.rows("SELECT finished_at IS NOT NULL FROM policy_arrivals WHERE version = 2") == [(True,)]


async def race(till: Programme, worker: Database) -> list[UUID]:
    """Let a version come while a batch writes that began before; returns the members."""
    members = await bought(till)
    clock_at(till.database, COMES - A_MOMENT)
    async with till.database.transaction(set_based=True) as tx:
        needs = api.Needs(until=tx.now, members={members[0]}, orders={(members[0], "B")})
        books = await api.open_books(tx, till.configuration, needs)
        books.settle_order(order(members[0], "B", COMES - A_MOMENT, 60_000))
        books.write(tx)
        await tx.flush()
        await arrive(worker, COMES + A_MOMENT, at_once=1)
        assert await risen(worker, 2) == {members[1]: ("regular", "silver")}
    await arrive(worker, COMES + timedelta(minutes=1), at_once=1)
    assert await is_finished(till)
    return members


async def test_who_was_being_booked_as_the_version_came_rises_too(till: Programme, worker: Database) -> None:
    members = await race(till, worker)

    assert await risen(worker, 2) == dict.fromkeys(members, ("regular", "silver"))
    recorded = await till.rows("SELECT recorded_at, policy_version FROM settlements WHERE order_id = 'B'")
    assert recorded == [(COMES - A_MOMENT, 1)]
    assert await till.problems() == {}


async def test_without_the_wait_who_was_being_booked_stays_below(
    till: Programme, worker: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same, and nobody is waited for. Verifying finds who was passed over."""

    async def nobody(_: object) -> list[str]:
        return []

    monkeypatch.setattr(store, "holders", nobody)
    members = await race(till, worker)

    assert list(await risen(worker, 2)) == [members[1]]
    assert list(await till.problems()) == [RECOMPUTED]


async def late(till: Programme, worker: Database) -> UUID:
    """Let a process book whose clock is behind, after the version came and all was gone through."""
    member = (await bought(till))[0]
    await arrive(worker, COMES + A_MOMENT)
    assert await is_finished(till)
    clock_at(till.database, COMES - DAY)
    await till.one(order(member, "B", COMES - DAY, 60_000))
    return member


async def test_a_process_whose_clock_is_behind_books_by_the_version_that_came(
    till: Programme, worker: Database
) -> None:
    member = await late(till, worker)

    assert await till.rows(
        "SELECT recorded_at, effective_at, policy_version FROM settlements WHERE order_id = 'B'"
    ) == [(COMES, COMES - DAY, 2)]
    assert await till.rows("SELECT tier FROM member_books WHERE member_id = %s", (member,)) == [(1,)]
    assert await till.problems() == {}


async def test_without_the_look_at_what_came_it_books_by_the_one_before(
    till: Programme, worker: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same, by a process that does not heed which versions came."""
    monkeypatch.setattr(Configuration, "open_from", lambda *_: None)
    member = await late(till, worker)

    assert await till.rows("SELECT policy_version FROM settlements WHERE order_id = 'B'") == [(1,)]
    assert await till.rows("SELECT tier FROM member_books WHERE member_id = %s", (member,)) == [(0,)]
    assert list(await till.problems()) == [RECOMPUTED]
