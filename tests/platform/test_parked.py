"""An event that fails harms itself and those of its member behind it, for its handler only; and nothing is lost."""

from collections.abc import Sequence

import msgspec
import pytest
from psycopg.errors import CheckViolation, DiskFull, LockNotAvailable

from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import Conflict, NotFound
from regulars.platform.outbox.contracts import Delivered
from regulars.platform.outbox.dispatch import MAX_ATTEMPTS, pause_after
from regulars.platform.outbox.relay import PATIENCE, Relay
from regulars.platform.outbox.service import (
    backlog,
    discard_parked,
    forget_handled,
    list_parked,
    replay_all_parked,
    replay_parked,
)
from tests.platform.relaying import (
    ANNE,
    BO,
    CY,
    NOON,
    Notebook,
    Noted,
    Watch,
    create_effects,
    effects,
    noted,
    publish,
)

pytestmark = pytest.mark.anyio
HANDLER = "tests.platform.relaying.note"


async def copy(tx: Transaction, events: Sequence[Delivered[Noted]]) -> None:
    """Another handler of the same events, which never fails."""
    for delivered in events:
        tx.write("INSERT INTO effects (handler, number) VALUES ('copy', %s)", (delivered.event.number,))


@pytest.fixture
async def book(database: Database) -> Notebook:
    await create_effects(database)
    return Notebook()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def relay(database: Database, book: Notebook, watch: Watch) -> Relay:
    return Relay(database, {Noted: [book.note, copy]}, wall=watch)


async def states(database: Database) -> list[tuple[int, str, int]]:
    """Number, state and attempts of each event on the list, in order."""
    async with database.transaction() as tx:
        rows = await tx.rows(
            "SELECT (payload::json->>'number')::int, state, attempts FROM parked_events JOIN outbox USING (seq)"
            " ORDER BY seq, handler"
        )
    return [(number, state, attempts) for number, state, attempts in rows]


async def seq_of(database: Database, number: int) -> int:
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT seq FROM outbox WHERE (payload::json->>'number')::int = %s", (number,))
    return int(rows[0][0])


async def park(database: Database, relay: Relay, watch: Watch) -> None:
    """Let everything that fails fail as often as it may."""
    for _ in range(MAX_ATTEMPTS):
        await relay.drain()
        watch.later(hours=1)
    async with database.transaction() as tx:
        assert (await backlog(tx)).is_drained


async def test_only_the_failing_event_and_those_behind_it_are_held(
    database: Database, relay: Relay, book: Notebook, watch: Watch
) -> None:
    book.broken = {3}
    members = [ANNE, BO, ANNE, CY, ANNE, BO, ANNE, None]
    await publish(database, *[noted(member, number) for number, member in enumerate(members, 1)])

    await relay.drain()

    assert await effects(database) == [1, 2, 4, 6, 8]
    assert await effects(database, "copy") == [1, 2, 3, 4, 5, 6, 7, 8]
    assert await states(database) == [(3, "retrying", 1), (5, "waiting", 0), (7, "waiting", 0)]

    await publish(database, noted(ANNE, 9), noted(BO, 10))
    await relay.drain()
    assert (await effects(database))[5:] == [10]
    assert (await states(database))[-1] == (9, "waiting", 0)

    book.broken = set()
    await relay.drain()
    assert len(await effects(database)) == 6, "not before its time"
    watch.later(seconds=7)
    await relay.drain()
    assert (await effects(database))[6:] == [3, 5, 7, 9]
    assert await states(database) == []


async def test_behind_a_failing_event_another_may_fail(
    database: Database, relay: Relay, book: Notebook, watch: Watch
) -> None:
    book.broken = {1, 3}
    await publish(database, *[noted(ANNE, number) for number in range(1, 5)])
    await relay.drain()
    book.broken = {3}
    watch.later(seconds=7)
    await relay.drain()

    assert await effects(database) == [1, 2]
    assert await states(database) == [(3, "retrying", 1), (4, "waiting", 0)]


