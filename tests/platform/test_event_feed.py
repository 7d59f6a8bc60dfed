"""The feed loses nothing, repeats nothing, and keeps each member's order, however transactions interleave."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from random import Random
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from regulars.platform.db import snapshots
from regulars.platform.db.database import Database
from regulars.platform.event_feed import cursors
from regulars.platform.event_feed.cursors import Cursor
from regulars.platform.event_feed.errors import EventCursorOutdated, EventCursorUnreadable
from tests.platform.feeding import ANNE, BO, Reader, accrued, redeemed
from tests.platform.relaying import publish, restore_into_younger_server, until_somebody_waits
from tests.platform.test_relay import read_naively_at_last

pytestmark = pytest.mark.anyio


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, pool_size=2) as opened:
        yield opened


async def test_what_commits_late_comes_later(database: Database) -> None:
    reader = Reader(database)
    async with database.transaction() as slow:
        slow.publish(accrued(ANNE, 1))
        await slow.flush()
        await publish(database, accrued(BO, 2))
        assert await reader.drain() == [2]
        async with database.transaction() as tx:
            last_seq = (await tx.rows("SELECT max(seq) FROM outbox"))[0][0]
        assert await reader.drain() == []

    assert await reader.drain() == [1]
    assert await reader.drain() == []
    async with database.transaction() as tx:  # control: "all numbers above the last" never finds it
        assert await tx.rows("SELECT seq FROM outbox WHERE seq > %s", (last_seq,)) == []


async def test_order_follows_the_member_s_lock_not_the_transaction_s_id(database: Database) -> None:
    """The second transaction got its id first, waited for the first one's lock, and wrote after it."""
    async with database.transaction() as tx:
        tx.write("CREATE TABLE locked (member_id uuid PRIMARY KEY)")
        tx.write("INSERT INTO locked VALUES (%s)", (ANNE,))
    lock = "SELECT 1 FROM locked WHERE member_id = %s FOR UPDATE"
    reader = Reader(database)

    async with database.transaction() as long:
        async with database.transaction() as second:
            await second.rows("SELECT pg_current_xact_id()")
            await long.rows("SELECT pg_current_xact_id()")
            async with database.transaction() as first:
                await first.rows(lock, (ANNE,))
                first.publish(accrued(ANNE, 1))
                await first.flush()
                waiting = asyncio.create_task(second.rows(lock, (ANNE,)))
                await until_somebody_waits(first)
            await waiting
            second.publish(accrued(ANNE, 2))
        naive = await read_naively_at_last(database, (0, 0))
        assert await reader.drain() == [1, 2]

    naive += await read_naively_at_last(database, naive[-1])
    async with database.transaction() as tx:
        found = await tx.rows("SELECT seq, (payload::json->>'amount')::int FROM outbox")
    amounts = {row[0]: row[1] for row in found}
    assert [amounts[seq] for _, seq in naive] == [2, 1], "control: in two windows, turned round"


async def test_a_window_is_read_in_pages_to_its_end_before_the_next(database: Database) -> None:
    reader = Reader(database, limit=4)
    await publish(database, *[accrued(ANNE, number) for number in range(10)])
    async with database.transaction() as late:
        late.publish(accrued(BO, 100))
        await late.flush()
        await publish(database, *[accrued(ANNE, number) for number in range(10, 15)])
        assert [(await reader.step()).has_more for _ in range(2)] == [True, True]
    await publish(database, accrued(ANNE, 15))

    await reader.drain()

    assert reader.numbers == [*range(15), 100, 15]
    assert reader.pages == [4, 4, 4, 4, 1]


async def test_rare_events_are_found_by_answers_that_look_at_so_many_rows(database: Database) -> None:
    reader = Reader(database, "points.redeemed", limit=2, look_at=5)
    await publish(database, *[accrued(ANNE, number) for number in range(12)], redeemed(BO, 12), redeemed(ANNE, 13))

    assert await reader.drain() == [12, 13]
    assert reader.pages == [0, 0, 2, 0]
    assert await Reader(database, member_id=BO).drain() == [12]
    assert await Reader(database, "points.redeemed", member_id=ANNE).drain() == [13]


