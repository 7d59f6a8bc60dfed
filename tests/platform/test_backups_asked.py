"""A backup that somebody asks for is taken by the worker at once, and what cannot be taken is told."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from regulars.platform.backups import store, streaming
from regulars.platform.backups.contracts import Base, Plan
from regulars.platform.backups.folder import line_of, listed_in
from regulars.platform.backups.standing import Standing, ask_for_base, standing_of
from regulars.platform.backups.streaming import run_backups
from regulars.platform.backups.taking import take_base
from regulars.platform.db.database import Database
from regulars.platform.embedded import EmbeddedServer, acquire, wait_until_stopped
from regulars.platform.embedded.supervisor import open_lock, try_lock

pytestmark = pytest.mark.anyio
SECONDS = 60


@asynccontextmanager
async def keeping(server: EmbeddedServer, home: Path, plan: Plan) -> AsyncIterator[Database]:
    """Let a worker's part keep backups meanwhile."""
    stop = asyncio.Event()
    async with Database(server.url, pool_size=2) as database:
        keeper = asyncio.create_task(run_backups(database, server, home, plan, stop))
        try:
            yield database
        finally:
            stop.set()
            await asyncio.wait_for(keeper, SECONDS)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home nobody but its owner may enter."""
    tmp_path.chmod(0o700)
    return tmp_path / "home"


async def test_who_asks_for_a_backup_gets_one_that_begins_after_they_asked(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(folder=home.parent / "backups", hours=24, days=7)

    tries: list[int] = []

    def take_and_be_asked(server: EmbeddedServer, home: Path, plan: Plan) -> Base:
        """Somebody asks for one just when the first is taken: it may lack what they wait for."""
        tries.append(len(listed_in(plan.folder)))
        base = take_base(server, home, plan)
        if len(listed_in(plan.folder)) == 1:
            ask_for_base(plan, home)
        return base

    monkeypatch.setattr(streaming, "take_base", take_and_be_asked)

    async def until(condition: Callable[[Standing], bool]) -> Standing:
        async with asyncio.timeout(SECONDS):
            while not condition(found := await asyncio.to_thread(standing_of, plan, home)):
                await asyncio.sleep(0.05)  # between two looks
        return found

    with await asyncio.to_thread(acquire, home) as server:
        async with keeping(server, home, plan) as database:
            meanwhile = await until(lambda found: len(found.kept) == 2 and found.asked is None)
            async with database.transaction() as tx:
                copying = await store.copying(tx)
            await asyncio.to_thread(ask_for_base, plan, home)
            asked = await until(lambda found: len(found.kept) == 3 and found.asked is None)
            line = line_of(plan.folder, home)
            assert line is not None
            lock = await asyncio.to_thread(open_lock, line.folder / "base.lock")
            try:
                await until(lambda _: try_lock(lock, fcntl.LOCK_EX))  # as if somebody took one by hand
                await asyncio.to_thread(ask_for_base, plan, home)
                before = len(tries)
                waiting = await until(lambda _: len(tries) > before + 1)
            finally:
                os.close(lock)
            last = await until(lambda found: len(found.kept) == 4 and found.asked is None)
    await asyncio.to_thread(wait_until_stopped, home, SECONDS)

    assert copying is not None
    assert copying.is_active
    assert meanwhile.newest is not None
    assert asked.newest is not None
    assert asked.newest.base.began_at > meanwhile.newest.base.began_at
    assert (meanwhile.failed, asked.failed, last.failed) == (None, None, None)
    assert waiting.asked is not None, "the other one may lack what is waited for"
    assert (len(waiting.kept), waiting.failed) == (3, None)


async def test_who_asks_for_a_backup_that_cannot_be_taken_is_told_why_not(home: Path) -> None:
    plan = Plan(folder=home.parent / "backups", hours=24, days=7)

    async def until(condition: Callable[[Standing], bool]) -> Standing:
        async with asyncio.timeout(SECONDS):
            while not condition(found := await asyncio.to_thread(standing_of, plan, home)):
                await asyncio.sleep(0.05)  # between two looks
        return found

    with await asyncio.to_thread(acquire, home) as server:
        async with keeping(server, home, plan):
            await until(lambda found: len(found.kept) == 1)
            line = line_of(plan.folder, home)
            assert line is not None
            lock = line.folder / "base.lock"
            lock.unlink()
            lock.mkdir()  # whatever stands there is no lock
            await asyncio.to_thread(ask_for_base, plan, home)
            refused = await until(lambda found: found.asked is None)
            lock.rmdir()
            await asyncio.to_thread(ask_for_base, plan, home)
            last = await until(lambda found: len(found.kept) == 2 and found.asked is None)
    await asyncio.to_thread(wait_until_stopped, home, SECONDS)

    assert refused.failed is not None
    assert "Backups cannot be kept in" in refused.failed.problem
    assert last.failed is None
