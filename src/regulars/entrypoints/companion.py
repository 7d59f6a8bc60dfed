"""The worker that `serve` brings along: a process of its own, so that it takes no time from answering requests.

It ends with the process that started it, however that one ends: its standard input is a pipe that nobody writes to,
and whose end it waits for.
"""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

from regulars.platform.settings import Settings

logger = logging.getLogger(__name__)

_COMMAND = (sys.executable, "-m", "regulars.entrypoints.cli", "work", "--beside")
_LONGER_SECONDS = 5.0  # than the worker takes for itself at most
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0
_LASTED_SECONDS = 60.0  # a worker that lived so long did not fail at its start


async def keep_worker(settings: Settings, stop: asyncio.Event) -> None:
    """Run a worker until `stop` is set; one that ends before is started again, ever later while it fails at once."""
    loop = asyncio.get_running_loop()
    pause = _SHORTEST_PAUSE_SECONDS
    while not stop.is_set():
        began = loop.time()
        code = await _run_one({**os.environ, **_given(settings)}, stop, settings.stop_seconds + _LONGER_SECONDS)
        if stop.is_set():
            return
        if loop.time() - began > _LASTED_SECONDS:
            pause = _SHORTEST_PAUSE_SECONDS
        logger.warning(
            "the worker ended and is started again", extra={"fields": {"exit_code": code, "in_seconds": pause}}
        )
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _given(settings: Settings) -> dict[str, str]:
    """Return what a command may have chosen itself, as the demo does: its worker must know of it, too."""
    given = {"REGULARS_HOME": str(settings.home), "REGULARS_DEVELOPMENT": str(settings.development).lower()}
    return given if settings.public_url is None else {**given, "REGULARS_PUBLIC_URL": settings.public_url}


async def wait_for_end_of_input(stop: asyncio.Event) -> None:
    """Set `stop` when standard input ends: in the worker, when whoever started it is gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    await reader.read()
    stop.set()


async def _run_one(environment: dict[str, str], stop: asyncio.Event, within_seconds: float) -> int | None:
    # In a session of its own: the Ctrl-C that a terminal sends to both would end it before the web process is done.
    process = await asyncio.create_subprocess_exec(*_COMMAND, stdin=PIPE, env=environment, start_new_session=True)
    ended, stopped = asyncio.create_task(process.wait()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([ended, stopped], return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            await _end(process, within_seconds)
        return process.returncode
    finally:
        ended.cancel()
        stopped.cancel()


async def _end(process: Process, within_seconds: float) -> None:
    """Let it finish what it has begun, within so many seconds."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), within_seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
