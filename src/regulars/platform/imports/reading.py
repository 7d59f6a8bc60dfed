"""Rows of a file, a thousand at a time, from any place on: what is not of the format is that row's fault alone.

Memory is bounded whatever the file holds: one part of it, one line, and the rows of one step.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from regulars.platform.errors import DomainError
from regulars.platform.imports.contracts import LINE_BYTES, Format, Mapped, Row
from regulars.platform.imports.errors import (
    CellTooLong,
    ColumnsDiffer,
    ColumnTwice,
    FileEmpty,
    FileUnreadable,
    NotUtf8,
    ParquetMissing,
    RowTooLong,
    RowUnreadable,
)

_BOM: Final = b"\xef\xbb\xbf"
_BUFFER: Final = 1 << 16


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a file goes on: behind how many bytes and lines; of Parquet, behind how many rows of which group."""

    at: int = 0
    lines: int = 0


class Placed(NamedTuple):
    """A row, the place behind it, and about how many bytes of the file it has."""

    row: Row
    behind: Place
    size: int


class Source(Protocol):
    """A file that is read row by row. `done` of `size` says how far a place is."""

    columns: list[str] | None
    size: int

    def rows(self, place: Place) -> Iterator[Placed]:
        """Give the rows from a place on."""

    def done(self, place: Place) -> int:
        """Return how far a place is, in the unit of `size`."""


def source_of(form: Format, file: io.RawIOBase, size: int, mapping: Mapped) -> Source:
    """Return the reader of a file. Raises what is wrong with its beginning."""
    if form == "csv":
        return _Csv(file, size, mapping.delimiter)
    if form == "jsonl":
        return _JsonLines(file, size)
    from regulars.platform.imports.parquet import open_parquet  # noqa: PLC0415 - an extra that few install

    return open_parquet(file, size)


def require_reader(form: Format) -> None:
    """Raise ParquetMissing where files of this format cannot be read."""
    if form == "parquet":
        try:
            import pyarrow.parquet  # noqa: F401, PLC0415 - as above
        except ImportError:
            raise ParquetMissing(pointer="/format") from None


class _Line(NamedTuple):
    text: str
    problem: DomainError | None


class _Lines:
    """Lines of a file, decoded one by one, with the place behind the last one that was given."""

    def __init__(self, file: io.RawIOBase, place: Place) -> None:
        file.seek(place.at)
        self._stream = io.BufferedReader(file, _BUFFER)
        self.place = place
        self.problem: DomainError | None = None

    def __iter__(self) -> Iterator[str]:
        """Give lines as text, as the reader of CSV wants them; one that cannot be decoded is given empty."""
        return self

    def __next__(self) -> str:
        """Return the next line; `problem` then says what is wrong with it."""
        line = self._next()
        self.problem = self.problem or line.problem
        return line.text

    def taken_problem(self) -> DomainError | None:
        """Return what was wrong with the lines since it was last asked."""
        problem, self.problem = self.problem, None
        return problem

    def detach(self) -> None:
        """Let go of the file without closing it."""
        self._stream.detach()

    def _next(self) -> _Line:
        content = self._stream.readline(LINE_BYTES + 1)
        if not content:
            raise StopIteration
        number, size = self.place.lines + 1, len(content)
        too_long = size > LINE_BYTES and not content.endswith(b"\n")
        while too_long and content and not content.endswith(b"\n"):
            content = self._stream.readline(LINE_BYTES)
            size += len(content)
        self.place = Place(self.place.at + size, number)
        if too_long:
            return _Line("\n", RowTooLong(limit_bytes=LINE_BYTES))
        if number == 1:
            content = content.removeprefix(_BOM)
        try:
            return _Line(content.decode(), None)
        except UnicodeDecodeError:
            return _Line("\n", NotUtf8(line=number))


class _Csv:
    """Comma-separated values with the names of columns in the first line."""

    def __init__(self, file: io.RawIOBase, size: int, delimiter: str) -> None:
        self.size = size
        self._file = file
        self._delimiter = delimiter
        lines = _Lines(file, Place())
        try:
            head = next(csv.reader(lines, delimiter=delimiter), None)
        except csv.Error as error:
            raise _cell_too_long(error) or unreadable("csv") from None
        lines.detach()
        problem = lines.taken_problem()
        if problem is not None:
            raise problem
        if not head:
            raise FileEmpty
        self.columns: list[str] | None = [name.strip() for name in head]
        check_names(self.columns)
        self._first = lines.place

    def done(self, place: Place) -> int:
        return place.at

    def rows(self, place: Place) -> Iterator[Placed]:
        lines = _Lines(self._file, place if place.at else self._first)
        reader = self._reader(lines)
        while True:
            first, begin = lines.place.lines + 1, lines.place.at
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                reader = self._reader(lines)
                fault = lines.taken_problem() or _cell_too_long(error) or RowUnreadable()
                yield Placed(Row(line=first, problem=fault), lines.place, 0)
                continue
            problem = lines.taken_problem()
            if problem is not None:
                yield Placed(Row(line=first, problem=problem), lines.place, 0)
            elif cells:
                yield Placed(self._row(first, cells), lines.place, lines.place.at - begin)

    def _reader(self, lines: _Lines) -> "Iterator[list[str]]":
        return csv.reader(lines, delimiter=self._delimiter, strict=True)

    def _row(self, line: int, cells: list[str]) -> Row:
        names = self.columns or []
        if len(cells) != len(names):
            return Row(line=line, problem=ColumnsDiffer(columns=len(cells), expected=len(names)))
        return Row(line=line, columns=dict(zip(names, cells, strict=True)))


def _cell_too_long(error: csv.Error) -> CellTooLong | None:
    """Return the refusal if that is the error, which has no type of its own."""
    limit = csv.field_size_limit()
    return CellTooLong(limit_characters=limit) if f"limit ({limit})" in str(error) else None


class _JsonLines:
    """One JSON object a line."""

    columns: list[str] | None = None

    def __init__(self, file: io.RawIOBase, size: int) -> None:
        self.size = size
        self._file = file
        self._decode = msgspec.json.Decoder(dict[str, Any]).decode

    def done(self, place: Place) -> int:
        return place.at

    def rows(self, place: Place) -> Iterator[Placed]:
        lines = _Lines(self._file, place)
        for text in lines:
            problem = lines.taken_problem()
            if problem is not None:
                yield Placed(Row(line=lines.place.lines, problem=problem), lines.place, 0)
            elif text.strip():
                yield Placed(self._row(lines.place.lines, text), lines.place, len(text))

    def _row(self, line: int, text: str) -> Row:
        try:
            return Row(line=line, columns=self._decode(text))
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return Row(line=line, problem=RowUnreadable())


def check_names(columns: Sequence[str]) -> None:
    """Check that each column has a name of its own. Raises ColumnTwice."""
    seen: dict[str, int] = {}
    for number, name in enumerate(columns, 1):
        if seen.setdefault(name, number) != number:
            raise ColumnTwice(first=seen[name], second=number)


def unreadable(form: Format) -> FileUnreadable:
    """Return the refusal of a file that is not of its format."""
    return FileUnreadable(format=form)
