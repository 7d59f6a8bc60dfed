"""What can be imported, how a file's columns become fields, and what came of each row."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import Meta, Struct

from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.vault.contracts import Vault

IMPORT: Final = "import"  # the kind of its jobs
PART_BYTES: Final = 1_000_000
ROWS_A_STEP: Final = 1000
STEP_BYTES: Final = (
    16_000_000  # of the file; then a step has enough, and one record that goes on ends at four times that
)
ALL_AT_MOST: Final = 20_000  # rows of an import that is carried out as a whole: it is one transaction
REFUSED_AT_MOST: Final = 100_000  # rows of which it is kept why; then the import stops
LINE_BYTES: Final = 1_000_000  # the longest line
NESTED_AT_MOST: Final = 32  # lists within lists: far from what the interpreter, and what comes after us, can follow
GROUP_BYTES: Final = 256_000_000  # the largest group of rows of a Parquet file, unpacked
UNPACKING_BYTES: Final = 4 * GROUP_BYTES  # what the process that unpacks a Parquet file may have for it

Format = Literal["csv", "jsonl", "parquet"]
Mode = Literal["rest", "all"]
Form = Literal["text", "whole", "decimal", "instant", "json"]
Values = dict[str, Any]  # fields of one row, in the form that JSON has

ColumnName = Annotated[str, Meta(min_length=1, max_length=200)]
FieldName = Annotated[str, Meta(min_length=1, max_length=64)]


class Field(Struct, frozen=True):
    """A field of a row: the form of its value, and whether that is personal data, which no report repeats."""

    form: Form = "text"
    personal: bool = False


class Mapped(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a file's columns become fields. Without `columns` each column is called as its field is.

    `constants` are given to every row where its column has nothing. `dates` says how instants of a field are written
    (as `strptime` reads them; else as in RFC 3339), `time_zone` where those without a zone were. `decimal` is the mark
    of decimals, `delimiter` stands between columns of a CSV file.
    """

    columns: dict[ColumnName, FieldName] = {}
    constants: dict[FieldName, str | int | bool] = {}
    dates: dict[FieldName, Annotated[str, Meta(min_length=1, max_length=64)]] = {}
    time_zone: Annotated[str, Meta(max_length=64, examples=["Asia/Shanghai"])] | None = None
    decimal: Literal[".", ","] = "."
    delimiter: Annotated[str, Meta(min_length=1, max_length=1, examples=[";"])] = ","


class Row(Struct, frozen=True, kw_only=True):
    """One row as it was read: the line on which it begins (of a Parquet file its number), and its columns.

    `problem` is why it could not be read; then it has none.
    """

    line: int
    columns: dict[str, Any] = {}
    problem: DomainError | None = None


class Record(Struct, frozen=True, kw_only=True):
    """What rows came to: a body as the API takes it, or why there is none; `line` is the first row's.

    `rows` are those that it is made of, `fields` says which field a part of the body (a JSON Pointer) came from.
    """

    line: int
    values: Values = {}
    body: bytes = b""
    fields: Mapping[str, str] = {}
    problem: DomainError | None = None
    rows: int = 1


class Brought(Struct, frozen=True):
    """What a row did: about what (a public id), and whether all of it was there already; `detail` is the audit's."""

    subject: str
    known: bool = False
    detail: str = ""


class Folded(Struct, frozen=True):
    """A body as the API takes it, and which field each part of it (a JSON Pointer) came from, where that differs."""

    body: Values
    fields: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class ImportKind:
    """What rows of one kind are, and how they are carried out.

    `scope` is what a key needs. Rows that follow each other with the same value of the field `together` are one record.
    `fold` makes a body of a record's values, `read` a command of the body; both raise what is wrong with it. `apply`
    carries commands out, set-based and in order; without `writes` the vault it is given keeps nothing. `signed` puts
    into a command whose it is, where that is kept with it.
    """

    name: str
    scope: str
    fields: Mapping[str, Field]
    fold: Callable[[Sequence[Values]], Folded]
    read: Callable[[bytes, datetime], Any]
    apply: Callable[[Transaction, Vault, Sequence[Any]], Awaitable[Sequence[Brought | DomainError]]]
    together: str | None = None
    signed: Callable[[Any, str], Any] | None = None


ImportKinds = Mapping[str, ImportKind]


class Import(Struct, frozen=True, kw_only=True):
    """An import: its file, how it is read, and whose it is. Its job has the same id, once it was started.

    `arrived`: no part is missing before the last of those that are there.
    """

    job_id: UUID
    kind: str
    format: Format
    name: str
    mapping: Mapped
    mode: Mode
    dry_run: bool
    begun_by: str
    begun_at: datetime
    expires_at: datetime
    parts: int
    bytes: int
    started: bool
    arrived: bool = False


class Part(Struct, frozen=True):
    """A piece of an uploaded file: its number from 1, how many bytes it has, and their digest."""

    part_no: int
    bytes: int
    digest: str


class RowProblem(Struct, frozen=True, kw_only=True):
    """Why a row was refused. `value` is what stood there; None where it is personal data."""

    line: int
    column: str
    value: str | None
    code: str
    pointer: str | None
    data: dict[str, str | int | bool | None]
