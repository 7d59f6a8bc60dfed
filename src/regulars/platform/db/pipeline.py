"""A pipeline whose statements leave together.

psycopg sends each statement of a pipeline as soon as it is executed. That wakes the server a dozen times for one batch,
each time by a system call that may cost the caller its core; and what follows is ready a moment later anyway.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from psycopg import AsyncConnection, AsyncPipeline, Error
from psycopg.abc import PQGen
from psycopg.errors import PipelineAborted
from psycopg.pq import TransactionStatus


class _Gathering(AsyncPipeline):
    """psycopg's pipeline, silent until its end: then libpq sends everything at once."""

    _gathering = True

    def _communicate_gen(self) -> PQGen[None]:
        if not self._gathering:
            yield from super()._communicate_gen()

    def _exit_gen(self) -> PQGen[None]:
        self._gathering = False
        self._enqueue_sync()
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
    connection._pipeline = _Gathering(connection)  # noqa: SLF001 - psycopg makes its own where there is none
    try:
        async with connection.pipeline():
            if begins:
                await connection.execute("BEGIN", prepare=False)
            yield
    finally:
        connection._autocommit = False  # noqa: SLF001 - as above
