"""SIGKILL in the middle of an import: what was committed is there once, and the next process goes on from there."""

import asyncio
import signal
from random import Random, SystemRandom

import pytest

from regulars.platform.imports.contracts import ROWS_A_STEP
from tests.entrypoints.importing import Site, site
from tests.faults.jobber import started

__all__ = ["site"]  # the fixture
pytestmark = pytest.mark.anyio

STEPS = 6
TOTAL = "SELECT count(*), coalesce(sum(amount), 0) FROM ledger_transfers"


async def kill_in_the_middle(site: Site, url: str, job_id: str, after: float) -> None:
    """Let a process import until some rows are there and a while has passed, and kill it."""
    before = (await site.rows(TOTAL))[0][0]
    process = await started(site, url, job_id)
    while (await site.rows(TOTAL))[0][0] == before and process.returncode is None:
        await asyncio.sleep(0.005)
    await asyncio.wait([asyncio.create_task(process.wait())], timeout=after)
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    await process.wait()


async def kill_and_prove(site: Site, url: str, kills: list[float]) -> list[int]:
    """Import with so many kills; return after which rows each came."""
    count = STEPS * ROWS_A_STEP
    await site.members(count)
    content = b"card,amount\n" + b"".join([b"M%07d,%d\n" % (number, number) for number in range(1, count + 1)])
    job_id = await site.upload(content, part_bytes=50_000, kind="accruals")
    met = []
    for after in kills:
        await kill_in_the_middle(site, url, job_id, after)
        job, ((there, _),) = await site.job(job_id), await site.rows(TOTAL)
        assert there == job["counts"].get("imported", 0), "what a step did and how far it is are one commit"
        assert there % ROWS_A_STEP == 0
        met.append(there)
    job = await site.done(job_id)
    assert (job["state"], job["counts"]) == ("done", {"rows": count, "imported": count, "known": 0, "refused": 0})
    assert await site.rows(TOTAL) == [(count, count * (count + 1) // 2)]
    return met


async def test_a_killed_import_goes_on_and_repeats_nothing(site: Site, database_url: str) -> None:
    (there,) = await kill_and_prove(site, database_url, [0.0])
    assert 0 < there < STEPS * ROWS_A_STEP


@pytest.mark.faults
async def test_an_import_that_is_killed_again_and_again(site: Site, database_url: str) -> None:
    random = Random(SystemRandom().randrange(10**6))
    await kill_and_prove(site, database_url, [random.random() / 5 for _ in range(4)])
