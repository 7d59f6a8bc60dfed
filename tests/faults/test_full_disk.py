"""The disk is full while members earn and spend: callers are told to come again, nothing is lost, and it goes on."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from regulars.demo.programme import MARKET
from tests.faults.load import ACCRUAL, UNAVAILABLE, Answer, Load, Operation, line
from tests.faults.product import product_at
from tests.faults.rounds import MEMBERS, rounds_on
from tests.faults.shop import STORE, prepare
from tests.faults.test_clock_steps import until_answered
from tests.faults.victims import WEB

pytestmark = pytest.mark.anyio

DISK_BYTES = 400 * 2**20
FILLER = "filler"
WAL_MESSAGE_BYTES = 2**20
ENDED_WELL = 0


@contextmanager
def small_disk(at: Path) -> Iterator[Path]:
    """Give a file system of its own, in memory; only root may make one."""
    at.mkdir(mode=0o700)
    options = f"size={DISK_BYTES},mode=700"
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at)], check=False, capture_output=True)
    if made.returncode:
        pytest.skip(f"a file system of its own cannot be made here: {made.stderr.decode().strip()}")
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def fill(disk: Path) -> None:
    """Leave nothing of the disk; what somebody frees meanwhile is taken, too."""
    with (disk / FILLER).open("ab", buffering=0) as filler:
        while free := os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize:
            try:
                os.posix_fallocate(filler.fileno(), filler.seek(0, os.SEEK_END), free)
            except OSError:
                return


def fill_until_it_stops(disk: Path, url: str) -> None:
    """Write ahead of what there is room for, until PostgreSQL has to stop."""
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(DISK_BYTES // WAL_MESSAGE_BYTES):
            fill(disk)
            try:
                connection.execute(
                    "SELECT pg_logical_emit_message(false, 'faults', repeat('x', %s), true)", (WAL_MESSAGE_BYTES,)
                )
            except psycopg.OperationalError:
                if connection.broken:  # its own log may have no room for why
                    return
    pytest.fail("PostgreSQL found room")


async def test_a_full_disk_loses_nothing_and_it_goes_on_once_there_is_room(tmp_path: Path) -> None:
    """Full for data, then for the write-ahead log, which stops PostgreSQL; what the programs log has no room either."""
    settings = {"REGULARS_LOG_LEVEL": "info"}
    with small_disk(tmp_path / "home") as disk, product_at(tmp_path, settings=settings, logs=disk) as product:
        shop = await prepare(product, MEMBERS)
        web = product.add(WEB, "serve")
        async with rounds_on(product, seed=1) as rounds:
            load = rounds.load
            told: list[Answer] = []

            async def meanwhile(is_over: Callable[[], bool]) -> None:
                await until_answered(rounds, load.acknowledged(), is_over)
                await asyncio.to_thread(fill, disk)
                turned_away = await until_turned_away(load, disk, told)
                (disk / FILLER).unlink()
                async with line() as own:
                    await load.carry_out(turned_away, own)
                await until_answered(rounds, load.acknowledged(), is_over)
                await asyncio.to_thread(fill_until_it_stops, disk, shop.url)
                (disk / FILLER).unlink()
                await until_answered(rounds, load.acknowledged(), is_over)

            await rounds.check(await rounds.send(meanwhile))
        assert [(one.status, one.content()["code"]) for one in told] == [(UNAVAILABLE, "temporarily_unavailable")] * 2
        fill(disk)
        assert web.stop() == ENDED_WELL, "a full disk keeps nobody from ending"
        (disk / FILLER).unlink()


async def until_turned_away(load: Load, disk: Path, told: list[Answer]) -> Operation:
    """Ask until somebody is told that it cannot be done now; return what was asked. A sign-up is told so, too."""
    async with line() as own:
        while True:
            load._number += 1
            operation = load._posting(ACCRUAL, load.shop.members[0])
            load.operations.append(operation)
            answer = await load.send(operation, own)
            assert answer is not None
            if answer.status == UNAVAILABLE:
                told.append(answer)
                break
            operation.answer = answer
            await asyncio.to_thread(fill, disk)
    wish = {
        "market": MARKET.code,
        "identities": [{"kind": "external", "value": "faults:late"}],
        "channel": "store",
        "store_id": STORE,
    }
    signing_up = await load.http.post("/v1/members", json=wish, headers={"Idempotency-Key": "late"})
    told.append(Answer(signing_up.status_code, signing_up.content, replayed=False))
    return operation
