"""A lane: one kind of mutation, from a call at the edge to its answer, idempotent and written in groups.

A batch *is* the transaction of its calls: calls are authorised before they join; stored answers, outbox and audit are
written in it; nobody hears "done" before COMMIT. Refusals (409, 422) are stored for replay; whatever says nothing
about the request itself (401, 403, 429, 5xx) is not.
"""

from asyncio import Future
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from psycopg import errors as database_errors

from regulars.platform.audit.contracts import AuditEntry, Deed
from regulars.platform.commit import store
from regulars.platform.commit.errors import IdempotencyKeyReused, MemberBusy
from regulars.platform.commit.group import Attempt, GroupCommit
from regulars.platform.commit.store import StoredAnswer, StoredRefusal
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.http.problems import problem_body
from regulars.platform.metrics.measures import Batches

if TYPE_CHECKING:
    from opentelemetry.trace import Span

Owner = tuple[str, str]  # the client and its idempotency key

Command = TypeVar("Command")
Result = TypeVar("Result")

STORED_REFUSALS = frozenset({409, 422})
RETRY_AFTER_SECONDS = 1
# Once a batch has waited for a lock in vain, its parts wait this long only: others wait behind them.
BISECTING_LOCK_TIMEOUT_MS = 100

_encode = msgspec.json.Encoder().encode


class _AnsweredBefore(Exception):
    """Among calls that were taken for new there is one that was answered before, or meanwhile."""


class _NothingToRepeat(Exception):
    """Two calls have the same key, and the first one's refusal is not kept: the second is a call of its own."""


@dataclass(slots=True)
class Call(Generic[Command]):
    """One mutation asked for at the edge, authorised and parsed.

    `client` owns the idempotency key (the id of the API key); `request_hash` covers method, path, query and body.
    `subject` is the id of what it is about, for the audit log.
    """

    command: Command
    client: str
    key: str
    request_hash: bytes
    subject: str
    language: str = "en"
    request_id: str = ""
    reason: str = ""
    span: "Span | None" = None  # of the request, where traces are wanted


@dataclass(slots=True)
class Reply:
    """What goes back: HTTP status, JSON body, and whether it is an earlier request's answer."""

    status: int
    body: bytes
    replayed: bool = False


