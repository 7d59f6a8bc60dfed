"""Lanes and group commit: gathered, in order, each once, and one bad request harms only itself."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random
from time import monotonic
from typing import TypeGuard

import psycopg
import pytest
from psycopg import errors as database_errors

from regulars.platform.commit.errors import MemberBusy
from regulars.platform.commit.group import Attempt, GroupCommit
from regulars.platform.commit.lane import Call, Reply
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound, TemporarilyUnavailable
from tests.platform.counters import Adding, Room, create_counters, room

pytestmark = pytest.mark.anyio


@pytest.fixture
async def counters(database_url: str, database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    create_counters(database_url, *"abcdefgh")
    async with room(database, tmp_path) as made:
        yield made


def call(counter: str = "a", amount: int = 1, *, key: str, client: str = "key:ak_1") -> Call[Adding]:
    return Call(Adding(counter, amount), client, key, f"{counter} {amount}".encode(), subject=counter)


async def submit_all(room: Room, calls: Sequence[Call[Adding]]) -> list[Reply | BaseException]:
    return await asyncio.gather(*[room.lane.submit(one) for one in calls], return_exceptions=True)


# --- gathering ------------------------------------------------------------------------------------------------


async def test_requests_are_gathered_while_a_batch_is_in_flight_and_kept_in_order() -> None:
    gate, batches = asyncio.Event(), list[list[int]]()

    async def write(requests: Sequence[int], _: Attempt) -> list[int | DomainError]:
        batches.append(list(requests))
        await gate.wait()
        return [request * 2 for request in requests]

    group: GroupCommit[int, int] = GroupCommit(write, batch_size=4)
    tasks = [asyncio.create_task(group.submit(0))]
    while not batches:
        await asyncio.sleep(0)
    tasks += [asyncio.create_task(group.submit(number)) for number in range(1, 10)]
    await asyncio.sleep(0)
    assert batches == [[0]]  # a lone request is written at once; the others wait for it, not for a timer

    gate.set()
    assert await asyncio.gather(*tasks) == [number * 2 for number in range(10)]
    assert batches == [[0], [1, 2, 3, 4], [5, 6, 7, 8], [9]]


async def test_each_gets_its_own_answer_or_its_own_refusal() -> None:
    async def write(requests: Sequence[int], _: Attempt) -> list[int | DomainError]:
        return [NotFound() if request % 2 else request for request in requests]

    group: GroupCommit[int, int] = GroupCommit(write)
    answers = await asyncio.gather(*[group.submit(number) for number in range(6)], return_exceptions=True)

    assert [type(answer).__name__ for answer in answers] == ["int", "NotFound"] * 3


async def test_what_a_retry_can_mend_is_tried_again_three_times() -> None:
    tries = 0

    async def write(requests: Sequence[int], _: Attempt) -> list[int | DomainError]:
        nonlocal tries
        tries += 1
        if tries % 4:
            raise database_errors.DeadlockDetected
        return list(requests)

    group: GroupCommit[int, int] = GroupCommit(write)
    assert await group.submit(1) == 1
    assert tries == 4


async def test_a_batch_that_keeps_failing_is_bisected_in_order() -> None:
    written: list[int] = []
    sizes: list[int] = []

    async def write(requests: Sequence[int], _: Attempt) -> list[int | DomainError]:
        sizes.append(len(requests))
        if 5 in requests:
            raise ZeroDivisionError
        written.extend(requests)
        return list(requests)

    group: GroupCommit[int, int] = GroupCommit(write)
    answers = await asyncio.gather(*[group.submit(number) for number in range(8)], return_exceptions=True)

    assert [answer for answer in answers if not isinstance(answer, BaseException)] == [0, 1, 2, 3, 4, 6, 7]
    assert isinstance(answers[5], ZeroDivisionError)
    assert written == [0, 1, 2, 3, 4, 6, 7]
    assert sizes == [8, 4, 4, 2, 1, 1, 2]


async def test_a_caller_that_goes_away_keeps_nobody_else_from_an_answer() -> None:
    gate = asyncio.Event()

    async def write(requests: Sequence[int], _: Attempt) -> list[int | DomainError]:
        await gate.wait()
        return list(requests)

    group: GroupCommit[int, int] = GroupCommit(write)
    leaving, staying = asyncio.create_task(group.submit(1)), asyncio.create_task(group.submit(2))
    await asyncio.sleep(0)
    leaving.cancel()
    gate.set()

    assert await staying == 2


async def test_drain_waits_for_everything_submitted() -> None:
    gate, written = asyncio.Event(), list[int]()

    async def write(requests: Sequence[int], _: Attempt) -> list[int | DomainError]:
        await gate.wait()
        written.extend(requests)
        return list(requests)

    group: GroupCommit[int, int] = GroupCommit(write, batch_size=1)
    tasks = [asyncio.create_task(group.submit(number)) for number in range(5)]
    await asyncio.sleep(0)
    draining = asyncio.create_task(group.drain())
    await asyncio.sleep(0)
    assert not draining.done()

    gate.set()
    await draining
    assert written == [0, 1, 2, 3, 4]
    assert all(task.done() for task in tasks)
    await group.drain()  # nothing to wait for is no reason to wait


async def test_a_database_that_cannot_be_brought_back_is_a_503_for_all() -> None:
    async def write(_: Sequence[int], __: Attempt) -> list[int | DomainError]:
        raise psycopg.OperationalError("the connection is lost")

    async def recover() -> None:
        raise OSError("no space left on device")

    group: GroupCommit[int, int] = GroupCommit(write, recover=recover)
    answers = await asyncio.gather(*[group.submit(number) for number in range(3)], return_exceptions=True)

    assert [type(answer) for answer in answers] == [TemporarilyUnavailable] * 3


async def test_on_a_full_disk_callers_hear_of_it_at_once_and_nothing_is_tried_in_vain() -> None:
    written, full = list[list[int]](), True

    async def write(requests: Sequence[int], _: Attempt) -> list[int | DomainError]:
        written.append(list(requests))
        if full:
            raise database_errors.DiskFull
        return list(requests)

    group: GroupCommit[int, int] = GroupCommit(write)
    answers = await asyncio.gather(*[group.submit(number) for number in range(3)], return_exceptions=True)
    assert [type(answer) for answer in answers] == [TemporarilyUnavailable] * 3
    assert written == [[0, 1, 2]]

    full = False
    assert await group.submit(4) == 4


async def test_in_an_outage_everybody_hears_of_it_after_its_own_patience() -> None:
    """However many wait before it: were each batch to wait anew, the last would hear after a hundred seconds."""
    patience, batches = 0.2, list[list[int]]()

    async def write(requests: Sequence[int], _: Attempt) -> list[int | DomainError]:
        batches.append(list(requests))
        raise psycopg.OperationalError("the connection is lost")

    group: GroupCommit[int, int] = GroupCommit(write, batch_size=1, patience_seconds=patience)
    began = monotonic()
    answers = await asyncio.gather(*[group.submit(number) for number in range(500)], return_exceptions=True)

    assert {type(answer) for answer in answers} == {TemporarilyUnavailable}
    assert monotonic() - began >= patience  # it was waited for
    assert monotonic() - began < 500 * patience / 10  # and not by each of the 500 batches anew
    assert len({number for batch in batches for number in batch}) < 20  # nor was it tried for the late


@pytest.mark.parametrize("watched", [True, False])
async def test_a_try_that_hangs_in_an_outage_holds_nobody_longer(*, watched: bool) -> None:
    """Waiting for a connection may take longer than the callers' patience, in flight and in the queue.

    The control: when nobody looks after the callers, they all wait for as long as the try hangs.
    """
    hanging, tries = asyncio.Event(), 0

    async def write(requests: Sequence[int], _: Attempt) -> list[int | DomainError]:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise psycopg.OperationalError("the connection is lost")
        await hanging.wait()
        return list(requests)

    group: GroupCommit[int, int] = GroupCommit(write, batch_size=2, patience_seconds=0.1)
    if not watched:
        group._watched = True  # so no timer is ever set
    tasks = [asyncio.create_task(group.submit(number)) for number in range(5)]
    done, _ = await asyncio.wait(tasks, timeout=5 if watched else 0.5)
    assert {type(task.exception()) for task in done} == ({TemporarilyUnavailable} if watched else set())
    assert len(done) == (5 if watched else 0)

    asking = asyncio.create_task(group.submit(5))
    hanging.set()  # the database is back, what hung is committed, and whoever comes now is answered
    assert await asking == 5
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_database_that_works_slowly_keeps_its_callers() -> None:
    """The control: what is in flight is turned away for a lost database only, since it may be about to commit."""
    gate = asyncio.Event()

    async def write(requests: Sequence[int], _: Attempt) -> list[int | DomainError]:
        await gate.wait()
        return list(requests)

    group: GroupCommit[int, int] = GroupCommit(write, batch_size=1, patience_seconds=0.05)
    first, second = asyncio.create_task(group.submit(1)), asyncio.create_task(group.submit(2))
    with pytest.raises(TemporarilyUnavailable):
        await second
    assert not first.done()
    gate.set()
    assert await first == 1


async def test_a_queue_that_is_full_turns_callers_away_at_once() -> None:
    gate = asyncio.Event()

    async def write(requests: Sequence[int], _: Attempt) -> list[int | DomainError]:
        await gate.wait()
        return list(requests)

    group: GroupCommit[int, int] = GroupCommit(write, batch_size=1, queue_limit=2)
    tasks = [asyncio.create_task(group.submit(0))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(group.submit(number)) for number in (1, 2)]
    await asyncio.sleep(0)
    with pytest.raises(TemporarilyUnavailable):
        await group.submit(3)
    gate.set()
    assert await asyncio.gather(*tasks) == [0, 1, 2]
    assert await group.submit(4) == 4  # there is room again


async def test_when_the_group_is_ended_nobody_is_left_without_an_answer() -> None:
    entered = asyncio.Event()

    async def write(_: Sequence[int], __: Attempt) -> list[int | DomainError]:
        entered.set()
        await asyncio.Event().wait()
        return []

    group: GroupCommit[int, int] = GroupCommit(write, batch_size=2)
    tasks = [asyncio.create_task(group.submit(number)) for number in range(5)]
    await entered.wait()
    assert group._runner is not None
    group._runner.cancel()

    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [TemporarilyUnavailable] * 5
    await group.drain()


# --- lanes ----------------------------------------------------------------------------------------------------


async def test_a_batch_gives_what_its_calls_give_one_by_one(counters: Room) -> None:
    amounts = [(counter, amount) for amount in (1, 20, 300, 9_800, 500) for counter in "abz"]
    single = [
        await counters.lane.submit(call(counter, amount, key=f"s{position}"))
        for position, (counter, amount) in enumerate(amounts)
    ]
    values = [await counters.value(counter) for counter in "ab"]
    async with counters.services.database.transaction() as tx:
        tx.write("UPDATE counters SET value = 0")
    counters.adder.batches.clear()

    batched = await submit_all(
        counters, [call(counter, amount, key=f"b{n}") for n, (counter, amount) in enumerate(amounts)]
    )

    assert [batch for batch in counters.adder.batches if len(batch) > 10] != []
    assert [(one.status, one.body) for one in single] == [
        (one.status, one.body) for one in batched if isinstance(one, Reply)
    ]
    assert {one.status for one in single} == {200, 404, 409}
    assert [await counters.value(counter) for counter in "ab"] == values


async def test_one_poisonous_call_harms_only_itself(counters: Room) -> None:
    counters.adder.poison = "c"
    answers = await submit_all(counters, [call(counter, 5, key=counter) for counter in "abcdefgh"])

    assert [type(answer).__name__ for answer in answers] == ["Reply"] * 2 + ["DivisionByZero"] + ["Reply"] * 5
    assert [await counters.value(counter) for counter in "abcdefgh"] == [5, 5, 0, 5, 5, 5, 5, 5]
    assert await counters.count("idempotency_answers") == 7
    assert await counters.count("audit_entries WHERE action = 'add_to_counter'") == 7


async def test_a_connection_lost_under_way_changes_nothing_twice(counters: Room, database_url: str) -> None:
    killed: list[int] = []

    async def kill_once(tx: Transaction) -> None:
        if not killed:
            killed.append((await tx.rows("SELECT pg_backend_pid()"))[0][0])
            with psycopg.connect(database_url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (killed[0],))

    counters.adder.before = kill_once
    answers = await submit_all(counters, [call("a", 1, key=str(number)) for number in range(20)])

    assert [answer.status for answer in answers if isinstance(answer, Reply)] == [200] * 20
    assert await counters.value() == 20
    assert len(killed) == 1


async def test_a_commit_whose_answer_was_lost_is_recognised(counters: Room) -> None:
    """Nobody knows whether a COMMIT arrived when the connection breaks in it: the next try finds the stored answer."""
    write, broken = counters.lane._group._write, list[bool]()

    async def write_and_lose_the_answer(
        calls: Sequence[Call[Adding]], attempt: Attempt
    ) -> Sequence[Reply | DomainError]:
        answers = await write(calls, attempt)
        if not broken:
            broken.append(True)
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return answers

    counters.lane._group._write = write_and_lose_the_answer
    reply = await counters.lane.submit(call("a", 7, key="k"))

    assert (reply.status, reply.replayed) == (200, True)
    assert await counters.value() == 7


async def test_a_busy_member_is_told_so_and_holds_up_no_other(database_url: str, tmp_path: Path) -> None:
    create_counters(database_url, *"abcdefgh")
    async with Database(database_url, lock_timeout_ms=50) as hurried, room(hurried, tmp_path) as ours:
        with psycopg.connect(database_url) as holder:
            holder.execute("SELECT FROM counters WHERE counter_id = 'c' FOR UPDATE")
            answers = await submit_all(ours, [call(counter, 5, key=counter) for counter in "abcdefgh"])
            assert [type(answer) for answer in answers] == [Reply] * 2 + [MemberBusy] + [Reply] * 5
            with pytest.raises(MemberBusy) as caught:
                await ours.lane.submit(call("c", 5, key="c"))
            assert caught.value.data == {"retry_after_seconds": 1}
        reply = await ours.lane.submit(call("c", 5, key="c"))  # the refusal was not kept for this key

    assert (reply.status, reply.replayed) == (200, False)


# --- idempotency ----------------------------------------------------------------------------------------------


async def test_the_same_key_twice_in_one_batch_is_one_effect(counters: Room) -> None:
    counters.adder.before = None
    first, second, other = await submit_all(
        counters, [call(key="k", amount=3), call(key="k", amount=3), call(key="k", amount=4)]
    )

    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert (first.body, first.replayed, second.body, second.replayed) == (first.body, False, first.body, True)
    assert isinstance(other, DomainError)
    assert other.code == "idempotency_key_reused"
    assert await counters.value() == 3


async def test_a_key_whose_first_call_was_refused_for_now_is_free_for_the_next(counters: Room) -> None:
    """As alone: a 404 is not kept, so the second call is decided by itself, and the third repeats the second."""
    calls = [
        call("nowhere", 1, key="k"),
        call("a", 1, key="other"),
        call("a", 2, key="k"),
        call("a", 2, key="k"),
        call("a", 9_998, key="last"),
        call("nowhere", 1, key="k"),
    ]
    answers = await submit_all(counters, calls)

    assert [(one.status, one.replayed) if isinstance(one, Reply) else one.code for one in answers if known(one)] == [
        (404, False),
        (200, False),
        (200, False),
        (200, True),
        (409, False),  # decided after what came before it, in the order of arrival
        "idempotency_key_reused",
    ]
    assert await counters.value() == 3
    assert await counters.count("audit_entries WHERE action = 'add_to_counter'") == 2


async def test_a_batch_with_repeated_keys_gives_what_its_calls_give_one_by_one(counters: Room) -> None:
    """The same calls in two ways, keys repeated with the same and with another body, stored and unstored refusals."""
    choose = Random(0)
    asked = [
        (choose.choice(["a", "b", "nowhere"]), choose.choice([1, 9_000]), choose.choice("klmnop")) for _ in range(60)
    ]
    single = []
    for counter, amount, key in asked:
        single += await submit_all(counters, [call(counter, amount, key=f"s{key}")])
    values = [await counters.value(counter) for counter in "ab"]
    async with counters.services.database.transaction() as tx:
        tx.write("UPDATE counters SET value = 0")

    batched = await submit_all(counters, [call(counter, amount, key=f"b{key}") for counter, amount, key in asked])

    assert [summary(one) for one in batched] == [summary(one) for one in single]
    assert {status for status, *_ in map(summary, single)} == {200, 404, 409, 422}
    assert [await counters.value(counter) for counter in "ab"] == values


def known(answer: Reply | BaseException) -> TypeGuard[Reply | DomainError]:
    return isinstance(answer, Reply | DomainError)


def summary(answer: Reply | BaseException) -> tuple[int, bytes | str, bool]:
    assert known(answer)
    return (
        (answer.status, answer.body, answer.replayed)
        if isinstance(answer, Reply)
        else (answer.status, answer.code, False)
    )


async def race(counters: Room, database_url: str, home: Path) -> list[Reply | BaseException]:
    """Let two processes carry out the same request at once: each looks before the other writes."""
    barrier, met = asyncio.Barrier(2), set[int]()

    async def meet_once(tx: Transaction) -> None:
        if id(tx.connection) not in met and len(met) < 2:
            met.add(id(tx.connection))
            await barrier.wait()

    async with Database(database_url) as other_pool, room(other_pool, home) as other:
        counters.adder.before = other.adder.before = meet_once
        lanes = (counters.lane, other.lane)
        return await asyncio.gather(*[lane.submit(call(key="k", amount=3)) for lane in lanes], return_exceptions=True)


async def test_the_same_key_in_two_processes_at_once_is_one_effect(
    counters: Room, database_url: str, tmp_path: Path
) -> None:
    answers = await race(counters, database_url, tmp_path)

    replies = [answer for answer in answers if isinstance(answer, Reply)]
    assert sorted(reply.replayed for reply in replies) == [False, True]
    assert replies[0].body == replies[1].body
    assert await counters.value() == 3


async def test_without_the_unique_key_both_would_take_effect(counters: Room, database_url: str, tmp_path: Path) -> None:
    """The negative control: the race above happens, and the primary key is what stops it."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE idempotency_answers DROP CONSTRAINT idempotency_answers_pkey")

    answers = await race(counters, database_url, tmp_path)

    assert [answer.replayed for answer in answers if isinstance(answer, Reply)] == [False, False]
    assert await counters.value() == 6
