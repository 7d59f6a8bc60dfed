"""Group commit: concurrent requests of one kind, written together by one transaction.

Requests are gathered for as long as the previous batch is in flight, never by a timer: a lone caller is written at
once. A batch that fails is tried again when that can help, then bisected, so that one bad request harms only itself.
The order of arrival is kept throughout.

Under load two batches overlap. As soon as one holds every lock that it needs, and says so, the next may begin: it
reads and decides while the first one writes and commits. It waits for its turn before it writes anything, and when the
first one failed it is rolled back and begins anew after it, so that nobody overtakes anybody.

Nobody waits without end: while the database is away every caller is told so `patience_seconds` after its own arrival,
however many wait before it, and a queue that is full turns callers away at once.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

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
LOCKED = (database_errors.LockNotAvailable, database_errors.QueryCanceled)  # CONNECTION_LOST has them too
RETRIES = 3
RECOVERY_SECONDS = 20.0  # how long a caller waits for a database that went away
RECOVERY_PAUSE_SECONDS = 0.1
# Several seconds of work at full speed: whoever comes later would hardly be answered before it gives up.
QUEUE_LIMIT = 20_000
_WORTH_BEGINNING = 24  # a batch of fewer is not begun while another is in flight: they are gathered
_LOOKS = 20  # so often, while a caller may still wait, somebody looks who has waited too long


class Waiting(NamedTuple, Generic[Request, Answer]):
    """A request that is not answered yet, and when it came (monotonic, seconds)."""

    request: Request
    future: asyncio.Future[Answer]
    since: float


class Overtaken(Exception):
    """The batch before was not written at its first try: what was decided after it must be decided anew."""


class Turn:
    """The place of a batch in the row. `part`: of a failed one, where one that waits long holds up the others."""

    def __init__(self, before: "Turn | None" = None, *, part: bool = False) -> None:
        self.part = part
        self.next_may_begin = asyncio.Event()
        self.finished = asyncio.Event()
        self.finished_or_enough = asyncio.Event()  # or so many wait that it is worth while to begin with them beside it
        self.tried_once = asyncio.Event()
        self.succeeded_at_once = False
        self._before = before

    @property
    def is_behind(self) -> bool:
        """Whether another batch, begun earlier, may still be in flight."""
        return self._before is not None

    def locks_held(self) -> None:
        """Say that everything is held that another batch could be waited for with."""
        self.next_may_begin.set()

    async def reached(self) -> None:
        """Return when the batch before is written. Raises Overtaken if its first try failed."""
        before = self._before
        if before is not None:
            await before.tried_once.wait()
            if not before.succeeded_at_once:
                raise Overtaken

    async def after_before(self) -> None:
        """Return when the batch before is settled, however that went; from then on there is none before."""
        if self._before is not None:
            await self._before.finished.wait()
            self._before = None

    def tried(self, *, succeeded: bool) -> None:
        """Take note of how a try went; the first one counts."""
        if not self.tried_once.is_set():
            self.succeeded_at_once = succeeded
            self.tried_once.set()

    def finish(self) -> None:
        """Let those go on who wait for this batch."""
        self.tried(succeeded=False)
        self.next_may_begin.set()
        self.finished.set()
        self.finished_or_enough.set()
        self._before = None  # else every turn would be kept for ever, each by the next


class GroupCommit(Generic[Request, Answer]):
    """Gathers requests and hands them to `write` in batches, one batch in flight, or two that overlap.

    `write` opens, and commits, its own transaction, and returns an answer or a refusal for each request in order. It
    must recognise a request that an earlier, broken-off attempt already committed (idempotency does that), because
    after a lost connection nobody knows. If it calls the turn's `locks_held`, it must await `reached` before it writes.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Request], Turn], Awaitable[Sequence[Answer | DomainError]]],
        *,
        batch_size: int = 100,
        recover: Callable[[], Awaitable[None]] | None = None,
        patience_seconds: float = RECOVERY_SECONDS,
        queue_limit: int = QUEUE_LIMIT,
    ) -> None:
        self._write = write
        self._batch_size = batch_size
        self._recover = recover
        self._patience = patience_seconds
        self._queue_limit = queue_limit
        self._waiting: deque[Waiting[Request, Answer]] = deque()
        self._in_flight: dict[asyncio.Task[None], Sequence[Waiting[Request, Answer]]] = {}
        self._runner: asyncio.Task[None] | None = None
        self._enough: asyncio.Event | None = None
        self._enough_waiting = 0
        self._watched = False
        self._database_lost = False

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
        elif self._enough is not None and len(self._waiting) >= self._enough_waiting:
            self._enough.set()
        return future

    async def drain(self) -> None:
        """Wait until everything submitted is answered (graceful shutdown)."""
        while self._runner is not None:
            await asyncio.wait([self._runner])

    async def _run(self) -> None:
        waiting, before = self._waiting, None
        try:
            while waiting:
                batch = [waiting.popleft() for _ in range(min(len(waiting), self._batch_size))]
                turn = Turn(before)
                self._start(batch, turn)
                await turn.next_may_begin.wait()
                if before is not None:
                    await before.finished.wait()
                if len(waiting) < max(len(batch) // 4, _WORTH_BEGINNING):
                    await self._finished_or_enough(turn, max(len(batch) // 4, _WORTH_BEGINNING))
                before = turn
                if self._database_lost:  # who has waited too long is not tried for
                    self._turn_late_away()
        finally:  # also when this task is cancelled: nobody may wait for an answer that no one will give
            for task, callers in self._in_flight.items():
                task.cancel()
                _turn_away(callers)
            _turn_away(waiting)
            waiting.clear()
            self._runner = None

    def _start(self, batch: Sequence[Waiting[Request, Answer]], turn: Turn) -> None:
        async def settle() -> None:
            try:
                await self._settle(batch, turn)
            finally:
                del self._in_flight[settling]
                turn.finish()

        settling = asyncio.get_running_loop().create_task(settle())
        self._in_flight[settling] = batch

    async def _finished_or_enough(self, turn: Turn, enough: int) -> None:
        """Return when a batch is settled, or so many wait."""
        self._enough_waiting, self._enough = enough, turn.finished_or_enough
        await self._enough.wait()
        self._enough = None

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

    async def _settle(self, batch: Sequence[Waiting[Request, Answer]], turn: Turn) -> None:
        try:
            answers = await self._write_patiently(batch, turn)
        except Exception as error:  # noqa: BLE001 - whatever it is, each caller must hear of it
            if len(batch) > 1 and not isinstance(error, TemporarilyUnavailable):
                middle = len(batch) // 2
                await self._settle(batch[:middle], Turn(part=True))
                await self._settle(batch[middle:], Turn(part=True))
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
        self, batch: Sequence[Waiting[Request, Answer]], turn: Turn
    ) -> Sequence[Answer | DomainError]:
        """Write, retrying what a retry can mend, and waiting for a database that is coming back."""
        requests, retries = [one.request for one in batch], 0
        while True:
            try:
                answers = await self._write_in_turn(requests, turn)
            except Overtaken:
                pass
            except MEANT_TO_BE_RETRIED:
                retries += 1
                if retries > RETRIES:
                    raise
            except CONNECTION_LOST as error:
                if isinstance(error, LOCKED):
                    raise
                self._database_lost = True
                if monotonic() > batch[-1].since + self._patience:  # the last to come; the others know already
                    raise TemporarilyUnavailable from error
                await self._bring_back()
                await asyncio.sleep(RECOVERY_PAUSE_SECONDS)
            else:
                self._database_lost = False
                return answers

    async def _write_in_turn(self, requests: Sequence[Request], turn: Turn) -> Sequence[Answer | DomainError]:
        overlapping = turn.is_behind
        try:
            answers = await self._write(requests, turn)
        except Exception as error:
            turn.tried(succeeded=False)
            await turn.after_before()  # whoever came earlier is served first, also when both failed
            if overlapping and isinstance(error, LOCKED):  # by nobody else, perhaps
                raise Overtaken from error
            raise
        turn.tried(succeeded=True)
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
