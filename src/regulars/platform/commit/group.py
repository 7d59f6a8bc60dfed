"""Group commit: concurrent requests of one kind, written together by one transaction.

Requests are gathered for as long as the previous batch is in flight, never by a timer: a lone caller is written at
once. A batch that fails is tried again when that can help, then bisected, so that one bad request harms only itself.
The order of arrival is kept throughout.

Under load three batches may be in flight, if it is known whom a request concerns (`key`): a later one takes only
requests that concern nobody of the earlier ones, so that none waits for another, and nobody is overtaken whatever
fails.

Nobody waits without end: while the database is away every caller is told so `patience_seconds` after its own arrival,
however many wait before it; while its disk is full, and where the queue is, at once.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

from psycopg import errors as database_errors

from regulars.platform.db.database import CONNECTION_LOST
from regulars.platform.errors import DomainError, TemporarilyUnavailable
from regulars.platform.metrics.measures import Batches

Request = TypeVar("Request")
Answer = TypeVar("Answer")

MEANT_TO_BE_RETRIED = (
    database_errors.DeadlockDetected,
    database_errors.SerializationFailure,
    database_errors.UniqueViolation,  # somebody else wrote the same key first; the next try will see it
)
RETRIES = 3
RECOVERY_SECONDS = 20.0  # how long a caller waits for a database that went away
RECOVERY_PAUSE_SECONDS = 0.1
# Several seconds of work at full speed: whoever comes later would hardly be answered before it gives up.
QUEUE_LIMIT = 20_000
_IN_FLIGHT = 3  # one is decided while the others are written: with two, both cores often waited for the disk
_WORTH_BEGINNING = 24  # a batch of fewer, for each that is in flight, is not begun beside them: they are gathered
_LOOKED_THROUGH = 4  # so many batches' worth of the queue
_LOOKS = 20  # so often, while a caller may still wait, somebody looks who has waited too long


class Waiting(NamedTuple, Generic[Request, Answer]):
    """A request that is not answered yet, and when it came (monotonic, seconds)."""

    request: Request
    future: asyncio.Future[Answer]
    since: float


class Attempt(NamedTuple):
    """How a batch is being written. `part`: of a failed one, where one that waits long holds up the others."""

    part: bool = False


class GroupCommit(Generic[Request, Answer]):
    """Gathers requests and hands them to `write` in batches, one in flight, or with a `key` three.

    `write` opens, and commits, its own transaction, and returns an answer or a refusal for each request in order. It
    must recognise a request that an earlier, broken-off attempt already committed (idempotency does that), because
    after a lost connection nobody knows. Requests with the same `key` (a member's, say) are written in the order in
    which they came; without one, all are.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Request], Attempt], Awaitable[Sequence[Answer | DomainError]]],
        *,
        key: Callable[[Request], Hashable] | None = None,
        batch_size: int = 200,
        recover: Callable[[], Awaitable[None]] | None = None,
        patience_seconds: float = RECOVERY_SECONDS,
        queue_limit: int = QUEUE_LIMIT,
    ) -> None:
        self._write = write
        self._key = key
        self._batch_size = batch_size
        self._recover = recover
        self._patience = patience_seconds
        self._queue_limit = queue_limit
        self._waiting: deque[Waiting[Request, Answer]] = deque()
        self._in_flight: dict[asyncio.Task[None], Sequence[Waiting[Request, Answer]]] = {}
        self._runner: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._worth_waking = 0  # so many must wait for a batch to be begun beside another
        self._watched = False
        self._database_lost = False
        self.batches = Batches()

    @property
    def waiting(self) -> int:
        """How many requests wait for a batch."""
        return len(self._waiting)

    async def submit(self, request: Request) -> Answer:
        """Return the answer to `request` once it is committed; raises its `DomainError` when it is refused.

        Raises TemporarilyUnavailable when too many wait, or when the database stays away.
        """
        return await self.begin(request)

    def begin(self, request: Request) -> "asyncio.Future[Answer]":
        """Return a future of what `submit` returns or raises. Raises TemporarilyUnavailable when too many wait."""
        if len(self._waiting) >= self._queue_limit:
            raise TemporarilyUnavailable
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append(Waiting(request, future, monotonic()))
        if self._runner is None:
            self._runner = loop.create_task(self._run())
            self._watch()
        elif len(self._waiting) == self._worth_waking:
            self._wake.set()
        return future

    async def drain(self) -> None:
        """Wait until everything submitted is answered (graceful shutdown)."""
        while self._runner is not None:
            await asyncio.wait([self._runner])

    async def _run(self) -> None:
        waiting, in_flight = self._waiting, self._in_flight
        most = 1 if self._key is None else _IN_FLIGHT
        try:
            while waiting or in_flight:
                if self._database_lost:  # who has waited too long is not tried for
                    self._turn_late_away()
                worth = self._worth_beginning()
                if not in_flight or (len(in_flight) < most and len(waiting) >= worth):
                    batch = self._take()
                    if batch:
                        self._start(batch)
                        continue
                # Woken by a batch that is settled, or by so many more that it may be worth while to look again.
                more = _WORTH_BEGINNING if len(waiting) >= worth else worth - len(waiting)
                self._worth_waking = len(waiting) + more if len(in_flight) < most else 0
                self._wake.clear()
                await self._wake.wait()
        finally:  # also when this task is cancelled: nobody may wait for an answer that no one will give
            for task, callers in in_flight.items():
                task.cancel()
                _turn_away(callers)
            _turn_away(waiting)
            waiting.clear()
            self._runner = None

    def _worth_beginning(self) -> int:
        return min(_WORTH_BEGINNING * len(self._in_flight), self._batch_size)

    def _take(self) -> list[Waiting[Request, Answer]]:
        """Take the next batch off the queue; beside another one only what does not concern it, and only if it is much.

        Whoever concerns it keeps its place.
        """
        waiting, key, size = self._waiting, self._key, self._batch_size
        if key is None or not self._in_flight:
            return [waiting.popleft() for _ in range(min(len(waiting), size))]
        concerned = {key(one.request) for batch in self._in_flight.values() for one in batch}  # a key may have changed
        looked_at = [waiting.popleft() for _ in range(min(len(waiting), _LOOKED_THROUGH * size))]
        taken, left = list[Waiting[Request, Answer]](), list[Waiting[Request, Answer]]()
        for one in looked_at:
            (left if len(taken) == size or key(one.request) in concerned else taken).append(one)
        if len(taken) < self._worth_beginning():
            taken, left = [], looked_at
        waiting.extendleft(reversed(left))
        return taken

    def _start(self, batch: Sequence[Waiting[Request, Answer]]) -> None:
        began, batches = monotonic(), self.batches
        batches.sizes.observe(len(batch))
        batches.waits.observe(began - batch[0].since)

        async def settle() -> None:
            try:
                await self._settle(batch, Attempt())
            finally:
                batches.writes.observe(monotonic() - began)
                del self._in_flight[settling]
                self._wake.set()

        settling = asyncio.get_running_loop().create_task(settle())
        self._in_flight[settling] = batch

    def _watch(self) -> None:
        """See to it that somebody looks after the callers for as long as any is waiting. One timer serves them all."""
        if not self._watched:
            self._watched = True
            asyncio.get_running_loop().call_later(self._patience / _LOOKS, self._look)

    def _look(self) -> None:
        self._watched = False
        if self._runner is not None:
            self._turn_late_away()
            self._watch()

    def _turn_late_away(self) -> None:
        """Turn away who has waited too long: in the queue for whatever reason, in flight for a lost database."""
        came_before, waiting = monotonic() - self._patience, self._waiting
        while waiting and waiting[0].since < came_before:
            _turn_away([waiting.popleft()])
        if self._database_lost:
            for batch in self._in_flight.values():
                _turn_away([one for one in batch if one.since < came_before])

    async def _settle(self, batch: Sequence[Waiting[Request, Answer]], attempt: Attempt) -> None:
        try:
            answers = await self._write_patiently(batch, attempt)
        except Exception as error:  # noqa: BLE001 - whatever it is, each caller must hear of it
            if len(batch) > 1 and not isinstance(error, TemporarilyUnavailable):
                middle = len(batch) // 2
                await self._settle(batch[:middle], Attempt(part=True))
                await self._settle(batch[middle:], Attempt(part=True))
            else:
                for one in batch:
                    if not one.future.done():
                        one.future.set_exception(error)
            return
        for (_, future, _), answer in zip(batch, answers, strict=True):
            if future.done():  # the caller went away; what it asked for is committed all the same
                continue
            if isinstance(answer, DomainError):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def _write_patiently(
        self, batch: Sequence[Waiting[Request, Answer]], attempt: Attempt
    ) -> Sequence[Answer | DomainError]:
        """Write, retrying what a retry can mend, and waiting for a database that is coming back."""
        requests, retries = [one.request for one in batch], 0
        while True:
            try:
                answers = await self._write(requests, attempt)
            except MEANT_TO_BE_RETRIED:
                retries += 1
                if retries > RETRIES:
                    raise
            except database_errors.DiskFull as error:  # it says so itself, and waiting makes no room
                raise TemporarilyUnavailable from error
            except CONNECTION_LOST as error:
                if isinstance(error, database_errors.LockNotAvailable | database_errors.QueryCanceled):
                    raise
                self._database_lost = True
                if monotonic() > batch[-1].since + self._patience:  # the last to come; the others know already
                    raise TemporarilyUnavailable from error
                await self._bring_back()
                await asyncio.sleep(RECOVERY_PAUSE_SECONDS)
            else:
                self._database_lost = False
                return answers

    async def _bring_back(self) -> None:
        if self._recover is not None:
            try:
                await self._recover()
            except Exception as error:
                raise TemporarilyUnavailable from error


def _turn_away(callers: Sequence[Waiting[Request, Answer]]) -> None:
    """Answer 503 to those who have no answer yet. What is in flight may be committed all the same: keys tell."""
    for one in callers:
        if not one.future.done():
            one.future.set_exception(TemporarilyUnavailable())
