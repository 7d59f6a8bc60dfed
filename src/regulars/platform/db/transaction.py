"""One unit of work: reads in one round trip, buffered writes, events and audit entries beside the change."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString, NamedTuple, Protocol

from psycopg import AsyncConnection, AsyncCursor, Error
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from regulars.domain_events.base import Event
from regulars.platform.audit import store as audit_store
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.db.pipeline import answer_soon, arrived, send_now, sent_together
from regulars.platform.metrics.measures import Counted, Key
from regulars.platform.outbox import store as outbox_store

Rows = list[tuple[Any, ...]]
JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]
_dialect = PGDialect_psycopg(paramstyle="pyformat")  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


class Statement(NamedTuple):
    """A statement for psycopg: text with placeholders, and the parameters."""

    text: LiteralString
    parameters: Sequence[Any] | dict[str, Any] = ()


def core(statement: Executable) -> Statement:
    """Compile a SQLAlchemy Core statement for psycopg (its types are psycopg's own; JSON goes in as `Jsonb`)."""
    compiled = statement.compile(dialect=_dialect, compile_kwargs={"render_postcompile": True})  # type: ignore[attr-defined] # every Executable compiles
    return Statement(compiled.string, compiled.params)


class Deferrable(Protocol):
    """A task that a transaction may enqueue."""

    async def defer_on(self, connection: AsyncConnection[Any], arguments: dict[str, JsonValue]) -> None:
        """Enqueue one job in the connection's transaction."""


@dataclass(slots=True)
class Question:
    """A read that goes along with the next round trip; `Transaction.answer` gives its rows."""

    cursor: AsyncCursor[tuple[Any, ...]] | None = None


@dataclass(slots=True)
class Transaction:
    """What a service gets to work with. It never commits: the edge that opened it does.

    `now` is the programme's instant at which the work began; `actor` says for whom, e.g. `key:ak_…` or `system`.
    """

    connection: AsyncConnection[tuple[Any, ...]]
    now: datetime
    actor: str
    request_id: str = ""
    settings: tuple[LiteralString, ...] = ()
    counts: dict[Key, int] = field(default_factory=dict)
    _writes: list[tuple[Statement, Question | None]] = field(default_factory=list)
    _events: list[Event] = field(default_factory=list)
    _audit: list[AuditEntry] = field(default_factory=list)
    _has_ended: bool = False
    _under_way: AsyncExitStack | None = None  # a round trip that has begun, and ends with the next one

    def __post_init__(self) -> None:
        """Buffer the settings: they leave with what is asked first."""
        self._writes = [(Statement(text), None) for text in self.settings]

    @property
    def traceparent(self) -> str | None:
        """What is traced now, as W3C writes it: events keep it. None where nothing is."""
        return None

    async def read(self, *statements: Statement) -> list[Rows]:
        """Run statements in order, in one round trip, after any buffered writes; rows of each, in order."""
        self._begin_again()
        if len(statements) == 1 and not self._writes and self._under_way is None:
            text, parameters = statements[0]
            cursor = await self.connection.execute(text, parameters)
            return [await cursor.fetchall() if cursor.description else []]
        cursors = []
        async with await self._round_trip():
            await self._execute_writes()
            for text, parameters in statements:
                cursors.append(await self.connection.execute(text, parameters))
        return [await cursor.fetchall() if cursor.description else [] for cursor in cursors]

    async def rows(self, text: LiteralString, parameters: Sequence[Any] | dict[str, Any] = ()) -> Rows:
        """Run one statement and return its rows."""
        return (await self.read(Statement(text, parameters)))[0]

    async def read_last(self, *statements: Statement) -> list[Rows]:
        """Do the same, and commit in the same round trip: for work that has nothing more to ask.

        What is buffered or read after it all the same is a transaction of its own.
        """
        self._write_records()
        self._begin_again()
        cursors = []
        async with await self._round_trip():
            await self._execute_writes()
            for text, parameters in statements:
                cursors.append(await self.connection.execute(text, parameters))
            await self.connection.execute("COMMIT", prepare=False)
        self._has_ended = True
        return [await cursor.fetchall() if cursor.description else [] for cursor in cursors]

    async def last_rows(self, text: LiteralString, parameters: Sequence[Any] | dict[str, Any] = ()) -> Rows:
        """Run one statement, commit in the same round trip, and return its rows."""
        return (await self.read_last(Statement(text, parameters)))[0]

    def write(self, text: LiteralString, parameters: Sequence[Any] | dict[str, Any] = ()) -> None:
        """Buffer a statement whose rows nobody needs; it runs, in order, before the next read or the commit."""
        self._writes.append((Statement(text, parameters), None))

    def ask(self, text: LiteralString, parameters: Sequence[Any] | dict[str, Any] = ()) -> Question:
        """Buffer a read that costs no round trip of its own: it runs, in order, with the next one."""
        question = Question()
        self._writes.append((Statement(text, parameters), question))
        return question

    async def answer(self, question: Question) -> Rows:
        """Return the rows of a question, asking it now if it has not gone along with another read.

        Of one that was sent they are returned as soon as they are there, while PostgreSQL goes on with the next.
        """
        if question.cursor is None:
            await self.read()
        if question.cursor is None:
            return []
        await arrived(self.connection, question.cursor)
        return await question.cursor.fetchall() if question.cursor.description else []

    def publish(self, *events: Event) -> None:
        """Record facts for the relay; they become visible with this transaction or not at all."""
        self._events.extend(events)

    def count(self, what: Counted, *labels: str, number: int = 1) -> None:
        """Count something for the metrics of this process, once it is committed."""
        self.counts[what, labels] = self.counts.get((what, labels), 0) + number

    async def defer(self, task: Deferrable, **arguments: JsonValue) -> None:
        """Enqueue a job (`platform.jobs`) with this transaction: it runs after the commit, or never."""
        await self._finish()
        await task.defer_on(self.connection, arguments)

    def audit(self, entry: AuditEntry) -> None:
        """Record who did what to whom, and why."""
        self._audit.append(entry)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what is done inside, events and audit entries included, when an exception leaves it."""
        await self.flush()
        counted = self.counts.copy()
        try:
            async with self.connection.transaction():
                try:
                    yield
                    await self.flush()
                except BaseException:
                    await self._abandon()
                    raise
        except BaseException:
            self._writes, self._events, self._audit, self.counts = [], [], [], counted
            raise

    async def flush(self) -> None:
        """Send everything buffered, so that what follows (a savepoint) includes it."""
        self._write_records()
        self._begin_again()
        if self._writes or self._under_way is not None:
            await self.read()

    async def send(self) -> None:
        """Let PostgreSQL begin with everything buffered, without waiting for it: who writes much goes on deciding.

        What came of it shows with the next read, or with the commit; so does what failed.
        """
        self._write_records()
        self._begin_again()
        if self._writes:
            self._under_way = await self._round_trip()
            await self._execute_writes()
            send_now(self.connection)

    @asynccontextmanager
    async def to_its_end(self) -> AsyncIterator[None]:
        """Commit in the end, unless an exception comes: then the connection is left as one that can roll back."""
        try:
            yield
            await self.commit()
        except BaseException:
            await self._abandon()
            raise

    async def commit(self) -> None:
        """Send everything buffered and COMMIT, in one round trip. For the edge only."""
        self._write_records()
        if self._has_ended and not self._writes:
            return
        self._begin_again()
        async with await self._round_trip():
            await self._execute_writes()
            await self.connection.execute("COMMIT", prepare=False)

    async def _round_trip(self) -> AsyncExitStack:
        """Return the round trip that is under way, or a new one; it ends, and is waited for, where it is left."""
        if self._under_way is None:
            beginning = AsyncExitStack()
            await beginning.enter_async_context(sent_together(self.connection))
            return beginning
        under_way, self._under_way = self._under_way, None
        return under_way

    async def _abandon(self) -> None:
        """Wait for what was sent, whatever came of it: nothing else can be said on the connection before."""
        with suppress(Error):
            await self._finish()

    async def _finish(self) -> None:
        if self._under_way is not None:
            async with await self._round_trip():
                pass

    def _write_records(self) -> None:
        if self._events:
            self.write(*outbox_store.insert_events(self._events, self.traceparent))
            self._events = []
        if self._audit:
            self.write(*audit_store.insert_entries(self._audit))
            self._audit = []

    def _begin_again(self) -> None:
        """Let the settings lead what comes after a transaction that was committed with its last read."""
        if self._has_ended:
            self._has_ended = False
            self._writes[:0] = [(Statement(text), None) for text in self.settings]

    async def _execute_writes(self) -> None:
        writes, self._writes = self._writes, []
        for (text, parameters), question in writes:
            cursor = await self.connection.execute(text, parameters)
            if question is not None:
                question.cursor = cursor
                answer_soon(self.connection)
