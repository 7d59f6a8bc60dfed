"""A pipeline whose statements leave together, or when they are told to.

psycopg sends each statement of a pipeline as soon as it is executed. That wakes the server a dozen times for one batch,
each time by a system call that may cost the caller its core; and what follows is ready a moment later anyway. Where it
is not, `send_now` lets the server begin while the caller goes on working.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from psycopg import AsyncConnection, AsyncCursor, AsyncPipeline, Error, generators
from psycopg.abc import PQGen
from psycopg.errors import PipelineAborted
from psycopg.pq import TransactionStatus


class _Gathering(AsyncPipeline):
    """psycopg's pipeline, silent until its end: then libpq sends everything at once."""

    _gathering = True

    def _communicate_gen(self) -> PQGen[None]:
        if not self._gathering:
            yield from super()._communicate_gen()

    def hand_over(self) -> None:
        """Give libpq what was executed, and send as much of it as goes without waiting."""
        commands = self.command_queue
        while commands:
            commands.popleft()()
        self.pgconn.flush()

    def answer_soon(self) -> None:
        """Let the server not keep what was asked last until its buffer is full."""
        self.command_queue.append(self.pgconn.send_flush_request)

    def arrive_gen(self, cursor: AsyncCursor[Any]) -> PQGen[None]:
        """Wait for the results of a cursor, and of what was executed before it."""
        yield from generators.send(self.pgconn)
        while cursor.pgresult is None:
            results = yield from generators.fetch_many(self.pgconn)
            self._process_results(self.result_queue.popleft(), results)

    def _exit_gen(self) -> PQGen[None]:
        self._gathering = False
        self._enqueue_sync()
        self.hand_over()  # psycopg would wait for the socket before each of them
        try:
            yield from self._communicate_gen()
        except Error as first:
            # What was sent after it fails too, by "pipeline aborted", which says nothing.
            with suppress(PipelineAborted):
                yield from self._fetch_gen(flush=True)
            raise first from None
        yield from self._fetch_gen(flush=True)


@asynccontextmanager
async def sent_together(connection: AsyncConnection[Any]) -> AsyncIterator[None]:
    """Send what is executed inside in one go at the end, and wait for its results; results are not there before.

    Begins a transaction where there is none. Raises the first failure. Not to be nested.
    """
    begins = connection.pgconn.transaction_status == TransactionStatus.IDLE
    # psycopg would begin the transaction by a round trip of its own, and before each statement anew.
    connection._autocommit = begins  # noqa: SLF001 - as long as nothing has been sent
    gathering = connection._pipeline = _Gathering(connection)  # noqa: SLF001 - psycopg makes its own where there is none
    try:
        async with connection.pipeline():
            if begins:
                await connection.execute("BEGIN", prepare=False)
            yield
    finally:
        connection._autocommit = False  # noqa: SLF001 - as above
        if connection._pipeline is gathering:  # noqa: SLF001 - psycopg takes it away, unless cancelled as it enters
            connection._pipeline = None  # noqa: SLF001 - as above
            connection.pgconn.finish()  # what it may have begun must be nobody else's: the pool makes another


def send_now(connection: AsyncConnection[Any]) -> None:
    """Hand over what was executed inside `sent_together` so far, as much as goes without waiting.

    The server carries it out meanwhile. What came of it, failures included, shows at the end as for everything else.
    """
    pipeline = connection._pipeline  # noqa: SLF001 - set above
    if isinstance(pipeline, _Gathering):
        pipeline.hand_over()


def answer_soon(connection: AsyncConnection[Any]) -> None:
    """Let `arrived` find what was executed last before the end."""
    pipeline = connection._pipeline  # noqa: SLF001 - set above
    if isinstance(pipeline, _Gathering):
        pipeline.answer_soon()


async def arrived(connection: AsyncConnection[Any], cursor: AsyncCursor[Any]) -> None:
    """Wait for the results of a cursor that was executed and sent; what is behind it goes on. Raises its failure."""
    pipeline = connection._pipeline  # noqa: SLF001 - set above
    if cursor.pgresult is None and isinstance(pipeline, _Gathering):
        async with connection.lock:
            await connection.wait(pipeline.arrive_gen(cursor))
