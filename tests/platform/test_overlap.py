"""Batches that overlap: they concern different members, so neither waits for the other and nobody is overtaken."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import pytest
from psycopg import errors as database_errors

from regulars.platform.commit import group as group_commit
from regulars.platform.commit.group import Attempt, GroupCommit
from regulars.platform.commit.lane import Call, Lane, Reply, json_answer
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from tests.platform.counters import Adder, Adding, CounterView, create_counters

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def begin_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "_WORTH_BEGINNING", 2)


@dataclass
class Gate:
    """Writes batches, each only when it is let through; a request is named by its letter and a number."""

    begun: list[list[str]] = field(default_factory=list)
    gates: list[asyncio.Event] = field(default_factory=list)
    failing: list[Exception] = field(default_factory=list)

    async def write(self, requests: Sequence[str], _: Attempt) -> list[str | DomainError]:
        gate = asyncio.Event()
        self.begun.append(list(requests))
        self.gates.append(gate)
        await gate.wait()
        if self.failing:
            raise self.failing.pop()
        return list(requests)

    async def until(self, batches: int) -> None:
        while len(self.begun) < batches:
            await asyncio.sleep(0)

    async def settle(self) -> None:
        """Give everything that could happen now the time to happen."""
        for _ in range(20):
            await asyncio.sleep(0)


def submitted(group: GroupCommit[str, str], *requests: str) -> "list[asyncio.Future[str]]":
    return [group.begin(request) for request in requests]


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def group(gate: Gate) -> GroupCommit[str, str]:
    return GroupCommit(gate.write, key=lambda request: request[0], batch_size=3)


async def test_a_batch_that_concerns_others_is_begun_beside_the_first(gate: Gate, group: GroupCommit[str, str]) -> None:
    futures = submitted(group, "a1", "b1", "a2")
    await gate.until(1)
    futures += submitted(group, "a3", "c1", "b2", "d1", "c2", "e1")
    await gate.until(2)
    await gate.settle()
    assert gate.begun == [["a1", "b1", "a2"], ["c1", "d1", "c2"]]  # who concerns one of them waits

    futures += submitted(group, "f1", "d2", "g1", "h1", "i1", "j1", "k1", "l1")
    await gate.until(3)
    await gate.settle()
    assert gate.begun[2:] == [["e1", "f1", "g1"]]  # beside two, only where it is more; three at most

    gate.gates[0].set()
    await gate.until(4)
    assert gate.begun[3] == ["a3", "b2", "h1"]
    gate.gates[1].set()
    await gate.until(5)
    assert gate.begun[4] == ["d2", "i1", "j1"]
    for opened in gate.gates[2:]:
        opened.set()
    await gate.until(6)
    gate.gates[5].set()
    answers = ["a1", "b1", "a2", "a3", "c1", "b2", "d1", "c2", "e1", "f1", "d2", "g1", "h1", "i1", "j1", "k1", "l1"]
    assert await asyncio.gather(*futures) == answers


async def test_few_are_gathered_and_not_begun_beside_a_batch(gate: Gate, group: GroupCommit[str, str]) -> None:
    futures = submitted(group, "a1", "b1", "c1")
    await gate.until(1)
    futures += submitted(group, "d1", "a2", "a3", "a4", "b2")
    await gate.settle()
    assert len(gate.begun) == 1
    futures += submitted(group, "e1", "e2")
    await gate.until(2)
    assert gate.begun[1] == ["d1", "e1", "e2"]
    gate.gates[0].set()
    gate.gates[1].set()
    await gate.until(3)
    assert gate.begun[2] == ["a2", "a3", "a4"]
    gate.gates[2].set()
    await gate.until(4)
    gate.gates[3].set()
    await asyncio.gather(*futures)


async def test_a_batch_that_is_tried_again_still_keeps_its_members(gate: Gate, group: GroupCommit[str, str]) -> None:
    gate.failing = [database_errors.DeadlockDetected()]
    futures = submitted(group, "a1", "b1", "c1")
    await gate.until(1)
    futures += submitted(group, "a2", "b2")
    gate.gates[0].set()
    await gate.until(2)
    await gate.settle()
    assert gate.begun == [["a1", "b1", "c1"], ["a1", "b1", "c1"]]
    gate.gates[1].set()
    await gate.until(3)
    assert gate.begun[2] == ["a2", "b2"]
    gate.gates[2].set()
    await asyncio.gather(*futures)


async def test_when_it_is_ended_nobody_in_either_batch_is_left_without_an_answer(
    gate: Gate, group: GroupCommit[str, str]
) -> None:
    futures = submitted(group, "a1", "b1", "c1")
    await gate.until(1)
    futures += submitted(group, "d1", "e1", "a2")
    await gate.until(2)
    assert group._runner is not None
    group._runner.cancel()
    answers = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(answer).__name__ for answer in answers] == ["TemporarilyUnavailable"] * 6
    await group.drain()


# --- on the database ------------------------------------------------------------------------------------------


@dataclass
class Overlapping(Adder):
    """Locks its batch's counters and adds in an order that matters; breaks some batches at random, after deciding."""

    random: Random = field(default_factory=lambda: Random(7))
    breaking: float = 0.2
    broken: int = 0
    at_work: int = 0
    together: int = 0
    both: asyncio.Event = field(default_factory=asyncio.Event)  # two batches are at work
    all_three: asyncio.Event = field(default_factory=asyncio.Event)  # as many as there may be
    held_up: dict[str, asyncio.Event] = field(default_factory=dict)  # a counter's batch looks, and then waits

    async def apply(self, tx: Transaction, commands: Sequence[Adding]) -> list[CounterView | DomainError]:
        self.at_work += 1
        self.together = max(self.together, self.at_work)
        if self.at_work > 1:
            self.both.set()
        if self.at_work == 3:
            self.all_three.set()
        try:
            await self._wait_for_others()
            for command in commands:
                if command.counter_id in self.held_up:
                    await self.held_up[command.counter_id].wait()
            return await self._decide(tx, commands)
        finally:
            self.at_work -= 1

    async def _wait_for_others(self) -> None:
        """Until three have met once, give the others a moment to come, however slow this machine is."""
        if not self.held_up:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.all_three.wait(), 0.5)

    async def _decide(self, tx: Transaction, commands: Sequence[Adding]) -> list[CounterView | DomainError]:
        ids = sorted({command.counter_id for command in commands})
        rows = await tx.rows(
            "SELECT counter_id, value FROM counters WHERE counter_id = ANY (%s) ORDER BY counter_id FOR UPDATE", (ids,)
        )
        values = {str(counter_id): int(value) for counter_id, value in rows}
        await asyncio.sleep(0)
        if self.random.random() < self.breaking:
            self.broken += 1
            raise database_errors.SerializationFailure
        results: list[CounterView | DomainError] = []
        for command in commands:
            values[command.counter_id] = after(values[command.counter_id], command)
            results.append(CounterView(command.counter_id, values[command.counter_id]))
        for counter_id, value in values.items():
            tx.write("UPDATE counters SET value = %s WHERE counter_id = %s", (value, counter_id))
        return results


