"""Waiting for something new: one look for all who wait, five times a second, and none while nobody does."""

import asyncio
from contextlib import suppress
from typing import Final

from regulars.platform.db.database import CONNECTION_LOST, Database
from regulars.platform.event_feed import store

BETWEEN_LOOKS_SECONDS: Final = 0.2
WAITING_AT_MOST: Final = 500


class Pulse:
    """Beats when events may have come. Note `beats` before you read: a beat since then is not waited for again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting = 0
        self._looking: asyncio.Task[None] | None = None
        self._beat = asyncio.Event()
        self._nobody = asyncio.Event()
        self.beats = 0

    async def wait(self, beats: int, seconds: float) -> bool:
        """Return True when it has beaten more often than `beats`; False after so many seconds, or if too many wait."""
        if self.beats != beats:
            return True
        if self._waiting >= WAITING_AT_MOST:
            return False
        self._waiting += 1
        self._nobody.clear()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            await asyncio.wait_for(self._beat.wait(), seconds)
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._nobody.set()
        return True

    async def _look(self) -> None:
        """Beat at once, as nobody knows what came while nobody looked, and then whenever something did."""
        last: str | None = None
        while self._waiting:
            try:
                async with self._database.transaction(set_based=True) as tx:
                    last, news = await store.has_news(tx, last)
            except CONNECTION_LOST:
                news = False  # who waits will be told when it is over, or read in vain
            if news:
                self.beats += 1
                beat, self._beat = self._beat, asyncio.Event()
                beat.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nobody.wait(), BETWEEN_LOOKS_SECONDS)
