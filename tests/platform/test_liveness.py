"""A handler that speaks to people is handed news, never history."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from regulars.domain_events.base import Event
from regulars.platform.db.database import Database
from regulars.platform.db.programme_clock import set_programme_clock
from regulars.platform.db.transaction import Transaction
from regulars.platform.outbox.contracts import Delivered
from regulars.platform.outbox.liveness import lasting, live
from regulars.platform.outbox.relay import Relay
from regulars.platform.outbox.service import backlog
from tests.platform.relaying import ANNE, NOON, Forgotten, Noted, Watch, publish

pytestmark = pytest.mark.anyio
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
broken = False
told: list[int] = []
kept: list[int] = []
announced: list[str] = []
wanted_types: set[str] = set()


@live
async def tell(_: Transaction, events: Sequence[Delivered[Noted]]) -> None:
    if broken:
        raise RuntimeError
    told.extend(delivered.event.number for delivered in events)


async def wanted(_: Transaction) -> frozenset[str]:
    return frozenset(wanted_types)


@lasting(wanted)
async def announce(_: Transaction, events: Sequence[Delivered[Event]]) -> None:
    announced.extend(type(delivered.event).__name__ for delivered in events)


async def keep(_: Transaction, events: Sequence[Delivered[Noted]]) -> None:
    kept.extend(delivered.event.number for delivered in events)


@pytest.fixture(autouse=True)
def _nothing_yet() -> None:
    told.clear()
    kept.clear()
    announced.clear()
    wanted_types.clear()
    globals()["broken"] = False


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def relay(database: Database, watch: Watch) -> Relay:
    return Relay(database, {Noted: [keep, tell]}, wall=watch)


async def put_clock(database: Database, at: datetime, *, ticking: bool) -> None:
    async with database.transaction() as tx:
        await set_programme_clock(tx.connection, at, ticking=ticking)
    await database.follow_clock()


def at(number: int, recorded_at: datetime) -> Event:
    return Noted(member_id=ANNE, recorded_at=recorded_at, number=number)


async def marks(database: Database) -> list[tuple[str, int]]:
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT handler, count(*) FROM handled_events GROUP BY 1 ORDER BY 1")
    return [(handler.rpartition(".")[2], count) for handler, count in rows]


async def test_what_was_recorded_before_the_clock_was_set_is_history(database: Database, relay: Relay) -> None:
    await put_clock(database, NOON, ticking=True)
    await publish(database, at(1, NOON - SECOND), at(2, NOON), at(3, NOON + SECOND))

    await relay.drain()

    assert (told, kept) == ([2, 3], [1, 2, 3])
    assert await marks(database) == [("keep", 3), ("tell", 2)]


async def test_nothing_is_news_while_a_replay_holds_the_clock(database: Database, relay: Relay) -> None:
    await put_clock(database, NOON, ticking=False)
    await publish(database, at(1, NOON), at(2, NOON + HOUR))

    await relay.drain()

    assert (told, kept) == ([], [1, 2])
    assert await marks(database) == [("keep", 2)]


async def test_news_is_a_day_old_at_most(database: Database, relay: Relay) -> None:
    async with database.transaction() as tx:
        now = tx.now
    await publish(database, at(1, now - 25 * HOUR), at(2, now - 23 * HOUR), at(3, now))

    await relay.drain()

    assert (told, kept) == ([2, 3], [1, 2, 3])


async def test_what_lay_parked_until_it_was_history_is_passed_over(
    database: Database, relay: Relay, watch: Watch
) -> None:
    await put_clock(database, NOON, ticking=True)
    globals()["broken"] = True
    await publish(database, at(1, NOON), at(2, NOON + SECOND))
    await relay.drain()
    async with database.transaction() as tx:
        left = await backlog(tx)
    assert (told, left.retrying + left.waiting) == ([], 2)

    globals()["broken"] = False
    await put_clock(database, NOON + 48 * HOUR, ticking=True)
    watch.later(days=400)
    await relay.drain()

    async with database.transaction() as tx:
        left = await backlog(tx)
    assert (told, left.retrying, left.waiting, left.parked) == ([], 0, 0, 0)


async def test_what_nobody_wants_at_present_is_passed_over_with_the_page(database: Database, watch: Watch) -> None:
    async with database.transaction() as tx:
        now = tx.now
    relay = Relay(database, {Noted: [announce], Forgotten: [announce]}, page_size=2, wall=watch)
    forgotten = [Forgotten(member_id=ANNE, recorded_at=now) for _ in range(5)]
    wanted_types.add("Noted")
    await publish(database, *forgotten, at(1, now), *forgotten, at(2, now), *forgotten)

    assert await relay.step() == 2
    async with database.transaction() as tx:
        assert (await backlog(tx)).unread == 0

    wanted_types.add("Forgotten")
    await publish(database, forgotten[0])
    await relay.drain()
    assert announced == ["Noted", "Noted", "Forgotten"]
