"""What every long-lived process minds: signals, and that the embedded PostgreSQL is there, whoever kills what."""

import asyncio
import logging
import signal
from contextlib import suppress

from regulars.entrypoints.wiring import Place
from regulars.platform.embedded import EmbeddedError

logger = logging.getLogger(__name__)

WATCH_SECONDS = 0.5


async def watch_server(place: Place, stop: asyncio.Event) -> None:
    """Start an embedded server again whose supervisor died, until `stop` is set; any other database is its owner's.

    A server that crashes is started again by its supervisor. A process that only reads would not notice that the
    supervisor itself is gone: it would answer 503 for ever.
    """
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), WATCH_SECONDS)
        if place.server is None or stop.is_set() or place.server.is_supervised():
            continue
        logger.warning("the embedded PostgreSQL has lost its supervisor and is started again")
        try:
            await place.bring_back()
        except EmbeddedError as error:  # a full disk, for one: put right, the next look brings it back
            logger.error("the embedded PostgreSQL cannot be started: %s", error)  # noqa: TRY400 - its text says all


def stop_on_signals(stop: asyncio.Event) -> None:
    """Let SIGINT and SIGTERM end the process gracefully."""
    loop = asyncio.get_running_loop()

    def ask_to_stop(name: str) -> None:
        logger.info("stopping", extra={"fields": {"signal": name}})
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask_to_stop, number.name)
