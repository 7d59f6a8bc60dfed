"""Rows of exports as files: CSV, JSON Lines, Parquet. What comes out of one part never waits for another."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Protocol

import msgspec

from regulars.platform.exports.contracts import Cell, Column, Format
from regulars.platform.exports.errors import ParquetNotWritten

MEDIA: Final[Mapping[Format, str]] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

Rows = Iterable[Sequence[Cell]]


class Writer(Protocol):
    """Writes rows, part by part."""

    def rows(self, rows: Rows) -> bytes:
        """Return the bytes of some rows, and of what stands before them if they are the first."""
        ...

    def end(self) -> bytes:
        """Return what stands behind all rows."""
        ...


def require_writer(form: Format) -> None:
    """Raise ParquetNotWritten where files of this format cannot be written."""
    if form == "parquet":
        try:
            import pyarrow.parquet  # noqa: F401, PLC0415 - an extra
        except ImportError:
            raise ParquetNotWritten(pointer="/query/format") from None


def writer_of(form: Format, columns: Mapping[str, Column], *, head: bool, spreadsheet: bool) -> Writer:
    """Return the writer of a format; `head` and `spreadsheet` are of CSV. Raises ParquetNotWritten."""
    if form == "csv":
        return CsvWriter(columns, head=head, spreadsheet=spreadsheet)
    if form == "jsonl":
        return JsonLinesWriter(columns)
    require_writer(form)
    from regulars.platform.exports.parquet import ParquetWriter  # noqa: PLC0415 - an extra

    return ParquetWriter(columns)


class CsvWriter:
    """RFC 4180 in UTF-8; nothing for null, `true` and `false`, JSON within a cell.

    For a spreadsheet a text that it would take for a formula begins with an apostrophe; else no text is changed.
    """

    def __init__(self, columns: Mapping[str, Column], *, head: bool, spreadsheet: bool) -> None:
        self._columns = list(columns.values())
        self._head = list(columns) if head else []
        self._spreadsheet = spreadsheet

    def rows(self, rows: Rows) -> bytes:
        """Write lines."""
        out = io.StringIO()
        writer = csv.writer(out)
        head, self._head = self._head, []
        if head:
            writer.writerow(head)
        for row in rows:
            writer.writerow([self._cell(column, value) for column, value in zip(self._columns, row, strict=True)])
        return out.getvalue().encode()

    def end(self) -> bytes:
        """Write the head of a file without rows."""
        return self.rows(())

    def _cell(self, column: Column, value: Cell) -> Cell:
        if value is None:
            return ""
        if column.form == "flag":
            return "true" if value else "false"
        if column.form == "json":
            value = msgspec.json.encode(value).decode()
        if self._spreadsheet and isinstance(value, str) and value.startswith(_FORMULA) and column.form != "decimal":
            return f"'{value}"
        return value


class JsonLinesWriter:
    """An object a line, with every column, null where there is nothing."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._names = list(columns)
        self._encode = msgspec.json.Encoder().encode_lines

    def rows(self, rows: Rows) -> bytes:
        """Write lines."""
        return self._encode([dict(zip(self._names, row, strict=True)) for row in rows])

    def end(self) -> bytes:
        """Nothing stands behind them."""
        return b""


def typed(column: Column, value: Cell) -> Cell:
    """Return a cell as the type that Parquet has for it."""
    if value is None:
        return None
    if column.form == "instant":
        return datetime.fromisoformat(value)
    if column.form == "date":
        return date.fromisoformat(value)
    if column.form == "decimal":
        return Decimal(value)
    if column.form == "json":
        return msgspec.json.encode(value).decode()
    return value