async def test_more_behind_it_than_a_page_holds(database: Database, book: Notebook, watch: Watch) -> None:
    book.broken = {0}
    relay = Relay(database, {Noted: [book.note]}, page_size=3, wall=watch)
    await publish(database, *[noted(ANNE, number) for number in range(10)])
    await relay.drain()
    book.broken = set()
    watch.later(seconds=7)
    await relay.drain()

    assert await effects(database) == list(range(10))
    assert await states(database) == []


async def test_events_without_a_member_hold_nobody(database: Database, relay: Relay, book: Notebook) -> None:
    book.broken = {1}
    await publish(database, *[noted(None, number) for number in range(3)])
    await relay.drain()

    assert await effects(database) == [0, 2]
    assert await states(database) == [(1, "retrying", 1)]


async def test_what_a_failing_handler_wrote_and_published_is_undone(database: Database, watch: Watch) -> None:
    async def half(tx: Transaction, events: Sequence[Delivered[Noted]]) -> None:
        for _, event in events:
            if event.number < 10:
                tx.publish(noted(event.member_id, event.number + 10))
                raise ValueError

    await publish(database, noted(ANNE, 1))
    assert await Relay(database, {Noted: [half]}, wall=watch).drain() == 1

    async with database.transaction() as tx:
        assert await tx.rows("SELECT count(*) FROM outbox") == [(1,)]


async def test_retries_end_and_a_person_replays(database: Database, relay: Relay, book: Notebook, watch: Watch) -> None:
    book.broken = {1, 3}
    await publish(database, noted(ANNE, 1), noted(ANNE, 2), noted(BO, 3), noted(CY, 4))
    await park(database, relay, watch)

    assert await states(database) == [(1, "parked", 8), (2, "waiting", 0), (3, "parked", 8)]
    async with database.transaction() as tx:
        first, second, third = await list_parked(tx)
        assert await list_parked(tx, states=["waiting"]) == [second]
        assert await list_parked(tx, handler="nobody") == []
        assert await list_parked(tx, after=(second.seq, second.handler)) == [third]
        assert (first.handler, first.member_id, first.type) == (HANDLER, ANNE, "Noted")
        assert first.error.startswith("builtins.RuntimeError in note, line ")
        assert "555" not in first.error
        now = await backlog(tx)
        assert (now.unread, now.retrying, now.waiting, now.parked) == (0, 0, 1, 2)

    book.broken = set()
    async with database.transaction(actor="key:ak_1") as tx:
        with pytest.raises(Conflict):
            await replay_parked(tx, HANDLER, second.seq, reason="impatient")
        with pytest.raises(NotFound):
            await replay_parked(tx, HANDLER, 999, reason="no such event")
        await replay_parked(tx, HANDLER, first.seq, reason="the cause is mended")
    relay = Relay(database, {Noted: [book.note, copy]})
    await relay.drain()
    assert await effects(database) == [4, 1, 2]

    async with database.transaction(actor="key:ak_1") as tx:
        assert await replay_all_parked(tx, reason="so is this") == 1
    await relay.drain()
    assert await effects(database) == [4, 1, 2, 3]
    assert await states(database) == []
    async with database.transaction() as tx:
        entries = await tx.rows("SELECT actor, action, subject, reason FROM audit_entries ORDER BY entry_id")
    assert entries == [
        ("key:ak_1", "replay_parked_event", str(first.event_id), "the cause is mended"),
        ("key:ak_1", "replay_parked_events", "all handlers", "so is this"),
    ]


async def test_a_person_gives_an_event_up(database: Database, relay: Relay, book: Notebook, watch: Watch) -> None:
    book.broken = {1}
    await publish(database, noted(ANNE, 1), noted(ANNE, 2), noted(ANNE, 3))
    await park(database, relay, watch)
    async with database.transaction(actor="key:ak_1") as tx:
        given_up = await discard_parked(tx, HANDLER, await seq_of(database, 1), reason="a test order")
    book.broken = set()
    await Relay(database, {Noted: [book.note, copy]}).drain()

    assert await effects(database) == [2, 3]
    async with database.transaction() as tx:
        assert await tx.rows("SELECT action, subject, reason FROM audit_entries") == [
            ("discard_parked_event", str(given_up.event_id), "a test order")
        ]
        tx.write("DELETE FROM relay_cursors")
    await Relay(database, {Noted: [book.note, copy]}).drain()
    assert await effects(database) == [2, 3], "given up for good, even in a replay"


