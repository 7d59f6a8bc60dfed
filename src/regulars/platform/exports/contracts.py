"""What can be exported: kinds of rows, their columns, and where each comes from."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, LiteralString, NamedTuple
from uuid import UUID

from msgspec import Struct

from regulars.platform.db.transaction import Transaction

EXPORT: Final = "export"  # the kind of its jobs
SCOPE: Final = "exports:write"
PERSONAL_SCOPE: Final = "members:personal"
ROWS_A_STEP: Final = 2000  # rows that are looked at in a step; those that are wanted are a part of the file
OPEN_AT_MOST: Final = 20  # exports under way at a time: each keeps a connection, and a snapshot open
KEPT: Final = timedelta(days=7)
KEPT_PERSONAL: Final = timedelta(days=1)

Format = Literal["csv", "jsonl", "parquet"]
Form = Literal["text", "whole", "decimal", "flag", "date", "instant", "json"]
Cell = Any  # what JSON has


class Column(Struct, frozen=True):
    """A column: what it says (a marked text, with its unit), its form, and the SQL expression that it comes from.

    That is one of the kind's tables. `prefix` is that of public ids; `told` makes what is told of what stands there.
    Without an expression it is personal data, which `People` gives by the row's member.
    """

    about: str
    source: LiteralString = ""
    form: Form = "text"
    prefix: str = ""
    told: Callable[[Any], Cell] | None = None

    @property
    def is_personal(self) -> bool:
        """Whether it is given to those only who may read personal data."""
        return not self.source


class Key(NamedTuple):
    """A column of the key by which rows are walked through, and its type."""

    column: LiteralString
    type: LiteralString


@dataclass(frozen=True, slots=True)
class ExportKind:
    """Rows of one kind: where they stand, by what they are ordered, and their columns, which only ever grow in number.

    `about` is a marked text. `table` (with the alias `t`) is walked through by `key`, the primary key or an index;
    `joined` is what stands behind it, `only` which of its rows count. `scope` is what a key needs beside
    `exports:write`. `at` is the instant by which `since` and `until` choose; `market`, `store_id`, `channel` and
    `wallet` are what else rows are chosen by; by an empty one they cannot be. `member` is the id by which the member's
    own columns are given. `importable` names the columns that an import of the same kind takes.
    """

    name: str
    about: str
    scope: str
    table: LiteralString
    key: Sequence[Key]
    columns: Mapping[str, Column]
    joined: LiteralString = ""
    only: LiteralString = ""
    at: LiteralString = ""
    market: LiteralString = ""
    store_id: LiteralString = ""
    channel: LiteralString = ""
    wallet: LiteralString = ""
    member: LiteralString = ""
    importable: Sequence[str] = ()


ExportKinds = Mapping[str, ExportKind]


class People(Struct, frozen=True):
    """How members' own data comes into rows: read as it is sealed, and opened only when a file is written out.

    So what lies in a file goes with the member's key: erasing a member ends it there too, at once.
    """

    columns: Mapping[str, Column]
    sealed: Callable[[Transaction, Sequence[UUID]], Awaitable[Mapping[UUID, Cell]]]
    opened: Callable[[bytes, UUID, Cell], Mapping[str, Cell]]


class Exported(NamedTuple):
    """Everything that can be exported, and how members' own data comes into it."""

    kinds: ExportKinds
    people: People


CHOSEN_BY: Final = ("market", "store_id", "channel", "wallet")


class Chosen(Struct, frozen=True, kw_only=True):
    """What is wanted of a kind: columns (None: all that are not personal), recorded from when until before when."""

    columns: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    market: str | None = None
    store_id: str | None = None
    channel: str | None = None
    wallet: str | None = None

    def by(self) -> dict[str, str]:
        """Return by what rows are chosen, beside the time."""
        found = {name: getattr(self, name) for name in CHOSEN_BY}
        return {name: value for name, value in found.items() if value is not None}


def begins_with(chosen: Chosen) -> dict[str, list[str]] | None:
    """Return what the first step of an export is given: no place yet, but what a worker has to know to go on.

    One of the release before knows no stores, channels and wallets. It cannot read this, and fails the job, which
    may be resumed; else it would write rows of them all.
    """
    unknown = sorted(chosen.by().keys() - {"market"})
    return {"chosen_by": unknown} if unknown else None


class Export(Struct, frozen=True, kw_only=True):
    """An export as it was asked for. Its job has the same id. `as_of` is the instant of its rows, once it began."""

    job_id: UUID
    kind: str
    columns: tuple[str, ...]
    personal: bool
    chosen: Chosen
    begun_by: str
    begun_at: datetime
    expires_at: datetime
    as_of: datetime | None = None
    rows: int = 0
    parts: int = 0
    ended: bool = False


class PartRows(Struct, frozen=True):
    """A part of a file, from 1: how many rows are in it, how many bytes, and their digest."""

    part_no: int
    rows: int
    bytes: int
    digest: str


def columns_of(kind: ExportKind, people: People) -> dict[str, Column]:
    """Return every column that rows of a kind may have: its own, then what is the member's own."""
    return dict(kind.columns) | (dict(people.columns) if kind.member else {})
