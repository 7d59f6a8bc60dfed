"""The worker's part: the log is copied as it is written, and a base is taken whenever the last one is too old.

`pg_receivewal` copies the log within a moment of each commit, so what a lost disk costs is seconds. The server keeps
the log for it (a replication slot, at most `max_slot_wal_keep_size`) while no worker runs.
"""

import asyncio
import fcntl
import logging
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

from regulars.platform.backups import store
from regulars.platform.backups.contracts import SLOT, BackupFailed, BackupUnderWay, Plan
from regulars.platform.backups.folder import Line, current_line
from regulars.platform.backups.standing import Tried, write_note
from regulars.platform.backups.taking import take_base
from regulars.platform.clock import wall_now
from regulars.platform.db.database import CONNECTION_LOST, Database
from regulars.platform.db.failures import describe
from regulars.platform.embedded import EmbeddedServer
from regulars.platform.embedded.cluster import ENVIRONMENT
from regulars.platform.embedded.supervisor import open_lock, try_lock

logger = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 5.0  # after something failed
_PAUSE_AFTER_FAILED_BASE: Final = timedelta(minutes=10)
_END_SECONDS: Final = 10.0


async def run_backups(
    database: Database, server: EmbeddedServer, home: Path, plan: Plan | None, stop: asyncio.Event
) -> None:
    """Keep the backups of the embedded server until `stop` is set; of several workers one does."""
    while not stop.is_set():
        try:
            if plan is None:
                await _forget(database)
                return
            await _Keeper(database, server, home, plan).keep(stop)
        except CONNECTION_LOST as error:
            logger.warning("database lost: %s", describe(error))
        except (OSError, msgspec.MsgspecError) as error:
            logger.error("backups cannot be kept: %s", error)  # noqa: TRY400 -- its text says all
        await _until(stop, _PAUSE_SECONDS)


async def _forget(database: Database) -> None:
    """Let the server keep no log for backups that are not wanted any more."""
    async with database.transaction() as tx:
        found = await store.slot_state(tx)
        if found is not None:
            if found[1] is not None:
                await store.end_reader(tx, found[1])
            await store.drop_slot(tx)


@dataclass(frozen=True, slots=True)
class _Keeper:
    database: Database
    server: EmbeddedServer
    home: Path
    plan: Plan

    async def keep(self, stop: asyncio.Event) -> None:
        """Copy the log until something ends that; at once if another worker copies it."""
        line = await self._line(anew=False)
        async with _held(line) as held:
            if held and not await self._is_kept_for(line):
                line = await self._line(anew=True)
                async with _held(line):
                    await self._copy(line, stop)
            elif held:
                await self._copy(line, stop)

    async def _line(self, *, anew: bool) -> Line:
        return await asyncio.to_thread(current_line, self.plan.folder, self.home, wall_now(), anew=anew)

    async def _is_kept_for(self, line: Line) -> bool:
        """Let the server keep its log for us; say whether it has kept it since the line was last written."""
        async with self.database.transaction() as tx:
            found = await store.slot_state(tx)
        status, reader = found or ("", None)
        async with self.database.transaction() as tx:
            if reader is not None:  # its worker was killed, else we would not hold the line
                await store.end_reader(tx, reader)
            if found is not None and status != "lost":
                return True
            if found is not None:
                logger.error("the log was not copied to the backups for too long: they begin anew with a base")
                await store.drop_slot(tx)
            await store.create_slot(tx)
        return not line.bases() and not any(line.wal.iterdir())

    async def _copy(self, line: Line, stop: asyncio.Event) -> None:
        # It leaves when the connection breaks; we begin again, with a look at what the server has kept.
        command = self.server.client("pg_receivewal")
        process = await asyncio.create_subprocess_exec(
            *(*command, "-D", str(line.wal), "--slot", SLOT, "--no-loop", "--no-password"),
            env=ENVIRONMENT, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE,
        )  # fmt: skip
        said = asyncio.create_task(_last_words(process))
        minding = asyncio.create_task(self._mind_bases(line))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([said, stopped, minding], return_when=asyncio.FIRST_COMPLETED)
            if said.done() and not stop.is_set():
                logger.warning("the log is not copied to the backups: %s", said.result() or "the server ended")
        finally:
            stopped.cancel()
            minding.cancel()
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGINT)  # it ends after it has written down what came
                await _ended(process)
            await said
            with suppress(asyncio.CancelledError):
                await minding

    async def _mind_bases(self, line: Line) -> None:
        """Take a base whenever the newest one is too old, there is none, or somebody asks for one."""
        not_before = wall_now()
        while True:
            bases = await asyncio.to_thread(line.bases)
            now = wall_now()
            asked = await asyncio.to_thread(line.take_up)
            is_due = not bases or now - bases[-1].began_at >= timedelta(hours=self.plan.hours)
            if asked or (is_due and now >= not_before):
                try:
                    base = await asyncio.to_thread(take_base, self.server, self.home, self.plan)
                    logger.info("backup taken", extra={"fields": {"name": base.name, "bytes": base.size_bytes}})
                    await asyncio.to_thread(line.failed.unlink, missing_ok=True)
                except (
                    BackupUnderWay
                ):  # somebody takes one by hand, which may lack what is waited for: we come after it
                    await asyncio.sleep(_LOOK_SECONDS)
                    continue
                except BackupFailed as error:
                    logger.error("%s", error)  # noqa: TRY400 -- its text says all
                    await asyncio.to_thread(write_note, line.failed, Tried(wall_now(), str(error)))
                    not_before = wall_now() + _PAUSE_AFTER_FAILED_BASE
                await asyncio.to_thread(line.taken_up.unlink, missing_ok=True)
            await asyncio.sleep(_LOOK_SECONDS)


@asynccontextmanager
async def _held(line: Line) -> AsyncIterator[bool]:
    """Hold the line's lock, if nobody else does."""
    descriptor = open_lock(line.lock)
    try:
        yield try_lock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


async def _last_words(process: Process) -> str:
    """Return the last line that a program said, once it has ended."""
    last = b""
    assert process.stderr is not None  # noqa: S101 -- it was started with a pipe
    async for line in process.stderr:
        last = line.strip() or last
    await process.wait()
    return last.decode(errors="replace")


async def _ended(process: Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), _END_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _until(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