async def test_now_begins_behind_the_last_also_with_one_that_commits_late(database: Database) -> None:
    await publish(database, accrued(ANNE, 1))
    reader = Reader(database, cursor="now")
    async with database.transaction() as late:
        late.publish(accrued(BO, 2))
        await late.flush()
        page = await reader.step()
        await publish(database, accrued(ANNE, 3))

    assert (page.events, page.has_more) == ([], False)
    assert await reader.drain() == [2, 3]


async def test_many_writers_and_readers_of_any_page(database: Database, other: Database) -> None:
    """Every event exactly once, and each member's in the order in which the member's lock was had."""
    members = [UUID(int=number) for number in range(5)]
    random = Random(20260501)
    written: dict[UUID, list[int]] = {member: [] for member in members}
    async with database.transaction() as tx:
        tx.write("CREATE TABLE locked AS SELECT unnest(%s::uuid[]) AS member_id", (members,))

    async def write(writer: int) -> None:
        for turn in range(30):
            member = random.choice(members)
            number = writer * 1000 + turn
            async with database.transaction() as tx:
                if random.random() < 0.5:
                    await tx.rows("SELECT pg_current_xact_id()")
                await tx.rows("SELECT 1 FROM locked WHERE member_id = %s FOR UPDATE", (member,))
                tx.publish(accrued(member, number))
                await tx.flush()
                written[member].append(number)
                await asyncio.sleep(random.random() / 500)

    readers = [Reader(other, limit=7), Reader(other, limit=3, look_at=2)]
    writing = asyncio.gather(*[write(writer) for writer in range(4)])
    while not writing.done():
        for reader in readers:
            await reader.step()
    await writing
    for reader in readers:
        await reader.drain()
        assert len(reader.numbers) == len(set(reader.numbers)) == 120
        for numbers in written.values():
            assert [number for number in reader.numbers if number in set(numbers)] == numbers


# --- cursors that do not fit any more -------------------------------------------------------------------------------


async def test_a_cursor_of_before_a_logical_restore_is_refused(database: Database) -> None:
    await publish(database, accrued(ANNE, 1))
    old, unread = Reader(database), Reader(database, cursor="now")
    await old.drain()
    await unread.drain()
    await restore_into_younger_server(database)
    async with database.transaction() as tx:
        await snapshots.rebase(tx)
    fresh = Reader(database)
    assert await fresh.drain() == [1]

    async with database.transaction() as tx:
        await snapshots.rebase(tx)  # restored once more, and counted alike

    for reader in (old, unread, fresh):
        with pytest.raises(EventCursorOutdated):
            await reader.step()
    assert await Reader(database).drain() == [1]


async def test_a_cursor_that_saw_what_is_not_there_is_refused(database: Database) -> None:
    """As after a restore to an earlier instant: the transaction, or the event under that number, is another."""
    await publish(database, accrued(ANNE, 1), accrued(ANNE, 2))
    reader = Reader(database)
    await reader.drain()
    assert reader.cursor is not None
    cursor = cursors.read(reader.cursor)
    xmin = int(cursor.last_snapshot.partition(":")[0])
    ahead = Cursor(cursor.epoch, f"{xmin}:{xmin + 10**6}:", seen_seq=cursor.seen_seq, seen=cursor.seen)
    with pytest.raises(EventCursorOutdated):
        await Reader(database, cursor=cursors.write(ahead)).step()
    async with database.transaction() as tx:
        tx.write("UPDATE outbox SET event_id = gen_random_uuid() WHERE seq = %s", (cursor.seen_seq,))
    with pytest.raises(EventCursorOutdated):
        await reader.step()


