"""The beginning of a file: its columns with values as they stand there, and rows as a mapping would have them read."""

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from regulars.platform.errors import DomainError
from regulars.platform.imports import rules
from regulars.platform.imports.contracts import Format, ImportKind, Mapped, Record, Row
from regulars.platform.imports.files import SealedFile
from regulars.platform.imports.reading import Place, source_of

_LOOKED_AT: Final = 50  # rows
_ECHO: Final = 80
_VEIL: Final = "•••"
_DELIMITERS: Final = (",", ";", "\t", "|")
_HEAD_BYTES: Final = 4096
_SHORT: Final = 4
# Digits enough for a number that finds somebody, unless they are a date (with a time) or an amount.
_DIGITS: Final = re.compile(r"(?:\d[\s()./-]*){7,}")
_DATE: Final = re.compile(
    r"(\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3\d{4}|\d{4}年\d{1,2}月\d{1,2}日"
    r"|(19|20)\d\d(0\d|1[0-2])([0-2]\d|3[01]))([T ].*)?"
)
_AMOUNT: Final = re.compile(r"-?[\d ,.]*\d[.,]\d{1,2}")


class Found(msgspec.Struct, frozen=True):
    """A column of a file, and what stands in it in its first rows."""

    name: str
    samples: list[str]


class Glance(msgspec.Struct, frozen=True):
    """The beginning of a file, as the mapping that it was read with has it."""

    columns: list[Found]
    records: list[Record]
    delimiter: str = ","


def glance(file: SealedFile, form: Format, kind: ImportKind, mapping: Mapped | None, delimiter: str = "") -> Glance:
    """Read the beginning of a file: its columns, and with a mapping its first records. Blocking.

    Without a mapping, and without a delimiter, that is guessed. Raises what is wrong with the file's beginning, or does
    not fit it.
    """
    read_with = mapping or Mapped(delimiter=delimiter or (_delimiter_of(file) if form == "csv" else ","))
    source = source_of(form, file, file.size, read_with)
    rows = [placed.row for placed in islice(source.rows(Place()), _LOOKED_AT)]
    names = source.columns
    if names is None:
        names = list(dict.fromkeys(name for row in rows for name in row.columns))
    columns = [Found(name, _samples(name, rows)) for name in names]
    records: list[Record] = []
    if mapping is not None:
        used = rules.columns_used(kind, mapping, source.columns)
        records = list(rules.records(kind, mapping, used, rows))
    return Glance(columns, records, read_with.delimiter)


def tried(kind: ImportKind, record: Record, now: datetime) -> Record:
    """Return a record with what is wrong with its body, as far as the body itself tells."""
    if record.problem is not None:
        return record
    try:
        kind.read(record.body, now)
    except DomainError as refusal:
        return replace(record, problem=refusal)
    return record


def shown(value: Any) -> str:  # noqa: ANN401 - whatever a file holds
    """Return a value as a page shows it, cut where it is long."""
    text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
    return text if len(text) <= _ECHO else f"{text[:_ECHO]}…"


def veiled(text: str, *, personal: bool) -> str:
    """Return a value in part where it may be by what somebody is found: enough to know what it is, not whose.

    Of a `personal` field it always is one; elsewhere an address is, and so many digits as a telephone number has.
    """
    if (
        not personal
        and "@" not in text
        and (not _DIGITS.search(text) or _DATE.fullmatch(text) or _AMOUNT.fullmatch(text))
    ):
        return text
    if not text:
        return text
    name, at, domain = text.partition("@")
    if at:
        return f"{name[:1]}{_VEIL}@{domain}"
    return _VEIL if len(text) <= _SHORT else f"{text[:2]}{_VEIL}{text[-2:]}"


def _samples(name: str, rows: Sequence[Row]) -> list[str]:
    """Return the first few values of a column that differ, of those that are there."""
    there = (row.columns[name] for row in rows if row.columns.get(name) is not None and row.columns[name] != "")
    return list(islice(dict.fromkeys(shown(value) for value in there), 3))


def _delimiter_of(file: SealedFile) -> str:
    """Return what most likely stands between columns: whatever the first line has most of."""
    file.seek(0)
    line = file.read(_HEAD_BYTES).partition(b"\n")[0].decode(errors="replace")
    file.seek(0)
    return max(_DELIMITERS, key=line.count)
