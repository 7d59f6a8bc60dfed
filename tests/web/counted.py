"""A database that counts: what a page asks of it, and how often the page waits for the answer.

Statements are counted at psycopg's cursors, round trips by libpq's own trace of the protocol: there is one for all
that is sent before an answer is waited for. BEGIN, COMMIT and the settings of a transaction are no questions.
"""

import re
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple, Self

from psycopg import AsyncConnection, AsyncCursor

from regulars.platform.db.database import Database

_FRAME = ("BEGIN", "COMMIT", "SET LOCAL", "\nSELECT set_config", "DISCARD PLANS")
# What each message is, F to the server or B from it; a Flush may come after the first answers, and asks nothing.
_DIRECTION = re.compile(rb"^\d{4}-\S+ \S+\t([FB])\t\d+\t(?!Flush)", re.MULTILINE)
_SENT = re.compile(rb"F+")  # libpq writes its trace as it sends; answers follow with what is sent next


class Asked(NamedTuple):
    """What was asked of the database."""

    statements: int
    round_trips: int


@dataclass
class Tally:
    """Counts from its making on; `statements` are the texts that were sent."""

    trace: Path
    statements: list[str] = field(default_factory=list)
    _began: int = 0

    def restart(self) -> None:
        """Begin anew."""
        self.statements.clear()
        self._began = self.trace.stat().st_size

    @property
    def asked(self) -> Asked:
        """What was asked since."""
        with self.trace.open("rb") as trace:
            trace.seek(self._began)
            directions = b"".join(_DIRECTION.findall(trace.read()))
        return Asked(len(self.statements), len(_SENT.findall(directions)))


class CountedDatabase(Database):
    """A database whose single connection writes down what is asked of it.

    That it is single proves besides that no page needs two at a time, by which pages would wait for each other; who
    does work of the worker's besides may have more.
    """

    def __init__(self, url: str, folder: Path, *, connections: int = 1) -> None:
        super().__init__(url, pool_size=connections)
        self.tally = Tally(folder / "protocol")
        self._trace: FileIO | None = None

    async def open(self) -> Self:
        self._trace = FileIO(self.tally.trace, "a")
        return await super().open()

    async def close(self) -> None:
        await super().close()
        if self._trace is not None:
            self._trace.close()

    async def _configure(self, connection: AsyncConnection[Any]) -> None:
        await super()._configure(connection)
        tally = self.tally

        class Counting(AsyncCursor[Any]):
            async def execute(self, query: Any, *given: Any, **more: Any) -> Self:  # noqa: ANN401 - as psycopg has it
                if not str(query).startswith(_FRAME):
                    tally.statements.append(" ".join(str(query).split()))
                return await super().execute(query, *given, **more)

        connection.cursor_factory = Counting
        assert self._trace is not None
        connection.pgconn.trace(self._trace.fileno())
