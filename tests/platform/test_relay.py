"""The relay loses nothing, repeats nothing, and keeps each member's order, however transactions interleave."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from random import Random
from uuid import UUID

import pytest

from regulars.platform.db import snapshots
from regulars.platform.db.database import Database
from regulars.platform.db.snapshots import OUTBOX, RestoredElsewhere
from regulars.platform.db.transaction import Transaction
from regulars.platform.outbox.contracts import Delivered, Reactions
from regulars.platform.outbox.relay import Relay, UnknownEvent, subscriptions
from regulars.platform.outbox.service import backlog
from tests.platform.relaying import (
    ANNE,
    BO,
    NOON,
    Forgotten,
    Notebook,
    Noted,
    create_effects,
    effects,
    noted,
    publish,
    relayed,
    restore_into_younger_server,
    until_somebody_waits,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def book(database: Database) -> Notebook:
    await create_effects(database)
    return Notebook()


@pytest.fixture
async def relay(database: Database, book: Notebook) -> Relay:
    return Relay(database, {Noted: [book.note], Forgotten: []})


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, pool_size=2) as opened:
        yield opened


async def read_naively(tx: Transaction, after: tuple[int, int]) -> list[tuple[int, int]]:
    """The cursor that is not good enough: what is settled for all, in the order of transaction ids."""
    rows = await tx.rows(
        """
        SELECT transaction_id::text::bigint, seq FROM outbox
        WHERE transaction_id < pg_snapshot_xmin(pg_current_snapshot())
          AND (transaction_id::text::bigint, seq) > (%s, %s)
        ORDER BY 1, 2
        """,
        after,
    )
    return [(transaction_id, seq) for transaction_id, seq in rows]


async def read_naively_at_last(database: Database, after: tuple[int, int]) -> list[tuple[int, int]]:
    """Read until something comes: transactions in other databases of the server hold this cursor up too."""
    while True:
        async with database.transaction() as tx:
            if found := await read_naively(tx, after):
                return found
        await asyncio.sleep(0.005)


async def numbered(database: Database, seqs: Sequence[int]) -> list[int]:
    async with database.transaction() as tx:
        rows = await tx.rows(
            "SELECT (payload::json->>'number')::int FROM outbox WHERE seq = ANY (%s) ORDER BY array_position(%s, seq)",
            (list(seqs), list(seqs)),
        )
    return [number for (number,) in rows]


# --- nothing is lost -------------------------------------------------------------------------------------------


async def test_what_commits_late_comes_later(database: Database, relay: Relay, book: Notebook) -> None:
    async with database.transaction() as slow:
        slow.publish(noted(ANNE, 1))
        await slow.flush()
        await publish(database, noted(BO, 2))
        assert await relayed(relay, book) == [2]
        async with database.transaction() as tx:
            last_seq = (await tx.rows("SELECT max(seq) FROM outbox"))[0][0]

    assert await relayed(relay, book) == [1]
    async with database.transaction() as tx:  # control: "all numbers above the last" never finds it
        assert await tx.rows("SELECT seq FROM outbox WHERE seq > %s", (last_seq,)) == []


async def test_what_rolls_back_never_comes(database: Database, relay: Relay, book: Notebook) -> None:
    async with database.transaction() as undone:
        undone.publish(noted(ANNE, 1))
        await undone.flush()
        await publish(database, noted(BO, 2))
        assert await relayed(relay, book) == [2]
        await undone.connection.rollback()

    assert await relayed(relay, book) == []


async def test_a_long_transaction_holds_nobody_up(database: Database, relay: Relay, book: Notebook) -> None:
    async with database.transaction() as slow:
        await slow.rows("SELECT pg_current_xact_id()")
        for number in range(5):
            await publish(database, noted(BO, number))
            assert await relayed(relay, book) == [number]
        async with database.transaction() as tx:  # control
            assert await read_naively(tx, (0, 0)) == []


async def test_what_handlers_publish_is_relayed_too(database: Database) -> None:
    seen: list[int] = []

    async def count_down(tx: Transaction, events: Sequence[Delivered[Noted]]) -> None:
        for _, event in events:
            seen.append(event.number)
            if event.number:
                tx.publish(noted(event.member_id, event.number - 1))

    await publish(database, noted(ANNE, 3), noted(BO, 1))
    await Relay(database, {Noted: [count_down]}).drain()

    assert seen == [3, 1, 2, 0, 1, 0]


async def test_a_window_is_refused_to_a_transaction_that_has_written(database: Database, other: Database) -> None:
    async with database.transaction() as tx:
        own = (await tx.rows("SELECT pg_current_xact_id()::text"))[0][0]
        await publish(other, noted(ANNE, 1))
        visible = "SELECT pg_visible_in_snapshot(%s::xid8, pg_current_snapshot())"

        assert (await tx.rows(visible, (own,)))[0][0], "the reason: its own rows would count as read"
        with pytest.raises(RuntimeError, match="before its transaction writes"):
            await snapshots.open_window(tx, "reactions", OUTBOX)


# --- each member's order ---------------------------------------------------------------------------------------


async def test_order_follows_the_member_s_lock_not_the_transaction_s_id(
    database: Database, relay: Relay, book: Notebook
) -> None:
    """The second transaction got its id first, waited for the first one's lock, and wrote after it."""
    async with database.transaction() as tx:
        tx.write("CREATE TABLE locked (member_id uuid PRIMARY KEY)")
        tx.write("INSERT INTO locked VALUES (%s)", (ANNE,))
    lock = "SELECT 1 FROM locked WHERE member_id = %s FOR UPDATE"

    async with database.transaction() as long:
        async with database.transaction() as second:
            await second.rows("SELECT pg_current_xact_id()")
            await long.rows("SELECT pg_current_xact_id()")
            async with database.transaction() as first:
                await first.rows(lock, (ANNE,))
                first.publish(noted(ANNE, 1))
                await first.flush()
                waiting = asyncio.create_task(second.rows(lock, (ANNE,)))
                await until_somebody_waits(first)
            await waiting
            second.publish(noted(ANNE, 2))
        naive = await read_naively_at_last(database, (0, 0))
        assert await relayed(relay, book) == [1, 2]

    naive += await read_naively_at_last(database, naive[-1])
    assert await numbered(database, [seq for _, seq in naive]) == [2, 1], "control: in two windows, turned round"


