"""Group commit: concurrent requests of one kind, written together by one transaction.

Requests are gathered for as long as the previous batch is in flight, never by a timer: a lone caller is written at
once. A batch that fails is tried again when that can help, then bisected, so that one bad request harms only itself.
The order of arrival is kept throughout.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Generic, TypeVar

from psycopg import errors as database_errors

from regulars.platform.db.database import CONNECTION_LOST
from regulars.platform.errors import DomainError, TemporarilyUnavailable

Request = TypeVar("Request")
Answer = TypeVar("Answer")

MEANT_TO_BE_RETRIED = (
    database_errors.DeadlockDetected,
    database_errors.SerializationFailure,
    database_errors.UniqueViolation,  # somebody else wrote the same key first; the next try will see it
)
RETRIES = 3
RECOVERY_SECONDS = 20.0  # how long a batch waits for a database that went away
RECOVERY_PAUSE_SECONDS = 0.1


class GroupCommit(Generic[Request, Answer]):
    """Gathers requests and hands them to `write` in batches, one batch in flight.

    `write` opens, and commits, its own transaction, and returns an answer or a refusal for each request in order. It
    must recognise a request that an earlier, broken-off attempt already committed (idempotency does that), because
    after a lost connection nobody knows.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Request]], Awaitable[Sequence[Answer | DomainError]]],
        *,
        batch_size: int = 200,
        recover: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._write = write
        self._batch_size = batch_size
        self._recover = recover
        self._waiting: deque[tuple[Request, asyncio.Future[Answer]]] = deque()
        self._runner: asyncio.Task[None] | None = None
        self._bisecting = False

    @property
    def bisecting(self) -> bool:
        """Whether a part of a failed batch is being written: then one that waits long holds up the others."""
        return self._bisecting

    async def submit(self, request: Request) -> Answer:
        """Return the answer to `request` once it is committed; raises its `DomainError` when it is refused."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return await future

    async def drain(self) -> None:
        """Wait until everything submitted is answered (graceful shutdown)."""
        while self._runner is not None:
            await asyncio.wait([self._runner])

    async def _run(self) -> None:
        waiting = self._waiting
        try:
            while waiting:
                batch = [waiting.popleft() for _ in range(min(len(waiting), self._batch_size))]
                await self._settle(batch)
        finally:
            self._runner = None

    async def _settle(self, batch: list[tuple[Request, asyncio.Future[Answer]]], *, part: bool = False) -> None:
        self._bisecting = part
        try:
            answers = await self._write_patiently([request for request, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, each caller must hear of it
            if len(batch) > 1 and not isinstance(error, TemporarilyUnavailable):
                middle = len(batch) // 2
                await self._settle(batch[:middle], part=True)
                await self._settle(batch[middle:], part=True)
            else:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():  # the caller went away; what it asked for is committed all the same
                continue
            if isinstance(answer, DomainError):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def _write_patiently(self, requests: Sequence[Request]) -> Sequence[Answer | DomainError]:
        """Write, retrying what a retry can mend, and waiting for a database that is coming back."""
        retries, give_up_at = 0, monotonic() + RECOVERY_SECONDS
        while True:
            try:
                return await self._write(requests)
            except MEANT_TO_BE_RETRIED:
                retries += 1
                if retries > RETRIES:
                    raise
            except CONNECTION_LOST as error:
                if isinstance(error, database_errors.LockNotAvailable | database_errors.QueryCanceled):
                    raise
                if monotonic() > give_up_at:
                    raise TemporarilyUnavailable from error
                await self._bring_back()
                await asyncio.sleep(RECOVERY_PAUSE_SECONDS)

    async def _bring_back(self) -> None:
        if self._recover is not None:
            try:
                await self._recover()
            except Exception as error:
                raise TemporarilyUnavailable from error
