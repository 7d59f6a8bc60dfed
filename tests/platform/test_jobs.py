"""Jobs are enqueued with the change they follow from, or not at all; and none is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.request import urlopen

import pytest
from procrastinate import PsycopgConnector

from regulars.entrypoints.wiring import TASK_MODULES, Place
from regulars.entrypoints.worker import work_at
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.audit.service import verify_chain
from regulars.platform.clock import wall_now
from regulars.platform.commit.tasks import forget_old_answers
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.jobs.queue import build_app, run_jobs
from regulars.platform.jobs.registry import TASKS, task
from regulars.platform.metrics.measures import JOB_RUNS
from regulars.platform.outbox.service import backlog
from regulars.platform.outbox.tasks import forget_handled
from regulars.platform.settings import Settings
from tests.architecture.source import sources
from tests.faults.product import free_port
from tests.platform.relaying import create_effects, effects
from tests.platform.supplying import NOT_SCHEDULED, SUPPLIES

pytestmark = pytest.mark.anyio


@task()
async def count(tx: Transaction, *, number: int) -> None:
    tx.write("INSERT INTO effects (handler, number) VALUES ('count', %s)", (number,))


@task()
async def count_down(tx: Transaction) -> bool:
    """One number a round, from 3."""
    done = (await tx.rows("SELECT count(*) FROM effects"))[0][0]
    tx.write("INSERT INTO effects (handler, number) VALUES ('count', %s)", (3 - done,))
    return bool(done < 3)


@task(max_attempts=3)
async def fail(tx: Transaction) -> None:
    tx.write("INSERT INTO effects (handler, number) VALUES ('count', 1)")
    await tx.flush()
    raise RuntimeError


@task()
async def never_end(tx: Transaction) -> None:
    tx.write("INSERT INTO effects (handler, number) VALUES ('count', 1)")
    await tx.flush()
    await asyncio.Event().wait()


@pytest.fixture(autouse=True)
async def _effects(database: Database) -> None:
    await create_effects(database)


@asynccontextmanager
async def worker(database: Database, url: str) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(run_jobs(database, url, stop, given=SUPPLIES))
    try:
        yield
    finally:
        stop.set()
        await running


async def jobs(database: Database) -> list[tuple[str, int]]:
    async with database.transaction() as tx:
        rows = await tx.rows(f"SELECT status::text, attempts FROM procrastinate_jobs WHERE {NOT_SCHEDULED} ORDER BY id")
    return [(status, attempts) for status, attempts in rows]


async def until_jobs_are(database: Database, *expected: tuple[str, int]) -> None:
    while await jobs(database) != list(expected):
        await asyncio.sleep(0.01)


async def test_a_job_runs_after_the_commit(database: Database, database_url: str) -> None:
    async with worker(database, database_url):
        async with database.transaction() as tx:
            await tx.defer(count, number=1)
            await tx.defer(count, number=2)
            assert await jobs(database) == [], "not before"
        await until_jobs_are(database)

    assert sorted(await effects(database, "count")) == [1, 2]


async def test_a_job_of_a_change_undone_never_runs(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.defer(count, number=1)
        await tx.connection.rollback()

    assert await jobs(database) == []


async def test_a_savepoint_undoes_the_jobs_inside(database: Database) -> None:
    async def half(tx: Transaction) -> None:
        async with tx.savepoint():
            await tx.defer(count, number=1)
            raise ValueError("undone")

    async with database.transaction() as tx:
        with pytest.raises(ValueError, match="undone"):
            await half(tx)
        await tx.defer(count, number=2)

    assert await jobs(database) == [("todo", 0)]


async def test_rounds_go_on_while_there_is_more(database: Database, database_url: str) -> None:
    async with database.transaction() as tx:
        await tx.defer(count_down)
    async with worker(database, database_url):
        await until_jobs_are(database)

    assert await effects(database, "count") == [3, 2, 1, 0]


async def test_failures_are_tried_again_so_often_and_undo_their_work(database: Database, database_url: str) -> None:
    async with database.transaction() as tx:
        await tx.defer(fail)
    async with worker(database, database_url):
        for attempts, state in ((1, "todo"), (2, "todo"), (3, "failed")):
            await until_jobs_are(database, (state, attempts))
            async with database.transaction() as tx:
                tx.write("UPDATE procrastinate_jobs SET scheduled_at = NULL")
                tx.write('SELECT pg_notify(\'procrastinate_any_queue_v1\', \'{"type": "job_inserted", "job_id": 1}\')')

    assert await effects(database, "count") == []
    counted = [(labels, number) for (what, labels), number in database.counts.told() if what is JOB_RUNS]
    assert [one for one in counted if one[0][0] == fail.name] == [((fail.name, "failed"), 3)]


async def test_a_job_that_does_not_end_in_time_is_handed_back(database: Database, database_url: str) -> None:
    async with database.transaction() as tx:
        await tx.defer(never_end)
    stop = asyncio.Event()
    working = asyncio.create_task(run_jobs(database, database_url, stop, stop_seconds=0.05, given=SUPPLIES))
    await until_jobs_are(database, ("doing", 0))
    stop.set()
    await asyncio.wait_for(working, 10)

    assert await jobs(database) == [("todo", 1)]
    assert await effects(database, "count") == []


async def test_a_job_may_wait_for_its_time(database: Database) -> None:
    at = wall_now() + timedelta(days=1)
    async with database.transaction() as tx:
        await tx.defer(count.at(at), number=1)

    async with database.transaction() as tx:
        assert await tx.rows("SELECT scheduled_at FROM procrastinate_jobs") == [(at,)]


async def test_a_job_lost_by_its_worker_is_run_by_another(database: Database, database_url: str) -> None:
    async with database.transaction() as tx:
        await tx.defer(count, number=1)
        tx.write(
            "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES ('2020-01-01') RETURNING id)"
            " UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead"
        )
    async with worker(database, database_url):
        await until_jobs_are(database)

    assert await effects(database, "count") == [1]


async def test_scheduled_tasks_have_their_schedule_and_run_one_at_a_time(database: Database, database_url: str) -> None:
    app = build_app(PsycopgConnector(conninfo=database_url), [forget_handled], database, asyncio.Event())
    (periodic,) = app.periodic_registry.periodic_tasks.values()

    assert (periodic.cron, periodic.task.lock) == ("17 3 * * *", "platform.outbox.tasks.forget_handled")
    assert periodic.configure_kwargs["queueing_lock"] == periodic.task.lock


async def test_answers_are_forgotten_after_a_day(database: Database, database_url: str) -> None:
    async with database.transaction() as tx:
        tx.write(
            "INSERT INTO idempotency_answers (client, key, request_hash, status, body, written_at)"
            " SELECT 'key', n::text, '', 200, '', %s - n * interval '1 hour' FROM generate_series(1, 48) AS n",
            (wall_now() + timedelta(minutes=30),),
        )
        await tx.defer(forget_old_answers)
    async with worker(database, database_url):
        await until_jobs_are(database)

    async with database.transaction() as tx:
        assert await tx.rows("SELECT count(*), max(key::int) FROM idempotency_answers") == [(24, 24)]


def test_two_tasks_of_one_name_are_refused() -> None:
    assert TASKS[count.name] is count
    with pytest.raises(ValueError, match="two tasks"):
        task()(count.work)


def test_the_worker_knows_every_module_of_tasks() -> None:
    declared = {
        source.module for source in sources("src") if source.stem == "tasks" and "regulars.platform.jobs.registry.task"
        in {name for name, _ in source.imports}
    }  # fmt: skip

    assert declared == set(TASK_MODULES)


async def test_the_worker_does_it_all_and_stops(database: Database, database_url: str) -> None:
    stop = asyncio.Event()
    settings = Settings(worker_metrics_port=free_port())
    working = asyncio.create_task(work_at(Place(database_url, database_url), settings, stop))
    async with database.transaction() as tx:
        tx.audit(AuditEntry(actor="key:ak_1", action="adjust_points", subject="mbr_1"))
        await tx.defer(count, number=1)
    while True:
        async with database.transaction() as tx:
            report = await verify_chain(tx)
            if report.entries == 1 and (await backlog(tx)).is_drained and await jobs(database) == []:
                break
        await asyncio.sleep(0.01)

    def measured() -> str:
        with urlopen(f"http://127.0.0.1:{settings.worker_metrics_port}/metrics") as answer:
            return str(answer.read().decode())

    told = await asyncio.to_thread(measured)
    stop.set()
    await asyncio.wait_for(working, 10)

    assert await effects(database, "count") == [1]
    assert f'regulars_job_runs_total{{outcome="done",task="{count.name}"}} 1.0' in told
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(measured)
