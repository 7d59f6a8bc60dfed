"""What some work costs, counted instead of timed: the same on an idle machine and on a busy one.

Of the database the rows that every node of every plan handled, whether it handed them on or not: a plan that compares
each with each shows, however few rows come out. Of the product the lines that were run, in the thread of the event
loop, where everybody waits, and beside it.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Self

import msgspec
from psycopg.conninfo import make_conninfo
from psycopg.errors import Diagnostic

import regulars
from regulars.platform.db.database import Database

_EXPLAINING = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_level": "notice",
    "auto_explain.log_format": "json",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
}
_LEFT_OUT = ("Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck")
_OURS = str(Path(regulars.__file__).parent)

_Trace = Callable[[FrameType, str, Any], Any]


@dataclass
class Cost:
    """What was counted."""

    statements: int = 0
    rows: float = 0.0  # that the nodes of their plans handled
    lines: int = 0  # of the product, in every thread
    longest: int = 0  # so many of them without a pause in the thread of the event loop


class Explained:
    """What tells of each statement; who counts at the moment takes it."""

    def __init__(self) -> None:
        self.counter: Counter | None = None

    def anew(self) -> "Counter":
        """Return what counts between its `async with` and the end of that."""
        return Counter(self)

    def take_plan(self, told: Diagnostic) -> None:
        """Count a statement."""
        _, found, plan = (told.message_primary or "").partition("plan:\n")
        if found and self.counter is not None:
            self.counter.cost.statements += 1
            self.counter.cost.rows += handled(msgspec.json.decode(plan)["Plan"])


class Counter:
    """Counts while it is entered."""

    def __init__(self, explained: Explained) -> None:
        self.cost = Cost()
        self._explained = explained
        self._stretch = 0

    async def __aenter__(self) -> Self:
        self._explained.counter = self
        self._ticking = asyncio.create_task(self._tick())
        await asyncio.to_thread(sys.settrace, _tracing(self._count_beside))
        sys.settrace(_tracing(self._count_shared))
        return self

    async def __aexit__(self, *_: object) -> None:
        sys.settrace(None)
        await asyncio.to_thread(sys.settrace, None)
        self._ticking.cancel()
        self._explained.counter = None

    async def _tick(self) -> None:
        """Come to one's turn as often as everybody else."""
        while True:
            self._stretch = 0
            await asyncio.sleep(0)

    def _count_beside(self) -> None:
        self.cost.lines += 1

    def _count_shared(self) -> None:
        self.cost.lines += 1
        self._stretch += 1
        self.cost.longest = max(self.cost.longest, self._stretch)


@asynccontextmanager
async def explained(url: str) -> AsyncIterator[tuple[Database, Explained]]:
    """Open a database of one connection that tells the plan of each statement, and what counts it.

    What the product does in threads it does in one, which is counted, too.
    """
    options = " ".join(f"-c {name}={value}" for name, value in _EXPLAINING.items())
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    async with Database(make_conninfo(url, options=options), pool_size=1) as database:
        telling = Explained()
        async with database.transaction() as tx:
            tx.connection.add_notice_handler(telling.take_plan)
        yield database, telling
    await asyncio.get_running_loop().shutdown_default_executor()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())


def handled(plan: dict[str, Any]) -> float:
    """Return how many rows a node of a plan and those under it handled."""
    own = plan["Actual Rows"] + sum(plan.get(name, 0) for name in _LEFT_OUT)
    return float(own * plan["Actual Loops"] + sum(handled(each) for each in plan.get("Plans", ())))


def _tracing(count: Callable[[], None]) -> _Trace:
    """Call `count` for each line of the product that is run."""

    def line(_frame: FrameType, event: str, _argument: Any) -> _Trace:  # noqa: ANN401 - as Python calls it
        if event == "line":
            count()
        return line

    def call(frame: FrameType, _event: str, _argument: Any) -> _Trace | None:  # noqa: ANN401 - as above
        return line if frame.f_code.co_filename.startswith(_OURS) else None

    return call
