"""Two workers at one import: the second waits for the step under way and does the next. The lock is the job's row."""

import asyncio
from typing import Any

import pytest
from psycopg.errors import CheckViolation

from regulars.entrypoints.importing import job_kinds
from regulars.platform.bulk import store
from regulars.platform.bulk.contracts import JobKinds
from regulars.platform.bulk.routes import job_id_in
from regulars.platform.bulk.stepping import do_step
from regulars.platform.imports import stepping
from tests.entrypoints.importing import Site, site
from tests.races.conftest import WAITING

pytestmark = pytest.mark.anyio
__all__ = ["site"]

ROWS = 20  # a step
TOTAL = "SELECT count(*), coalesce(sum(amount), 0) FROM ledger_transfers"


@pytest.fixture(autouse=True)
def short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let steps be short: what is raced for does not depend on their length."""
    monkeypatch.setattr(stepping, "ROWS_A_STEP", ROWS)


async def upload(site: Site, steps: int) -> tuple[str, int]:
    """Start an import of points that takes so many steps; returns the job, and how many rows there are."""
    count = steps * ROWS
    await site.members(count)
    content = b"card,amount\n" + b"".join([b"M%07d,%d\n" % (number, number) for number in range(1, count + 1)])
    return await site.upload(content, kind="accruals"), count


def worker(site: Site) -> JobKinds:
    """Return what does the steps in another process: it has readers of its own."""
    return job_kinds(site.services.settings, site.vault, site.database)


async def step(site: Site, kinds: JobKinds, job_id: str) -> int | None:
    async with site.database.transaction(set_based=True) as tx:
        return await do_step(tx, kinds, job_id_in(job_id))


async def at_once(site: Site, job_id: str) -> int | None:
    """Let a second worker begin while a first one's step is done and not committed; returns what the second came to."""
    async with site.database.transaction(set_based=True) as first:
        await do_step(first, worker(site), job_id_in(job_id))
        await first.flush()
        second = asyncio.create_task(step(site, worker(site), job_id))
        while not second.done() and (await site.rows(WAITING))[0][0] == 0:
            await asyncio.sleep(0.005)
        assert not second.done()
    return await second


def without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a worker take a job up without waiting for whoever is at it."""
    monkeypatch.setattr(store, "TAKE_UP", store.TAKE_UP.removesuffix("FOR UPDATE\n"))


def all_imported(count: int) -> dict[str, Any]:
    return {"rows": count, "imported": count, "known": 0, "refused": 0}


async def test_who_comes_second_does_the_next_rows(site: Site) -> None:
    job_id, count = await upload(site, 2)
    assert await at_once(site, job_id) is None, "its step was the last"

    job = await site.job(job_id)
    assert (job["state"], job["counts"]) == ("done", all_imported(count))
    assert await site.rows(TOTAL) == [(count, count * (count + 1) // 2)]


async def test_who_comes_second_at_the_last_step_leaves_it_as_it_ended(site: Site) -> None:
    job_id, count = await upload(site, 1)
    assert await at_once(site, job_id) is None

    job = await site.job(job_id)
    assert (job["state"], job["counts"]) == ("done", all_imported(count))


async def test_two_workers_take_turns_until_the_end(site: Site) -> None:
    job_id, count = await upload(site, 6)
    turns = list[int]()

    async def work(number: int, kinds: JobKinds) -> None:
        while await step(site, kinds, job_id) is not None:
            turns.append(number)

    await asyncio.gather(work(1, worker(site)), work(2, worker(site)))
    assert set(turns) == {1, 2}
    assert len(turns) == 6 - 1, "the last step says that there is no more"
    assert (await site.job(job_id))["counts"] == all_imported(count)
    assert await site.rows(TOTAL) == [(count, count * (count + 1) // 2)]


async def test_without_the_lock_both_do_the_same_rows(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the log tells of each row twice. That none is posted twice another rule sees to."""
    job_id, count = await upload(site, 2)
    without_the_lock(monkeypatch)
    await at_once(site, job_id)

    assert (await site.job(job_id))["counts"] == all_imported(count // 2), "a step was lost"
    told = "SELECT count(*), count(DISTINCT subject) FROM audit_entries WHERE action = 'import_accruals'"
    assert await site.rows(told) == [(count, count // 2)]
    assert (await site.rows(TOTAL))[0][0] == count // 2, "a reference is posted once, whoever sends it"


async def test_without_the_lock_a_job_that_ended_runs_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the database keeps the worst of it away."""
    job_id, _ = await upload(site, 1)
    without_the_lock(monkeypatch)
    with pytest.raises(CheckViolation, match="jobs_ended_at_check"):
        await at_once(site, job_id)
