"""A pipeline whose statements leave together.

psycopg sends each statement of a pipeline as soon as it is executed. That wakes the server a dozen times for one batch,
each time by a system call that may cost the caller its core; and what follows is ready a moment later anyway.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, AsyncPipeline
from psycopg.abc import PQGen


class _Gathering(AsyncPipeline):
    """psycopg's pipeline, silent until its end: then libpq sends everything at once."""

    _gathering = True

    def _communicate_gen(self) -> PQGen[None]:
        if not self._gathering:
            yield from super()._communicate_gen()

    def _exit_gen(self) -> PQGen[None]:
        self._gathering = False
        yield from super()._exit_gen()


@asynccontextmanager
async def sent_together(connection: AsyncConnection[Any]) -> AsyncIterator[None]:
    """Send what is executed inside in one go at the end, and wait for its results; results are not there before.

    Raises the first failure of a statement. Inside a pipeline that is open already this adds nothing to it.
    """
    if connection._pipeline is None:  # noqa: SLF001 - psycopg makes its own pipeline where there is none
        connection._pipeline = _Gathering(connection)  # noqa: SLF001 - as above
    async with connection.pipeline():
        yield
