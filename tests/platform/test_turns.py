"""Batches that overlap: the next one reads and decides while the first one writes, and nobody overtakes anybody."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import pytest
from psycopg import errors as database_errors

from regulars.platform.commit import group as group_commit
from regulars.platform.commit.group import GroupCommit, Turn
from regulars.platform.commit.lane import Call, Lane, Reply, json_answer
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from tests.platform.counters import Adder, Adding, CounterView, create_counters

pytestmark = pytest.mark.anyio

Write = Callable[[Sequence[int], Turn], Awaitable[list[int | DomainError]]]


@pytest.fixture(autouse=True)
def begin_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "_WORTH_BEGINNING", 1)


@dataclass
class Stages:
    """Says what happens, in order, and fails the first tries that it is told to."""

    failing: dict[int, list[Exception]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    both_begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, requests: Sequence[int], turn: Turn) -> list[int | DomainError]:
        name = requests[0]
        self.said.append(f"begin {name}")
        if name:
            self.both_begun.set()
        turn.locks_held()
        if not name:
            await self.both_begun.wait()
        if self.failing.get(name):
            self.said.append(f"fail {name}")
            raise self.failing[name].pop()
        await turn.reached()
        self.said.append(f"write {name}")
        return list(requests)


async def run(stages: Stages, numbers: int, batch_size: int) -> list[int | BaseException]:
    group: GroupCommit[int, int] = GroupCommit(stages.write, batch_size=batch_size)
    return await asyncio.gather(*[group.submit(number) for number in range(numbers)], return_exceptions=True)


async def test_the_next_batch_begins_when_the_locks_are_held_and_writes_when_its_turn_has_come() -> None:
    stages = Stages()
    assert await run(stages, 4, 2) == [0, 1, 2, 3]
    assert stages.said == ["begin 0", "begin 2", "write 0", "write 2"]


async def test_two_batches_overlap_at_most() -> None:
    stages = Stages()
    assert await run(stages, 6, 2) == list(range(6))
    assert stages.said.index("begin 4") > stages.said.index("write 0")


async def test_who_decided_after_a_failed_batch_decides_anew_after_it() -> None:
    stages = Stages({0: [database_errors.DeadlockDetected()]})
    assert await run(stages, 4, 2) == [0, 1, 2, 3]
    assert stages.said == ["begin 0", "begin 2", "fail 0", "begin 0", "write 0", "begin 2", "write 2"]


async def test_a_batch_that_fails_while_it_waits_goes_on_after_the_one_before() -> None:
    """Two failures at once: whoever came earlier is served first."""
    stages = Stages({0: [database_errors.DeadlockDetected()], 2: [database_errors.DeadlockDetected()]})
    assert await run(stages, 4, 2) == [0, 1, 2, 3]
    assert [said for said in stages.said if said.startswith("write")] == ["write 0", "write 2"]


async def test_a_lock_that_the_batch_before_holds_too_long_is_no_refusal() -> None:
    stages = Stages({2: [database_errors.LockNotAvailable()]})
    assert await run(stages, 4, 2) == [0, 1, 2, 3]
    assert stages.said[-2:] == ["begin 2", "write 2"]


async def test_few_are_gathered_and_not_begun_beside_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "_WORTH_BEGINNING", 3)
    stages = Stages()
    stages.both_begun.set()
    assert await run(stages, 4, 2) == [0, 1, 2, 3]
    assert stages.said == ["begin 0", "write 0", "begin 2", "write 2"]


# --- on the database ------------------------------------------------------------------------------------------


@dataclass
class Overlapping(Adder):
    """Takes the locks of its batch in order, says so, and decides; breaks some batches at random, after that."""

    random: Random = field(default_factory=lambda: Random(7))
    broken: int = 0

    async def apply(self, tx: Transaction, commands: Sequence[Adding]) -> list[CounterView | DomainError]:
        ids = sorted({command.counter_id for command in commands})
        rows = await tx.rows(
            "SELECT counter_id, value FROM counters WHERE counter_id = ANY (%s) ORDER BY counter_id FOR UPDATE", (ids,)
        )
        values = {str(counter_id): int(value) for counter_id, value in rows}
        tx.locks_held()
        await asyncio.sleep(0)
        if self.random.random() < 0.2:
            self.broken += 1
            raise database_errors.SerializationFailure
        results: list[CounterView | DomainError] = []
        for command in commands:
            values[command.counter_id] = values[command.counter_id] * 2 % 1_000_003 + command.amount
            results.append(CounterView(command.counter_id, values[command.counter_id]))
        for counter_id, value in values.items():
            tx.write("UPDATE counters SET value = %s WHERE counter_id = %s", (value, counter_id))
        return results


@dataclass
class Shop:
    lane: Lane[Adding, CounterView]
    adder: Overlapping


@pytest.fixture
async def shop(database_url: str, database: Database) -> AsyncIterator[Shop]:
    create_counters(database_url, *"abcdef")
    adder = Overlapping()
    lane: Lane[Adding, CounterView] = Lane(
        "add_to_counter", database, adder.apply, json_answer(200, lambda view: f"{view.value}".encode()), batch_size=5
    )
    yield Shop(lane, adder)
    await lane.drain()


async def differing(shop: Shop) -> int:
    """Submit acts whose order matters; return how many were answered otherwise than one after the other."""
    random = Random(11)
    asked = [Adding(random.choice("abcdef"), random.randrange(1, 9)) for _ in range(240)]
    calls = [Call(one, "key:ak_1", f"k{number}", b"h", one.counter_id) for number, one in enumerate(asked)]
    replies = await asyncio.gather(*[shop.lane.submit(call) for call in calls], return_exceptions=True)
    values = dict.fromkeys("abcdef", 0)
    wrong = 0
    for one, reply in zip(asked, replies, strict=True):
        values[one.counter_id] = values[one.counter_id] * 2 % 1_000_003 + one.amount
        wrong += not isinstance(reply, Reply) or int(reply.body) != values[one.counter_id]
    return wrong


async def test_overlapping_batches_decide_in_order_of_arrival_whatever_fails(shop: Shop) -> None:
    assert await differing(shop) == 0
    assert shop.adder.broken > 5


async def test_without_waiting_for_its_turn_a_batch_would_overtake(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the race above happens, and the turns are what stops it."""

    async def at_once(_: Turn) -> None:
        return None

    monkeypatch.setattr(Turn, "reached", at_once)
    monkeypatch.setattr(Turn, "after_before", at_once)
    assert await differing(shop) > 0


async def test_the_same_key_in_two_overlapping_batches_is_one_effect(shop: Shop) -> None:
    shop.adder.random = Random(1)
    calls = [
        Call(
            Adding("a" if number % 5 == 0 else "b", 1),
            "key:ak_1",
            "same" if number % 5 == 0 else f"k{number}",
            b"h",
            "a",
        )
        for number in range(10)
    ]
    replies = await asyncio.gather(*[shop.lane.submit(call) for call in calls])
    same = [reply for call, reply in zip(calls, replies, strict=True) if call.key == "same"]
    assert [reply.replayed for reply in same] == [False, True]
    assert same[0].body == same[1].body