@given(
    st.integers(1, 2**61),
    st.lists(st.integers(1, 10**6), max_size=300),
    st.integers(1, 10**6),
    st.binary(max_size=16),
)
def test_cursors_are_read_as_written(xmin: int, steps: list[int], rest: int, epoch: bytes) -> None:
    assume(xmin % 2**32 and (xmin + sum(steps) + rest) % 2**32)  # PostgreSQL gives neither, nor reads it
    running = [xmin + sum(steps[: at + 1]) for at in range(len(steps))]
    snapshot = f"{xmin}:{xmin + sum(steps) + rest}:{','.join(map(str, running))}"
    cursor = Cursor(epoch, snapshot, f"{xmin}:{xmin}:", 5, 9, 7, b"0123456789abcdef")

    text = cursors.write(cursor)

    assert cursors.read(text) == cursor
    assert len(text) < 2_500
    assert text.replace("-", "").replace("_", "").isalnum()


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda found: urlsafe_b64encode(found).decode())))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(EventCursorUnreadable):
        cursors.read(text)


def test_a_snapshot_that_is_none_is_refused() -> None:
    good = Cursor(b"", "5:9:5,8")
    assert cursors.read(cursors.write(good)) == good
    for bad in ("5:9:8,8", "5:9:9", "5:9:4", f"5:{2**63}:", f"5:{2**32}:", f"{2**40}:{2**40 + 3}:"):
        with pytest.raises(EventCursorUnreadable):
            cursors.read(cursors.write(Cursor(b"", bad)))
    with pytest.raises(EventCursorUnreadable):
        cursors.read("A" * 20_000)


async def test_after_a_physical_restore_nothing_is_passed_over_in_silence(database: Database) -> None:
    """The cursor saw transactions without events behind the last event, to which the database was then set back."""
    await publish(database, accrued(ANNE, 1))
    reader = Reader(database)
    assert await reader.drain() == [1]
    before = cursors.read(reader.cursor or "")
    ahead = int(before.last_snapshot.split(":")[1]) + 20
    later = replace(before, last_snapshot=f"{ahead}:{ahead}:")
    # From here on this is the database of before those transactions, which goes on.
    for number in range(2, 12):
        await publish(database, accrued(ANNE, number))
    for _ in range(40):
        async with database.transaction() as tx:
            await tx.rows("SELECT pg_current_xact_id()")

    with pytest.raises(EventCursorOutdated):
        await Reader(database, cursor=cursors.write(later)).drain()
    assert await Reader(database, cursor=cursors.write(before)).drain() == list(range(2, 12))


async def test_a_cursor_knows_the_last_event_that_it_was_led_past_wanted_or_not(database: Database) -> None:
    await publish(database, accrued(ANNE, 1))
    reader = Reader(database, "points.accrued")
    await reader.drain()
    await publish(database, redeemed(ANNE, 2), accrued(ANNE, 3), redeemed(ANNE, 4))
    await reader.drain()
    kept = reader.cursor
    async with database.transaction() as tx:
        tx.write("DELETE FROM outbox WHERE seq = (SELECT max(seq) FROM outbox)")  # set back to before the last one

    with pytest.raises(EventCursorOutdated):
        await Reader(database, "points.accrued", cursor=kept).drain()


async def test_a_process_of_the_release_before_leaves_what_it_does_not_know_to_the_later_one(
    database: Database,
) -> None:
    await publish(database, accrued(ANNE, 1), accrued(ANNE, 2), accrued(BO, 3), accrued(ANNE, 4))
    async with database.transaction() as tx:
        tx.write("UPDATE outbox SET type = 'OfALaterRelease' WHERE seq = (SELECT min(seq) + 1 FROM outbox)")
    everything, one_type = Reader(database), Reader(database, "points.accrued")

    first = await everything.step()
    again = await everything.step()
    assert await one_type.drain() == [1, 3, 4]
    async with database.transaction() as tx:
        tx.write("UPDATE outbox SET type = 'PointsAccrued'")  # now this process is of the later release

    assert [event.data["amount"] for event in first.events] == [1]
    assert (first.has_more, again.events, again.has_more) == (False, [], False)
    assert await everything.drain() == [2, 3, 4]