def after(value: int, command: Adding) -> int:
    return value * 2 % 1_000_003 + command.amount


@pytest.fixture
async def adder(database_url: str) -> Overlapping:
    create_counters(database_url, *"abcdefghijklmnopqrstuvwxyz")
    return Overlapping()


@pytest.fixture
async def lane(database: Database, adder: Overlapping) -> AsyncIterator[Lane[Adding, CounterView]]:
    made: Lane[Adding, CounterView] = Lane(
        "add_to_counter",
        database,
        adder.apply,
        json_answer(200, lambda view: b"%d" % view.value),
        batch_size=5,
        concerns=lambda command: command.counter_id,
    )
    yield made
    await made.drain()


async def answered_otherwise(lane: Lane[Adding, CounterView]) -> int:
    """Submit acts whose order matters; return how many were answered otherwise than one after the other."""
    random = Random(11)
    asked = [Adding(random.choice("aaabcdefghijklmnopqrstuvwxyz"), random.randrange(1, 9)) for _ in range(300)]
    calls = [Call(one, "key:ak_1", f"k{number}", b"h", one.counter_id) for number, one in enumerate(asked)]
    replies = await asyncio.gather(*[lane.submit(call) for call in calls], return_exceptions=True)
    values = dict.fromkeys("abcdefghijklmnopqrstuvwxyz", 0)
    wrong = 0
    for one, reply in zip(asked, replies, strict=True):
        values[one.counter_id] = after(values[one.counter_id], one)
        wrong += not isinstance(reply, Reply) or int(reply.body) != values[one.counter_id]
    return wrong


async def test_each_counter_is_decided_in_order_of_arrival_whatever_fails(
    lane: Lane[Adding, CounterView], adder: Overlapping
) -> None:
    assert await answered_otherwise(lane) == 0
    assert adder.broken > 5
    assert adder.together == 3


async def test_batches_that_share_a_counter_would_overtake_each_other(
    lane: Lane[Adding, CounterView], adder: Overlapping
) -> None:
    """The negative control: with keys that tell nothing the order is lost, and the keys are what keeps it."""
    lane._group._key = id
    assert await answered_otherwise(lane) > 0
    assert adder.together == 3


async def test_the_same_key_in_two_batches_at_once_is_one_effect(
    lane: Lane[Adding, CounterView], adder: Overlapping
) -> None:
    """The second batch has looked for the key, and found nothing, when the first is committed."""
    adder.breaking = 0
    adder.held_up = {"a": asyncio.Event(), "f": asyncio.Event()}
    calls = [
        Call(Adding(counter, 1), "key:ak_1", "same" if number in {0, 5} else f"k{number}", b"h", counter)
        for number, counter in enumerate("abcdefghij")
    ]
    submitted = [asyncio.create_task(lane.submit(call)) for call in calls]
    await adder.both.wait()
    adder.held_up["a"].set()
    await submitted[0]
    adder.held_up["f"].set()
    replies = await asyncio.gather(*submitted)
    assert [replies[0].replayed, replies[5].replayed] == [False, True]
    assert replies[5].body == replies[0].body
