"""The replay against the oracle, and against itself however it is cut, doubled or killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import LiteralString

import msgspec
import pytest

from regulars.commerce import api as commerce
from regulars.demo import store
from regulars.demo.dataset import load_year
from regulars.demo.programme import END, PROGRAMMES
from regulars.demo.replay import AnotherReplay, ProgrammeInUse, Replay
from regulars.loyalty import api as loyalty
from regulars.loyalty.policy.contracts import ChangePolicy
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Statement, Transaction
from regulars.platform.vault.local import LocalVault
from regulars.platform.verification.service import verify
from tests.races.conftest import WAITING

from .month_close import assert_months_close
from .oracle import recompute
from .oracle_data import ProgrammeName
from .replaying import FULL, TENTH, Scope, Standing, replay, standings, summary

pytestmark = pytest.mark.anyio

second_opinion = cache(recompute)  # of a programme and households: several tests ask for the same
PROJECT = Path(__file__).parents[2]
ONCE: tuple[LiteralString, ...] = ("loyalty_policies", "members")
NAMES: tuple[ProgrammeName, ...] = ("easy", "hard")
in_full = pytest.mark.parametrize(
    "scope", [pytest.param(TENTH, id="tenth"), pytest.param(FULL, id="full", marks=pytest.mark.year)]
)
both_programmes = pytest.mark.parametrize("programme", NAMES)


async def assert_agrees_with_the_oracle(database: Database, scope: Scope, programme: ProgrammeName) -> None:
    """Compare the summary and every household with the second opinion; the books must balance."""
    theirs = second_opinion(programme, scope.households)
    ours = await standings(database, sorted(theirs.households))
    expected: Mapping[int, Standing] = {
        household: Standing(one.tier, one.available, one.pending, one.growth, one.debt)
        for household, one in theirs.households.items()
    }
    different = {household: (ours[household], one) for household, one in expected.items() if ours[household] != one}
    assert not different
    assert msgspec.structs.asdict(await summary(database, scope)) == theirs.summary
    await assert_books_balance(database)


async def assert_books_balance(database: Database) -> None:
    """Run every check of the books."""
    async for finding in verify(database, [*loyalty.checks(), *commerce.checks()]):
        assert finding.ok, (finding.name, finding.problems)


@pytest.mark.parametrize(
    ("scope", "programme"),
    [
        pytest.param(FULL, "easy", id="full-easy"),
        pytest.param(TENTH, "hard", id="tenth-hard"),
        pytest.param(FULL, "hard", id="full-hard", marks=pytest.mark.year),
    ],
)
async def test_the_replay_agrees_with_the_oracle_household_by_household(
    database: Database, tmp_path: Path, scope: Scope, programme: ProgrammeName
) -> None:
    """And its months, closed, are what the raw rows give: the books are replayed once for both."""
    await replay(database, tmp_path, scope, programme)
    await assert_agrees_with_the_oracle(database, scope, programme)
    await assert_months_close(database, tmp_path)


@in_full
@both_programmes
async def test_replaying_again_in_batches_of_another_size_changes_nothing(
    database: Database, tmp_path: Path, scope: Scope, programme: ProgrammeName
) -> None:
    await replay(database, tmp_path, scope, programme, batch_size=377)
    first = await summary(database, scope)
    async with database.transaction() as tx:
        tx.write("UPDATE replay_progress SET facts_done = 0")  # so that every fact is told again
    await replay(database, tmp_path, scope, programme, batch_size=1001)
    assert await summary(database, scope) == first
    await assert_agrees_with_the_oracle(database, scope, programme)


@in_full
async def test_two_processes_at_once_change_nothing(
    database: Database, database_url: str, tmp_path: Path, scope: Scope
) -> None:
    processes = [start_replay(database_url, tmp_path, scope, "hard", size) for size in (300, 700)]
    codes = await asyncio.gather(*[asyncio.to_thread(finish, process) for process in processes])
    assert codes == [0, 0]
    await assert_agrees_with_the_oracle(database, scope, "hard")


async def test_replays_that_begin_at_once_come_in_turn(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second begins when the first has looked for replays and found none, and ends before it, if it can."""
    vault = LocalVault(tmp_path / "vault")
    first, second = (Replay(database, vault, load_year(frozenset({3})), PROGRAMMES["easy"]) for _ in range(2))
    looked = store.replays
    beginning: list[asyncio.Task[None]] = []

    async def look_slowly(tx: Transaction) -> list[str]:
        found = await looked(tx)
        if not beginning:
            beginning.append(asyncio.create_task(second.prepare()))
            while not beginning[0].done() and not await somebody_waits(database):
                await asyncio.sleep(0)
        return found

    monkeypatch.setattr(store, "replays", look_slowly)
    await first.prepare()
    await beginning[0]
    vault.close()

    async with database.transaction() as tx:
        assert [len(rows) for rows in await tx.read(*(Statement(f"SELECT 1 FROM {table}") for table in ONCE))] == [1, 1]


