"""The queue, kept by procrastinate in our own database."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from contextlib import nullcontext, suppress
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from psycopg import AsyncConnection

from regulars.platform.db.database import Database
from regulars.platform.db.failures import describe
from regulars.platform.db.transaction import JsonValue
from regulars.platform.jobs.registry import TASKS, Task
from regulars.platform.metrics.measures import JOB_RUNS
from regulars.platform.settings import Settings

logger = logging.getLogger(__name__)

CONCURRENT_JOBS = 2
LOOK_FOR_LOST_JOBS_SECONDS = 15.0
_CONNECTIONS = 3
_LONGEST_PAUSE_SECONDS = 30.0


class Supplies(NamedTuple):
    """What a worker gives to tasks besides their arguments."""

    settings: Settings
    given: Mapping[str, Any] = MappingProxyType({})

    def named(self, declared: Task) -> dict[str, Any]:
        """Return what a task asks for by name."""
        return {name: self.given[name] for name in declared.given}


class StoppedBetweenRounds(Exception):
    """The worker stops; the task's next round is for the retry."""


@cache
def _deferring() -> App:
    return App(connector=PsycopgConnector())  # never opened: jobs are written on the caller's connection


async def enqueue(task: Task, connection: AsyncConnection[Any], arguments: dict[str, JsonValue]) -> None:
    """Write a job in the connection's transaction."""
    deferrer = _deferring().configure_task(task.name, connection=connection, schedule_at=task.not_before)
    await deferrer.defer_async(**arguments)


def build_app(
    connector: PsycopgConnector,
    tasks: Iterable[Task],
    database: Database,
    stop: asyncio.Event,
    supplies: Supplies | None = None,
) -> App:
    """Make the app of one worker: every task with its retries and its schedule, and what it is given."""
    app = App(connector=connector)
    for declared in tasks:
        _add(app, declared, database, stop, supplies or Supplies(Settings()))
    return app


def _add(app: App, declared: Task, database: Database, stop: asyncio.Event, supplies: Supplies) -> None:
    given = (supplies.settings,) if declared.by_settings else ()

    async def run(
        _: JobContext, /, timestamp: int | None = None, traceparent: str | None = None, **arguments: JsonValue
    ) -> None:
        del timestamp  # procrastinate's, of scheduled runs
        with nullcontext() if database.tracer is None else database.tracer.job(declared.name, traceparent):
            await run_rounds(arguments)

    async def run_rounds(arguments: dict[str, JsonValue]) -> None:
        more = True
        while more:
            if stop.is_set():
                raise StoppedBetweenRounds
            try:
                async with database.transaction(actor=f"job:{declared.name}", set_based=True) as tx:
                    more = bool(await declared.work(tx, *given, **arguments, **supplies.named(declared)))
            except Exception:
                database.counts.add(JOB_RUNS, (declared.name, "failed"))
                raise
        database.counts.add(JOB_RUNS, (declared.name, "done"))

    retry = RetryStrategy(max_attempts=declared.max_attempts - 1, exponential_wait=5)
    alone = declared.name if declared.cron else None
    registered = app.task(name=declared.name, pass_context=True, retry=retry, lock=alone)(run)
    if declared.cron:
        app.periodic(cron=declared.cron, queueing_lock=alone)(registered)


async def run_jobs(
    database: Database,
    direct_url: str,
    stop: asyncio.Event,
    *,
    settings: Settings | None = None,
    given: Mapping[str, Any] | None = None,
    stop_seconds: float | None = None,
) -> None:
    """Run jobs until `stop` is set; those that are running then end first. Outlives lost connections.

    One that does not end within `stop_seconds` (else the settings') is broken off, its transaction undone, and tried
    again by another.
    `direct_url` leads past any pgbouncer, for LISTEN. `given` is what tasks ask for by name.
    """
    settings, failures = settings or Settings(), 0
    supplies = Supplies(settings, given or {})
    bound = settings.stop_seconds if stop_seconds is None else stop_seconds
    while not stop.is_set():
        try:
            await _run_until_stopped(database, direct_url, stop, supplies, bound)
            failures = 0
        except Exception as error:  # noqa: BLE001 - the jobs are still there to be run
            failures += 1
            logger.warning("jobs interrupted: %s", describe(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(0.5 * 2**failures, _LONGEST_PAUSE_SECONDS))


async def _run_until_stopped(
    database: Database, direct_url: str, stop: asyncio.Event, supplies: Supplies, stop_seconds: float
) -> None:
    connector = PsycopgConnector(conninfo=direct_url, min_size=1, max_size=_CONNECTIONS, timeout=10)
    app = build_app(connector, TASKS.values(), database, stop, supplies)
    async with app.open_async():
        await _retry_lost_jobs(app)
        running = asyncio.create_task(
            app.run_worker_async(
                concurrency=CONCURRENT_JOBS,
                delete_jobs="successful",
                install_signal_handlers=False,
                shutdown_graceful_timeout=stop_seconds,
            )
        )
        others = [asyncio.create_task(stop.wait()), asyncio.create_task(_look_for_lost_jobs(app))]
        try:
            await asyncio.wait({running, *others}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (*others, running):
                each.cancel()  # the worker takes it as a request to finish what it is doing
            outcomes = await asyncio.gather(running, *others, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


async def _look_for_lost_jobs(app: App) -> None:
    while True:
        await asyncio.sleep(LOOK_FOR_LOST_JOBS_SECONDS)
        await _retry_lost_jobs(app)


async def _retry_lost_jobs(app: App) -> None:
    """Give the jobs of workers that died (no heartbeat for 30 s) to others."""
    for job in await app.job_manager.get_stalled_jobs():
        logger.warning("job lost by its worker, tried again", extra={"job_id": job.id, "task": job.task_name})
        await app.job_manager.retry_job(job)