async def test_a_window_is_read_in_pages_to_its_end_before_the_next(database: Database, book: Notebook) -> None:
    await publish(database, *[noted(ANNE, number) for number in range(10)])
    reactions: Reactions = {Noted: [book.note]}
    async with database.transaction() as late:
        late.publish(noted(BO, 100))
        await late.flush()
        await publish(database, *[noted(ANNE, number) for number in range(10, 15)])
        for _ in range(2):  # each page by a relay that knows nothing of the one before
            assert await Relay(database, reactions, page_size=4).step() == 4
    await publish(database, noted(ANNE, 15))
    async with database.transaction() as tx:
        assert (await backlog(tx)).unread == 15 - 8 + 1 + 1

    await Relay(database, reactions, page_size=4).drain()

    assert book.numbers == [*range(15), 100, 15]
    assert book.pages == [4, 4, 4, 3, 2]


async def test_two_relays_and_many_writers(database: Database, other: Database, book: Notebook) -> None:
    """Every event exactly once, and each member's in the order in which the member's lock was had."""
    members = [UUID(int=number) for number in range(5)]
    random = Random(20260501)
    written: dict[UUID, list[int]] = {member: [] for member in members}
    async with database.transaction() as tx:
        tx.write("CREATE TABLE locked AS SELECT unnest(%s::uuid[]) AS member_id", (members,))

    async def write(writer: int) -> None:
        for turn in range(40):
            member = random.choice(members)
            number = writer * 1000 + turn
            async with database.transaction() as tx:
                if random.random() < 0.5:
                    await tx.rows("SELECT pg_current_xact_id()")
                await tx.rows("SELECT 1 FROM locked WHERE member_id = %s FOR UPDATE", (member,))
                tx.publish(noted(member, number))
                await tx.flush()
                written[member].append(number)
                await asyncio.sleep(random.random() / 500)

    stop = asyncio.Event()
    relays = [Relay(each, {Noted: [book.note]}, page_size=7) for each in (database, other)]
    running = [asyncio.create_task(relay.run(stop)) for relay in relays]
    await asyncio.gather(*[write(writer) for writer in range(4)])
    async with database.transaction() as tx:
        while not (await backlog(tx)).is_drained:
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.gather(*running)

    found = await effects(database)
    assert len(found) == 160
    for numbers in written.values():
        assert [number for number in found if number in set(numbers)] == numbers


# --- nothing is repeated ---------------------------------------------------------------------------------------