async def somebody_waits(database: Database) -> bool:
    """Tell whether a transaction waits for another's lock."""
    async with database.transaction() as tx:
        ((waiting,),) = await tx.rows(WAITING)
    return bool(waiting)


@in_full
@both_programmes
async def test_a_kill_in_the_middle_changes_nothing(
    database: Database, database_url: str, tmp_path: Path, scope: Scope, programme: ProgrammeName
) -> None:
    enough = len(scope.year()) // 3
    for kills in range(1, 3):
        kill_after(enough * kills, start_replay(database_url, tmp_path, scope, programme, 400, paced=True))
    await replay(database, tmp_path, scope, programme)
    await assert_agrees_with_the_oracle(database, scope, programme)


def start_replay(
    url: str, folder: Path, scope: Scope, programme: str, batch_size: int, *, paced: bool = False
) -> subprocess.Popen[str]:
    """Start a replay in a process of its own; a paced one is never further than a batch ahead of who reads."""
    command = [sys.executable, "-m", "tests.year.replaying", url, str(folder), scope.name, programme, str(batch_size)]
    answers = subprocess.PIPE if paced else subprocess.DEVNULL
    return subprocess.Popen(command, cwd=PROJECT, stdin=answers, stdout=subprocess.PIPE, text=True)


def kill_after(orders: int, process: subprocess.Popen[str]) -> None:
    """Kill a paced replay, in the midst of what comes after so many orders."""
    assert process.stdout is not None
    assert process.stdin is not None
    done = 0
    while (done := done + int(process.stdout.readline())) < orders:
        process.stdin.write("\n")
        process.stdin.flush()
    os.kill(process.pid, signal.SIGKILL)
    assert finish(process) == -signal.SIGKILL


def finish(process: subprocess.Popen[str]) -> int:
    """Read a process to its end and return its exit code."""
    with process:
        assert process.stdout is not None
        process.stdout.read()
    return process.returncode


async def test_a_worker_beside_an_interrupted_replay_changes_nothing(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """What the worker's jobs do at the programme's present must not touch what is still to be told."""
    kill_after(len(TENTH.year()) // 2, start_replay(database_url, tmp_path, TENTH, "hard", 400, paced=True))
    await database.follow_clock()
    assert database.clock.now() < END
    async with database.transaction(set_based=True) as tx:
        configuration = loyalty.Configuration()
        await loyalty.expire_due(tx, configuration, tx.now)
        await loyalty.review_due(tx, configuration, tx.now)
    await replay(database, tmp_path, TENTH, "hard")
    await assert_agrees_with_the_oracle(database, TENTH, "hard")


async def test_a_second_replay_leaves_the_clock_of_a_finished_one_alone(database: Database, tmp_path: Path) -> None:
    few = Scope("few", frozenset([3, 13]))
    await replay(database, tmp_path, few, "easy")
    setting = database.clock.setting
    assert setting is not None
    assert (setting.programme_at, setting.ticking) == (END, True)
    async with database.transaction() as tx:
        tried = msgspec.structs.replace(PROGRAMMES["easy"].policy, changes=ChangePolicy(second_person=True))
        await loyalty.activate_policy(tx, tried, END + timedelta(days=1))
    await replay(database, tmp_path, few, "easy")
    assert database.clock.setting == setting
    async with database.transaction() as tx:  # nor does it set back, or fall over, what was tried out meanwhile
        assert [one.version for one in await loyalty.list_policies(tx)] == [1, 2]


async def test_the_demo_refuses_a_programme_in_use_and_another_programmes_year(
    database: Database, tmp_path: Path
) -> None:
    few = Scope("few", frozenset([3]))
    await replay(database, tmp_path, few, "easy")
    with pytest.raises(AnotherReplay):
        await replay(database, tmp_path, few, "hard")
    async with database.transaction() as tx:
        tx.write("DELETE FROM replay_progress")
    with pytest.raises(ProgrammeInUse):
        await replay(database, tmp_path, few, "easy")
