"""What somebody who looks after a deployment is told: how one thing stands, and what to do about it.

The command line says it in English (`regulars doctor`), the console in its viewer's language: both from here.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from regulars.platform.texts import say

_STEP = 1000
_WHOLE = 10


class State(StrEnum):
    """How a thing stands. `warning`: it works, and somebody should know; `trouble`: it does not do what it is for."""

    WELL = "well"
    WARNING = "warning"
    TROUBLE = "trouble"


class Sentence(Struct, frozen=True):
    """A marked sentence with what fills its places."""

    text: str
    values: Mapping[str, str | int] = {}

    def __str__(self) -> str:
        return self.in_language("en")

    def in_language(self, language: str) -> str:
        """Say it in a language (en, zh)."""
        return say(self.text, language, **self.values)


class Bytes(Struct, frozen=True):
    """So many bytes."""

    count: int

    def __str__(self) -> str:
        size, unit = float(self.count), "B"
        for larger in ("KB", "MB", "GB", "TB"):
            if size < _STEP:
                break
            size, unit = size / _STEP, larger
        return f"{size:,.0f} {unit}" if size >= _WHOLE or unit == "B" else f"{size:,.1f} {unit}"


class Ago(Struct, frozen=True):
    """An instant of the wall clock of which it matters how long ago it was."""

    at: datetime


Told = str | int | datetime | timedelta | Ago | Bytes | Sentence | None


class Fact(Struct, frozen=True):
    """One fact about a thing: a marked label, and what there is to tell (None: nothing)."""

    label: str
    told: Told


class Looked(Struct, frozen=True, kw_only=True):
    """How one thing stands: `said` sums it up, `remedy` says what to do unless all is well; no personal data."""

    name: str
    state: State
    said: Sentence
    remedy: Sentence | None = None
    facts: tuple[Fact, ...] = ()


# --- what the looks are told by the database ------------------------------------------------------------------------


class Workers(NamedTuple):
    """How many workers have shown themselves in time, and the last sign of life: a heartbeat, or a seal closed."""

    alive: int
    last_at: datetime | None


class Jobs(NamedTuple):
    """Jobs that are due, whose time is still to come, that run, that failed for good; the oldest due one's age."""

    due: int
    later: int
    running: int
    failed: int
    oldest_due_seconds: float


class FailedTask(NamedTuple):
    """A task of which jobs failed for good: how many, and when the last of them did."""

    task: str
    jobs: int
    last_at: datetime | None


class Storage(NamedTuple):
    """How the database keeps what is written, and by which order it sorts."""

    encoding: str
    collation: str
    has_new_collation: bool
    syncs: bool
    writes_whole_pages: bool
    waits_for_disk: bool
    vacuums: bool


class Size(NamedTuple):
    """The database in figures."""

    version: int
    size_bytes: int
    connections: int
    most_connections: int
    oldest_transaction_seconds: float


class TableSize(NamedTuple):
    """How much room a table takes, its indexes included, and about how many rows it has."""

    table: str
    size_bytes: int
    rows: int
