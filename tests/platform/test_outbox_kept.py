"""Events are deleted once they are old and everybody has read them; who missed some is told so."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from regulars.domain_events.loyalty import PointsAccrued
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.event_feed.contracts import Wanted
from regulars.platform.event_feed.errors import EventCursorOutdated
from regulars.platform.event_feed.service import read_feed
from regulars.platform.outbox.contracts import Delivered
from regulars.platform.outbox.relay import Relay
from regulars.platform.outbox.service import forget_events
from regulars.platform.outbox.tasks import forget_events as forgetting
from regulars.platform.settings import Settings
from tests.platform.feeding import ANNE, BO, accrued

pytestmark = pytest.mark.anyio


async def take_odd(_: Transaction, events: Sequence[Delivered[PointsAccrued]]) -> None:
    """Fail at every even amount."""
    if any(event.amount % 2 == 0 for _, event in events):
        raise ValueError


async def forget(database: Database, *, at_most: int = 100, before: timedelta = timedelta(days=1)) -> bool:
    async with database.transaction() as tx:
        return await forget_events(tx, wall_now() + before, at_most=at_most)


async def left(database: Database) -> list[int]:
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT (payload::json->>'amount')::int FROM outbox ORDER BY seq")
    return [amount for (amount,) in rows]


async def read(database: Database, cursor: str | None) -> tuple[list[int], str]:
    async with database.transaction() as tx:
        page = await read_feed(tx, cursor, Wanted((), None, 100), "urn:tests")
    return [one.data["amount"] for one in page.events], page.cursor


async def publish(database: Database, *numbers: int) -> None:
    async with database.transaction() as tx:
        tx.publish(*[accrued(ANNE if number % 2 else BO, number) for number in numbers])


async def test_what_everybody_has_read_goes_but_the_newest(database: Database) -> None:
    relay = Relay(database, {PointsAccrued: [take_odd]})
    await publish(database, 1, 2, 3)
    assert await forget(database) is False, "nobody has read them yet"
    assert await left(database) == [1, 2, 3]
    _, early = await read(database, None)
    await relay.drain()
    await publish(database, 5, 7)
    _, late = await read(database, early)
    assert await forget(database, at_most=2) is True
    assert await left(database) == [2, 5, 7], "2 did not get through; 5 and 7 were not read"
    await relay.drain()
    assert await forget(database, before=-timedelta(days=1)) is False, "nothing is old"
    assert await forget(database) is False
    assert await left(database) == [2, 7]

    assert await read(database, late) == ([], late)
    with pytest.raises(EventCursorOutdated):
        await read(database, early)
    await publish(database, 9)
    assert (await read(database, late))[0] == [9]
    assert (await read(database, None))[0] == [2, 7, 9]


async def test_the_setting_decides_and_no_setting_deletes_what_marks_may_need(database: Database) -> None:
    await publish(database, 1, 3)
    await Relay(database, {PointsAccrued: [take_odd]}).drain()
    aged = "UPDATE outbox SET event_id = (lpad(to_hex((extract(epoch FROM %s::timestamptz) * 1000)::bigint), 12, '0')"
    for days, setting, kept in ((500, 0, [1, 3]), (60, 1, [1, 3]), (100, 1, [3])):
        async with database.transaction() as tx:
            tx.write(
                aged + " || '7000800000000000000' || seq %% 10)::uuid",
                (wall_now() - timedelta(days=days),),
            )
            assert await forgetting.work(tx, Settings(keep_events_days=setting)) is False
        assert await left(database) == kept