async def test_a_failure_that_may_pass_repeats_the_page_before_it_counts(
    database: Database, relay: Relay, book: Notebook
) -> None:
    book.broken, book.error = {2}, LockNotAvailable
    await publish(database, noted(ANNE, 1), noted(BO, 2))
    for _ in range(PATIENCE):
        with pytest.raises(LockNotAvailable):
            await relay.step()
        assert await effects(database) == []
    await relay.drain()

    assert await effects(database) == [1]
    assert await states(database) == [(2, "retrying", 1)]


async def test_a_full_disk_is_no_events_fault(database: Database, relay: Relay, book: Notebook) -> None:
    book.broken, book.error = {2}, DiskFull
    await publish(database, noted(ANNE, 1), noted(BO, 2))
    for _ in range(PATIENCE + 1):
        with pytest.raises(DiskFull):
            await relay.step()
    assert await states(database) == []
    book.broken = set()
    await relay.drain()

    assert await effects(database) == [1, 2]
    assert await effects(database, "copy") == [1, 2]


async def test_a_failure_before_a_handlers_turn_is_told_as_what_it_is(
    database: Database, relay: Relay, book: Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    """What one handler left to be written fails: the next one's events are not said to have failed for it."""
    async with database.transaction() as tx:
        tx.write("ALTER TABLE parked_events ADD CONSTRAINT never CHECK (attempts < 0)")
    book.broken = {1}
    await publish(database, noted(ANNE, 1), noted(BO, 2))
    with pytest.raises(CheckViolation):
        await relay.step()

    assert [(vars(record)["handler"], vars(record)["seq"]) for record in caplog.records] == [
        (HANDLER, await seq_of(database, 1))
    ]


async def test_an_event_that_cannot_be_read_is_set_aside(database: Database, relay: Relay, book: Notebook) -> None:
    await publish(database, noted(ANNE, 1), noted(BO, 2))
    async with database.transaction() as tx:
        payload = msgspec.json.encode({"number": "one"}).decode()
        tx.write("UPDATE outbox SET payload = %s WHERE member_id = %s", (payload, ANNE))
    await relay.drain()

    assert book.numbers == [2]
    async with database.transaction() as tx:
        errors = {event.error for event in await list_parked(tx)}
    assert len(errors) == 1
    assert "UnreadableEvent" in errors.pop()


async def test_the_backlog_tells_count_and_age(database: Database, relay: Relay) -> None:
    async with database.transaction() as tx:
        empty = await backlog(tx)
        assert (empty.unread, empty.oldest_unread_seconds, empty.is_drained) == (0, None, True)
    await publish(database, noted(ANNE, 1), noted(ANNE, 2))
    async with database.transaction() as tx:
        behind = await backlog(tx)
        assert (behind.unread, behind.is_drained) == (2, False)
        assert behind.oldest_unread_seconds is not None
        assert 0 <= behind.oldest_unread_seconds < 60
    await relay.drain()
    async with database.transaction() as tx:
        assert (await backlog(tx)).is_drained


async def test_old_marks_are_forgotten(database: Database, relay: Relay) -> None:
    await publish(database, noted(ANNE, 1))
    await relay.drain()
    for before, more, left in ((2020, False, 2), (2100, True, 1), (2100, True, 0), (2100, False, 0)):
        async with database.transaction() as tx:
            assert await forget_handled(tx, NOON.replace(year=before), at_most=1) is more
        async with database.transaction() as tx:
            assert await tx.rows("SELECT count(*) FROM handled_events") == [(left,)]


def test_pauses_grow_and_spread() -> None:
    for attempts, seconds in ((1, 5), (2, 10), (4, 40), (20, 600)):
        pauses = [pause_after(attempts).total_seconds() for _ in range(50)]
        assert seconds * 0.75 <= min(pauses) < max(pauses) <= seconds * 1.25
