"""Keeping the embedded PostgreSQL there for as long as this process needs it, whoever kills what."""

import asyncio
import logging
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
            await place.recover()
        except EmbeddedError as error:  # a full disk, for one: put right, the next look brings it back
            logger.error("the embedded PostgreSQL cannot be started: %s", error)  # noqa: TRY400 - its text says all