class Lane(Generic[Command, Result]):
    """Carries calls of one kind. `apply` decides and writes a batch; `render` turns a result into status and body.

    `apply` must leave nothing of a command that it refuses: it gives a `DomainError` in that command's place.

    With `assume_new` the look for earlier answers goes along with the first read of `apply`, one round trip less; a
    batch in which there is an earlier answer is rolled back and begun anew. Only for an `apply` that touches nothing
    but the transaction.

    With `keep_refusals` off a refusal is not kept: the next call with its key is decided anew.

    `concerns` names whose a command is (a member's id), for an `apply` in which commands of two members never meet:
    then three batches may be in flight, see `GroupCommit`.

    `tell` gives what the audit log should say of a result that its call could not know; the call's subject otherwise.
    """

    def __init__(
        self,
        action: str,
        database: Database,
        apply: Callable[[Transaction, Sequence[Command]], Awaitable[Sequence[Result | DomainError]]],
        render: Callable[[Result], tuple[int, bytes]],
        *,
        batch_size: int = 100,
        recover: Callable[[], Awaitable[None]] | None = None,
        assume_new: bool = False,
        keep_refusals: bool = True,
        concerns: Callable[[Command], Hashable] | None = None,
        tell: Callable[[Result], Deed] | None = None,
    ) -> None:
        self.action = action
        self._tell = tell
        self._assume_new = assume_new
        self._kept_refusals = STORED_REFUSALS if keep_refusals else frozenset()
        self._database = database
        self._apply = apply
        self._render = render
        self._group: GroupCommit[Call[Command], Reply] = GroupCommit(
            self._write,
            key=None if concerns is None else lambda call: concerns(call.command),
            batch_size=batch_size,
            recover=recover,
        )

    @property
    def batches(self) -> Batches:
        """What was measured of its batches."""
        return self._group.batches

    @property
    def waiting(self) -> int:
        """How many calls wait for a batch."""
        return self._group.waiting

    async def submit(self, call: Call[Command]) -> Reply:
        """Return the reply to a call: its own, or the stored one of an earlier call with the same key."""
        try:
            return await self.begin(call)
        except database_errors.LockNotAvailable as error:
            raise MemberBusy(retry_after_seconds=RETRY_AFTER_SECONDS) from error

    def begin(self, call: Call[Command]) -> "Future[Reply]":
        """Return a future of the reply; a member who stays locked shows as LockNotAvailable."""
        return self._group.begin(call)

    async def drain(self) -> None:
        """Finish what was submitted."""
        await self._group.drain()

    async def _write(self, calls: Sequence[Call[Command]], attempt: Attempt) -> Sequence[Reply | DomainError]:
        if (tracer := self._database.tracer) is None:
            return await self._write_batch(calls, attempt)
        with tracer.batch(self.action, [call.span for call in calls]):
            return await self._write_batch(calls, attempt)

    async def _write_batch(self, calls: Sequence[Call[Command]], attempt: Attempt) -> Sequence[Reply | DomainError]:
        try:
            return await self._write_together(calls, attempt)
        except _NothingToRepeat:
            answers: list[Reply | DomainError] = []
            for part in _cut_at_repeated_keys(calls):
                answers += await self._write_together(part, attempt)
            return answers

    async def _write_together(self, calls: Sequence[Call[Command]], attempt: Attempt) -> Sequence[Reply | DomainError]:
        assume_new = self._assume_new
        while True:  # ends: each time one more of them turns out to be answered
            try:
                return await self._write_once(calls, attempt, assume_new=assume_new)
            except _AnsweredBefore:
                assume_new = False

    async def _write_once(
        self, calls: Sequence[Call[Command]], attempt: Attempt, *, assume_new: bool
    ) -> Sequence[Reply | DomainError]:
        owners = [(call.client, call.key) for call in calls]
        async with self._database.transaction(by_keys=True) as tx:
            if attempt.part:
                store.wait_for_locks(tx, BISECTING_LOCK_TIMEOUT_MS)
            asked = store.ask(tx, owners)
            known = {} if assume_new else await store.recall(tx, asked)
            fresh: dict[Owner, Call[Command]] = {}  # of calls with the same key, the first
            for owner, call in zip(owners, calls, strict=True):
                if owner not in known:
                    fresh.setdefault(owner, call)
            if fresh:
                results = await self._apply(tx, [call.command for call in fresh.values()])
                if assume_new and await store.recall(tx, asked):
                    raise _AnsweredBefore
                passing = self._record(tx, fresh, results, known)
                if passing and sum([owner in passing for owner in owners]) > len(passing):
                    raise _NothingToRepeat
                # Another process may have carried the same call out since: what it left is no reason to refuse it.
                if passing and await store.recall(tx, store.ask(tx, list(passing))):
                    raise _AnsweredBefore
        return [
            self._reply(call, known[owner], replayed=fresh.get(owner) is not call)
            for owner, call in zip(owners, calls, strict=True)
        ]

    def _record(
        self,
        tx: Transaction,
        calls: dict[Owner, Call[Command]],
        results: Sequence[Result | DomainError],
        known: dict[Owner, StoredAnswer],
    ) -> set[Owner]:
        """Render every outcome, store what may be replayed, and log what was done; return the keys of the rest."""
        action, render = self.action, self._render
        stored: list[tuple[Owner, StoredAnswer]] = []
        refused: list[StoredRefusal] = []
        passing: set[Owner] = set()
        for (owner, call), outcome in zip(calls.items(), results, strict=True):
            if isinstance(outcome, DomainError):
                status, body = outcome.status, problem_body(outcome, call.language, call.request_id)
                if status in STORED_REFUSALS and not isinstance(outcome, MemberBusy):
                    refused.append(_kept(tx, action, call, outcome))
            else:
                status, body = render(outcome)
                tx.audit(self._entry(call, outcome))
            answer = known[owner] = StoredAnswer(call.request_hash, status, body)
            busy = isinstance(outcome, MemberBusy)  # says nothing about the request: the next try may go through
            if not busy and (status < 400 or status in self._kept_refusals):  # noqa: PLR2004 - HTTP's own boundary
                stored.append((owner, answer))
            else:
                passing.add(owner)
        if stored:
            store.remember(tx, stored)
        if refused:
            store.remember_refusals(tx, refused)
        return passing

    def _entry(self, call: Call[Command], result: Result) -> AuditEntry:
        deed = Deed() if self._tell is None else self._tell(result)
        return AuditEntry(
            actor=call.client,
            action=self.action,
            subject=deed.subject or call.subject,
            reason=call.reason,
            request_id=call.request_id,
            detail=deed.detail,
        )

    @staticmethod
    def _reply(call: Call[Command], answer: StoredAnswer, *, replayed: bool) -> Reply | DomainError:
        if answer.request_hash != call.request_hash:
            return IdempotencyKeyReused(pointer="/headers/idempotency-key")
        return Reply(answer.status, answer.body, replayed)


def _cut_at_repeated_keys(calls: Sequence[Call[Any]]) -> list[list[Call[Any]]]:
    """Cut a batch so that no key comes twice in a part; the order stays."""
    parts: list[list[Call[Any]]] = [[]]
    keys: set[tuple[str, str]] = set()
    for call in calls:
        if (call.client, call.key) in keys:
            parts.append([])
            keys.clear()
        keys.add((call.client, call.key))
        parts[-1].append(call)
    return parts


def _kept(tx: Transaction, action: str, call: Call[Any], refusal: DomainError) -> StoredRefusal:
    """Return a refusal as it is kept, to be explained later."""
    return StoredRefusal(
        request_id=call.request_id,
        client=call.client,
        key_hash=store.key_hash(call.client, call.key),
        action=action,
        subject=call.subject,
        code=refusal.code,
        status=refusal.status,
        pointer=refusal.pointer,
        data=_encode(refusal.data).decode(),
        refused_at=tx.now,
    )


def one_by_one(
    apply: Callable[[Transaction, Command], Awaitable[Result]],
) -> Callable[[Transaction, Sequence[Command]], Awaitable[list[Result | DomainError]]]:
    """Make a batch verb of a verb for one command: each runs in a savepoint that a refusal rolls back."""

    async def apply_all(tx: Transaction, commands: Sequence[Command]) -> list[Result | DomainError]:
        results: list[Result | DomainError] = []
        for command in commands:
            try:
                async with tx.savepoint():
                    results.append(await apply(tx, command))
            except DomainError as refusal:
                results.append(refusal)
        return results

    return apply_all


def json_answer(status: int, encode: Callable[[Any], bytes]) -> Callable[[Any], tuple[int, bytes]]:
    """Return a `render` that answers with a fixed status and the encoded result."""

    def render(result: Any) -> tuple[int, bytes]:  # noqa: ANN401 - whatever the lane's result is
        return status, encode(result)

    return render
