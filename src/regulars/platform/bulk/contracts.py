"""What a job is, and what each step of one gives."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, Protocol
from uuid import UUID

from msgspec import Struct

from regulars.platform.db.transaction import JsonValue, Transaction
from regulars.platform.errors import Datum, DomainError

JOB_PREFIX: Final = "job"

State = Literal["queued", "running", "done", "failed", "cancelled"]
Counts = dict[str, int]


class Failure(Struct, frozen=True):
    """Why a job failed: the code of a refusal and what it is filled with, to be said in any language."""

    code: str
    data: dict[str, Datum] = {}


class Job(Struct, frozen=True, kw_only=True):
    """A job as it stands. Instants are the wall clock's; `done` of `all_of_it` is in a unit of its kind.

    `asked_by` is the client or person who asked. `carry` is what the next step goes on from.
    """

    job_id: UUID
    kind: str
    asked_by: str
    asked_at: datetime
    state: State
    done: int
    all_of_it: int
    counts: Counts
    failure: Failure | None
    began_at: datetime | None
    ended_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether there is still something to be done."""
        return self.state in {"queued", "running"}


class Step(Struct, frozen=True, kw_only=True):
    """What a step came to: how far the job is, its counts so far, and what the next step is given as `carry`.

    `ended` says that there is no next one; then `failure` says why, if it did not end well.
    """

    done: int
    all_of_it: int
    counts: Counts
    carry: JsonValue = None
    ended: bool = False
    failure: DomainError | None = None


class Taken(Struct, frozen=True, kw_only=True):
    """A job that is being worked at, locked, with what its next step goes on from."""

    job_id: UUID
    kind: str
    asked_by: str
    carry: JsonValue
    counts: Counts
    all_of_it: int


class JobKind(Protocol):
    """What does the steps of one kind of jobs. A step is bounded, and writes in the transaction it is given only."""

    async def step(self, tx: Transaction, job: Taken) -> Step:
        """Do the next step. Raises a DomainError where the job cannot go on; the step then leaves nothing."""


JobKinds = Mapping[str, JobKind]
# Which scopes each kind of jobs needs of who stops one or lets it go on; of one that is forgotten, none.
JobScopes = Mapping[str, Callable[[Transaction, UUID], Awaitable[Sequence[str]]]]


class ListWanted(Struct, frozen=True, kw_only=True):
    """Which jobs are wanted, the last asked for first: of one client or of everybody, from behind `before`."""

    asked_by: str | None = None
    kind: str | None = None
    state: State | None = None
    before: tuple[datetime, UUID] | None = None
    limit: int = 50
