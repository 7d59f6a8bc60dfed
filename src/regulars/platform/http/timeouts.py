"""How long a caller may take: one timer for everybody, because each request having its own would cost 3 µs."""

import asyncio
from collections.abc import Coroutine
from time import monotonic
from typing import Any, TypeVar

Awaited = TypeVar("Awaited")

_LOOKS = 10  # so often within the limit somebody looks who is late


class SharedTimeout:
    """Like `asyncio.timeout` for many short waits at once, a tenth of the limit late at most."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._began: dict[asyncio.Task[Any], float] = {}  # in the order of their beginning
        self._late: set[asyncio.Task[Any]] = set()
        self._watched = False

    async def limit(self, waited_for: Coroutine[Any, Any, Awaited]) -> Awaited:
        """Return what is waited for. Raises TimeoutError when it takes too long. Not to be nested."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be told that it is late")
        self._began[task] = monotonic()
        if not self._watched:
            self._watch()
        try:
            return await waited_for
        except asyncio.CancelledError:
            if task in self._late and not task.uncancel():
                raise TimeoutError from None
            raise
        finally:
            del self._began[task]
            self._late.discard(task)

    def _watch(self) -> None:
        self._watched = True
        asyncio.get_running_loop().call_later(self.seconds / _LOOKS, self._look)

    def _look(self) -> None:
        self._watched = False
        too_early = monotonic() - self.seconds
        for task, began in self._began.items():
            if began > too_early:
                break
            if task not in self._late:
                self._late.add(task)
                task.cancel()
        if self._began:
            self._watch()
