"""Batches at the edge: many commands in one request, each decided as if it had come alone.

A batch is one call of a lane, so that one idempotency key repeats all of it. Its rows are decided set-based, in order;
each that did something is an entry of the audit log, each that was refused is kept as refusals of single requests are.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Generic, TypeVar

import msgspec
from litestar import Request
from psycopg.errors import DataError

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.commit import refusals
from regulars.platform.commit.lane import Lane
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.http.asked import asked
from regulars.platform.http.mutations import idempotency_key
from regulars.platform.http.problems import Problem, problem_body
from regulars.platform.services import Services

ROWS_AT_MOST: Final = 1000
BATCHES_TOGETHER: Final = 4  # a batch of rows is a group already

Row = TypeVar("Row")
Command = TypeVar("Command")
Result = TypeVar("Result")
Apply = Callable[[Transaction, Sequence[Command]], Awaitable[Sequence[Result | DomainError]]]

_problem = msgspec.json.Decoder(Problem).decode


@dataclass(frozen=True, slots=True)
class Kind(Generic[Command]):
    """What rows of one kind of batches are: the body's `field` that holds them, and how the audit log names one.

    `action` is the audit's of a row; `about` gives what a row is about, and its detail, `reason` why it was wished.
    """

    field: str
    action: str
    about: Callable[[Command], tuple[str, str]]
    reason: Callable[[Command], str] = lambda _: ""


@dataclass(frozen=True, slots=True)
class AskedRows(Generic[Command]):
    """A batch and who asks for it: commands, or what is wrong with a row already, and what the caller calls each."""

    names: tuple[str, ...]
    rows: tuple[Command | DomainError, ...]
    client: str
    key: str
    language: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Decided(Generic[Command, Result]):
    """What came of each row of a batch, in order."""

    asked: AskedRows[Command]
    outcomes: tuple[Result | DomainError, ...]


def asked_rows(
    request: Request[Any, Any, Any],
    rows: Sequence[Row],
    read: Callable[[Row], Command],
    name: Callable[[Row], str],
) -> AskedRows[Command]:
    """Read the rows of a request; what is wrong with one is that row's alone. Raises IdempotencyKeyMissing (400)."""
    asking = asked(request.scope)
    commands: list[Command | DomainError] = []
    for row in rows:
        try:
            commands.append(read(row))
        except DomainError as refusal:
            commands.append(refusal)
    key = idempotency_key(asking, request.scope["method"])
    names = tuple([name(row) for row in rows])
    return AskedRows(names, tuple(commands), asking.client.client, key, asking.language, asking.request_id)


def batch_lane(
    services: Services,
    name: str,
    kind: Kind[Command],
    apply: Apply[Command, Result],
    render: Callable[[Decided[Command, Result]], tuple[int, bytes]],
) -> Lane[AskedRows[Command], Decided[Command, Result]]:
    """Make the lane of one kind of batches."""

    async def apply_all(
        tx: Transaction, batches: Sequence[AskedRows[Command]]
    ) -> list[Decided[Command, Result] | DomainError]:
        commands = [row for batch in batches for row in batch.rows if not isinstance(row, DomainError)]
        results = iter(await apply_in_parts(tx, apply, commands))
        decided: list[Decided[Command, Result] | DomainError] = []
        for batch in batches:
            outcomes = [row if isinstance(row, DomainError) else next(islice(results, 1)) for row in batch.rows]
            _record(tx, kind, batch, outcomes)
            decided.append(Decided(batch, tuple(outcomes)))
        return decided

    lane: Lane[AskedRows[Command], Decided[Command, Result]] = Lane(
        name,
        services.database,
        apply_all,
        render,
        batch_size=BATCHES_TOGETHER,
        recover=services.recover,
    )
    services.lanes.append(lane)
    return lane


async def apply_in_parts(
    tx: Transaction, apply: Apply[Command, Result], commands: Sequence[Command]
) -> list[Result | DomainError]:
    """Apply commands together; where one brings them all down they are halved, until it stands alone.

    Raises what is no fault of a command, such as a lost connection, a deadlock or a lock that was waited for in vain.
    """
    if not commands:
        return []
    try:
        async with tx.savepoint():
            return list(await apply(tx, commands))
    except (DomainError, DataError) as error:
        if len(commands) > 1:
            middle = len(commands) // 2
            first = await apply_in_parts(tx, apply, commands[:middle])
            return first + await apply_in_parts(tx, apply, commands[middle:])
        if isinstance(error, DomainError):
            return [error]
        raise


def problem_of(batch: AskedRows[Command], refusal: DomainError) -> Problem:
    """Return the problem document of a refused row, in the caller's language."""
    return _problem(problem_body(refusal, batch.language, batch.request_id))


def _record(
    tx: Transaction,
    kind: Kind[Command],
    batch: AskedRows[Command],
    outcomes: Sequence[Result | DomainError],
) -> None:
    refused: list[tuple[str, DomainError]] = []
    for position, (row, outcome) in enumerate(zip(batch.rows, outcomes, strict=True)):
        read = None if isinstance(row, DomainError) else row
        subject, detail = ("", "") if read is None else kind.about(read)
        if isinstance(outcome, DomainError):
            _point(outcome, f"/{kind.field}/{position}")
            if subject:
                refused.append((subject, outcome))
            continue
        entry = AuditEntry(
            actor=batch.client,
            action=kind.action,
            subject=subject,
            reason="" if read is None else kind.reason(read),
            request_id=batch.request_id,
            detail=detail,
        )
        tx.audit(entry)
    asker = refusals.Batch(kind.action, batch.request_id, batch.client, batch.key)
    refusals.keep_rows(tx, asker, refused)


def _point(refusal: DomainError, row: str) -> None:
    if not (refusal.pointer or "").startswith(row):
        refusal.pointer = row + (refusal.pointer or "")