async def test_a_replay_is_harmless(database: Database, relay: Relay) -> None:
    await publish(database, noted(ANNE, 1), noted(BO, 2), Forgotten(member_id=ANNE, recorded_at=NOON))
    await relay.drain()

    for expected, also in (([1, 2], ""), ([1, 2, 1, 2], "; DELETE FROM handled_events")):  # the marks are the reason
        async with database.transaction() as tx:
            for statement in f"DELETE FROM relay_cursors{also}".split("; "):
                tx.write(statement)
        assert await relay.drain() == 2
        assert await effects(database) == expected


async def test_effects_marks_and_cursor_move_together(database: Database, relay: Relay) -> None:
    """A step that is interrupted before its commit has not happened."""
    await publish(database, noted(ANNE, 1))
    async with database.transaction(set_based=True) as tx:
        assert await relay._step(tx) == 1
        await tx.flush()
        await tx.connection.rollback()
    assert await effects(database) == []

    assert await relay.step() == 1
    assert await effects(database) == [1]


# --- the page of reactions -------------------------------------------------------------------------------------


async def test_a_handler_of_two_types_gets_both_in_order(database: Database) -> None:
    seen: list[str] = []

    async def watch(_: Transaction, events: Sequence[Delivered[Noted | Forgotten]]) -> None:
        seen.extend(type(event).__name__ for _, event in events)

    forgotten = Forgotten(member_id=ANNE, recorded_at=NOON)
    await publish(database, noted(ANNE, 1), forgotten, noted(ANNE, 2))
    await Relay(database, {Noted: [watch], Forgotten: [watch]}).drain()

    assert seen == ["Noted", "Forgotten", "Noted"]


async def test_handlers_need_names() -> None:
    with pytest.raises(TypeError, match="name of its own"):
        subscriptions({Noted: [lambda tx, events: tx.flush()]})  # noqa: ARG005 - a lambda is what is refused
    first, second = Notebook(), Notebook()
    with pytest.raises(ValueError, match="two handlers"):
        subscriptions({Noted: [first.note, second.note]})


async def test_an_event_of_a_newer_release_waits_for_it(database: Database, book: Notebook) -> None:
    await publish(database, noted(ANNE, 1), Forgotten(member_id=ANNE, recorded_at=NOON), noted(ANNE, 2))
    old = Relay(database, {Noted: [book.note]})

    assert await old.step() == 1
    with pytest.raises(UnknownEvent, match="Forgotten"):
        await old.step()
    await Relay(database, {Noted: [book.note], Forgotten: []}).drain()

    assert book.numbers == [1, 2]


# --- trouble ---------------------------------------------------------------------------------------------------


async def test_outlives_lost_connections(database: Database, other: Database, book: Notebook) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(Relay(database, {Noted: [book.note]}).run(stop))
    for number in range(3):
        await publish(other, noted(ANNE, number))
        async with other.transaction() as tx:
            await tx.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    while len(book.numbers) < 3:
        await asyncio.sleep(0.01)
    stop.set()
    await running

    assert await effects(other) == [0, 1, 2]


async def test_stops_at_once_when_idle(relay: Relay) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(relay.run(stop))
    await asyncio.sleep(0)
    stop.set()

    await asyncio.wait_for(running, 5)


async def test_rebase_after_a_restore_into_a_younger_server(database: Database, book: Notebook) -> None:
    """Of two readers one has read all, one half of a window, and one event nobody has read."""
    relay = Relay(database, {Noted: [book.note]}, page_size=2)
    await publish(database, noted(ANNE, 1), noted(ANNE, 2), noted(ANNE, 3))
    await relay.step()
    await Relay(database, {Noted: []}, reader="webhooks").drain()
    await publish(database, noted(ANNE, 4))
    async with database.transaction() as tx:
        assert not await snapshots.needs_rebase(tx)
    await restore_into_younger_server(database)
    async with database.transaction() as tx:
        assert await snapshots.needs_rebase(tx)
    with pytest.raises(RestoredElsewhere):
        await Relay(database, {Noted: []}, reader="webhooks").step()

    async with database.transaction() as tx:
        await snapshots.rebase(tx)

    async with database.transaction() as tx:
        assert not await snapshots.needs_rebase(tx)
        assert ((await backlog(tx)).unread, (await backlog(tx, "webhooks")).unread) == (2, 2)
    assert await relayed(relay, book) == [3, 4]
    assert await effects(database) == [1, 2, 3, 4]
