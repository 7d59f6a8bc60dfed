"""Waiting for something new: one look for all who wait, five times a second, and none while nobody does."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from regulars.platform.db.database import CONNECTION_LOST, Database
from regulars.platform.event_feed import store

BETWEEN_LOOKS_SECONDS: Final = 0.2
WAITING_AT_MOST: Final = 500


class Pulse:
    """Beats when events came. Note `beats` before you read: a beat since then is not waited for again."""

    def __init__(self, database: Database, stopping: Callable[[], asyncio.Event] = asyncio.Event) -> None:
        self._database = database
        self._stopping = stopping
        self._waiting = 0
        self._looking: asyncio.Task[None] | None = None
        self._next_look = 0.0  # seconds of the loop's clock
        self._beat = asyncio.Event()
        self._nobody = asyncio.Event()
        self.beats = 0

    async def wait(self, beats: int, seconds: float, taken: str) -> bool:
        """Return True when it has beaten more often than `beats`; False after so many seconds, or if too many wait.

        Nobody waits once the process was told to end.

        `taken` is what was visible when the caller read. A look that is under way may have begun later, so who joins it
        looks once for what came in between.
        """
        if self.beats != beats:
            return True
        if self._waiting >= WAITING_AT_MOST:
            return False
        self._waiting += 1
        self._nobody.clear()
        beat, joins = self._beat, self._looking is not None and not self._looking.done()
        if not joins:
            self._looking = asyncio.create_task(self._look(taken))
        try:
            if joins and (await self._look_once(taken))[1]:
                return True
            return await _first(beat, self._stopping(), seconds) is beat
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._nobody.set()

    async def _look(self, last: str) -> None:
        """Beat whenever something became visible that is not in `last`, as long as somebody waits."""
        clock = asyncio.get_running_loop().time
        while await self._somebody_waits(self._next_look - clock()):
            self._next_look = clock() + BETWEEN_LOOKS_SECONDS
            try:
                last, news = await self._look_once(last)
            except CONNECTION_LOST:
                continue  # who waits will be told when it is over, or read in vain
            if news:
                self.beats += 1
                beat, self._beat = self._beat, asyncio.Event()
                beat.set()

    async def _look_once(self, last: str) -> tuple[str, bool]:
        async with self._database.transaction(set_based=True) as tx:
            return await store.has_news(tx, last)

    async def _somebody_waits(self, seconds: float) -> bool:
        """Let so much time pass; return whether somebody still waits."""
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nobody.wait(), seconds)
        return self._waiting > 0


async def _first(beat: asyncio.Event, stopping: asyncio.Event, seconds: float) -> asyncio.Event | None:
    """Return which of the two was set first; None if neither was in so many seconds."""
    waits = {asyncio.create_task(event.wait()): event for event in (beat, stopping)}
    try:
        done, _ = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return beat if beat.is_set() else next((waits[one] for one in done), None)
    finally:
        for each in waits:
            each.cancel()
