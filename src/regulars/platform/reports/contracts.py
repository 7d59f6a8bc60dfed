"""What a report is, and what each slice of it gives."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from regulars.platform.db.transaction import JsonValue, Transaction

REPORT_PREFIX: Final = "rep"

State = Literal["queued", "running", "done", "failed", "cancelled"]
Parameters = dict[str, JsonValue]


class More(Struct, frozen=True):
    """A slice is done, and there are more: `done` of `all_of_it` (any unit); `carry` is given to the next one."""

    done: int
    all_of_it: int
    carry: JsonValue = None


class Done(Struct, frozen=True):
    """The last slice is done, and this came of it: a JSON value without personal data."""

    result: JsonValue


Slice = Callable[[Transaction, Parameters, JsonValue], Awaitable[More | Done]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of report. `work` does one slice; the first is given None to go on from."""

    name: str
    work: Slice = field(repr=False)


class Report(Struct, frozen=True, kw_only=True):
    """A report as it stands.

    `asked_at`, `began_at` and `ended_at` are instants of the wall clock; `as_of` is the programme's, when the first
    slice began: what was recorded later need not be in the result. `error` names the kind of failure, never the data.
    """

    report_id: UUID
    kind: str
    parameters: Parameters
    asked_by: str
    asked_at: datetime
    state: State
    done: int
    all_of_it: int
    result: JsonValue
    error: str | None
    began_at: datetime | None
    as_of: datetime | None
    ended_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it is still to be computed."""
        return self.state in {"queued", "running"}
