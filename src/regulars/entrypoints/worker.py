"""The worker: relays events, sends messages and webhooks, seals the audit log, runs jobs, follows the clock.

Any number of workers may run; each of these does its work in one of them at a time, except jobs, which they share.
"""

import asyncio
import logging
from contextlib import AsyncExitStack, suppress

from regulars.engagement.api import run_messages, staff_letters
from regulars.entrypoints.importing import given_to_tasks
from regulars.entrypoints.merging import PARTS as MERGING
from regulars.entrypoints.privacy import PARTS
from regulars.entrypoints.reactions import REACTIONS
from regulars.entrypoints.watch import watch_server
from regulars.entrypoints.wiring import Place, backup_plan, declare_tasks, located
from regulars.members.api import apply_journal, proposals, run_privacy
from regulars.platform.audit.service import run_sealer
from regulars.platform.backups.streaming import run_backups
from regulars.platform.db.database import CONNECTION_LOST, Database
from regulars.platform.db.failures import describe
from regulars.platform.embedded import EmbeddedError
from regulars.platform.jobs.queue import run_jobs
from regulars.platform.outbox.relay import run_relay
from regulars.platform.settings import Settings
from regulars.platform.traces.starting import traced
from regulars.platform.vault.local import LocalVault
from regulars.platform.webhooks.couriers import run_webhooks

logger = logging.getLogger(__name__)

_CONNECTIONS = 8
_FOLLOW_CLOCK_SECONDS = 1.0
_BREAKING_OFF_SECONDS = 3.0  # for jobs to be broken off and handed back


async def work(settings: Settings, stop: asyncio.Event) -> None:
    """Do the background work until `stop` is set; what has begun then ends first.

    The database is that of `settings`, migrated; an embedded one that dies is brought back. Used by `regulars work`
    as a process, by `serve` and `demo` as a task beside the web process.
    """
    with located(settings) as place:
        await work_at(place, settings, stop)


async def work_at(place: Place, settings: Settings, stop: asyncio.Event) -> None:
    """Do the background work on this database until `stop` is set, and what has begun then for a bounded time.

    What is not done by then is broken off: its transaction is undone, and another worker does it.
    """
    working, stopping = asyncio.create_task(_work(place, settings, stop)), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        _, late = await asyncio.wait({working}, timeout=settings.stop_seconds + _BREAKING_OFF_SECONDS)
        if late:
            logger.warning("the work was broken off: it did not end in time")
    finally:
        stopping.cancel()
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working


async def _work(place: Place, settings: Settings, stop: asyncio.Event) -> None:
    declare_tasks()
    database = await _opened(place, settings, stop)
    if database is None:
        return
    vault = LocalVault(settings.home / "vault")
    try:
        await apply_journal(database, vault, PARTS)
        async with AsyncExitStack() as beside, asyncio.TaskGroup() as group:
            beside.enter_context(traced(settings, database, "worker"))
            _tell_metrics(beside, database, settings)
            group.create_task(run_privacy(database, vault, PARTS, stop))
            group.create_task(proposals.run_proposals(database, vault, MERGING, stop))
            group.create_task(run_messages(database, settings, vault, stop))
            group.create_task(run_webhooks(database, settings, vault, staff_letters(settings, vault), stop))
            group.create_task(run_relay(database, REACTIONS, stop))
            group.create_task(run_sealer(database, stop))
            group.create_task(
                run_jobs(
                    database,
                    place.direct_url,
                    stop,
                    settings=settings,
                    given=given_to_tasks(settings, vault, database),
                )
            )
            group.create_task(_follow_clock(database, stop))
            group.create_task(watch_server(place, stop))
            if place.server is not None:
                group.create_task(run_backups(database, place.server, settings.home, backup_plan(settings), stop))
    finally:
        await database.close()
        vault.close()


async def _opened(place: Place, settings: Settings, stop: asyncio.Event) -> Database | None:
    """Open the database, however often it goes away meanwhile: beside `serve`, failing would end the web process.

    None if `stop` was set before it was there.
    """
    while not stop.is_set():
        database = Database(
            place.url,
            pool_size=_CONNECTIONS,
            prepared_statements=settings.prepared_statements,
            lock_timeout_ms=settings.patient_lock_timeout_ms,
        )
        try:
            return await database.open()
        except CONNECTION_LOST as error:
            logger.warning("database lost at the start: %s", describe(error))
        await database.close()
        with suppress(EmbeddedError):  # told when it is asked for next
            await place.bring_back()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _FOLLOW_CLOCK_SECONDS)
    return None


def _tell_metrics(beside: AsyncExitStack, database: Database, settings: Settings) -> None:
    """Tell this process's metrics at a port of their own, where one is set."""
    if settings.worker_metrics_port is None:
        return
    from regulars.platform.metrics.listening import listening

    try:
        beside.enter_context(listening(database, settings.worker_metrics_host, settings.worker_metrics_port))
    except OSError as error:  # the work matters more; whoever asks for them finds nobody
        logger.error("the worker's metrics cannot be told: %s", error)  # noqa: TRY400 - its text says all


async def _follow_clock(database: Database, stop: asyncio.Event) -> None:
    """Read the programme clock each second."""
    while not stop.is_set():
        try:
            await database.follow_clock()
        except CONNECTION_LOST as error:
            logger.warning("database lost: %s", describe(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _FOLLOW_CLOCK_SECONDS)
