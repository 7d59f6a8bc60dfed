"""Rows of a Parquet file, group by group, unpacked in a process of their own whose memory is bounded."""

import io
import subprocess
import sys
from collections.abc import Iterator
from typing import IO, Any, Final
from weakref import finalize

import pyarrow as pa

from regulars.platform.errors import DomainError
from regulars.platform.imports import unpacking
from regulars.platform.imports.contracts import GROUP_BYTES, LINE_BYTES, UNPACKING_BYTES, Row
from regulars.platform.imports.errors import RowGroupTooLarge, RowTooLong
from regulars.platform.imports.reading import Place, Placed, Source, check_names, unreadable

_COMMAND: Final = (sys.executable, "-P", "-m", unpacking.__name__)
_MARK: Final = b"PAR1"  # a file begins and ends with it


def open_parquet(file: io.RawIOBase, size: int, *, group_bytes: int = GROUP_BYTES) -> Source:
    """Return the reader of a Parquet file. Raises FileUnreadable, ColumnTwice, RowGroupTooLarge.

    A few kilobytes can unpack to gigabytes: a group of rows that says that it has more than `group_bytes` is not read
    at all, and one that lies, or means more than it says, ends with the process that unpacks it.
    """
    buffered = io.BufferedReader(file)
    if size < 3 * len(_MARK) or buffered.read(len(_MARK)) != _MARK:
        raise unreadable("parquet")
    return _Parquet(_Process(buffered, size, group_bytes))


class _Process:
    """The process that unpacks one file; it ends when nobody has this any more."""

    def __init__(self, file: IO[bytes], size: int, group_bytes: int) -> None:
        self._file = file
        self._too_large = RowGroupTooLarge(limit_bytes=group_bytes)
        started = subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert started.stdin is not None  # noqa: S101 - tells the type checker
        assert started.stdout is not None  # noqa: S101 - as above
        self._pipes = unpacking.Pipes(started.stdout, started.stdin)
        self._started = started
        finalize(self, _end, started)
        self.beginning = self.ask(UNPACKING_BYTES, size, group_bytes, LINE_BYTES)[1:]

    def ask(self, *asked: Any) -> list[Any]:  # noqa: ANN401 - whatever msgpack has
        """Ask something, and give the process what it reads of the file meanwhile. Raises what is wrong with it."""
        try:
            self._pipes.send(*asked)
            answer = self._pipes.receive()
            while answer[0] == "read":
                self._pipes.send(self._read(*answer[1:]))
                answer = self._pipes.receive()
        except (EOFError, BrokenPipeError):  # it ended: of too much memory, or by somebody who needed it
            raise self._too_large from None
        if answer[0] == "too large":
            raise self._too_large
        if answer[0] == "unreadable":
            raise unreadable("parquet")
        return answer

    def _read(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        return self._file.read(size)


def _end(started: "subprocess.Popen[bytes]") -> None:
    started.kill()
    started.communicate()


class _Parquet:
    def __init__(self, process: _Process) -> None:
        self._process = process
        names, groups = process.beginning
        self.columns: list[str] | None = names
        check_names(names)
        self._ends = [0]
        for rows in groups:
            self._ends.append(self._ends[-1] + rows)
        self.size: int = self._ends[-1]

    def done(self, place: Place) -> int:
        return place.at

    def rows(self, place: Place) -> Iterator[Placed]:
        at = place.at
        for group, end in enumerate(self._ends[1:]):
            if end <= at:
                continue
            for found, size in self._group(group, at - self._ends[group]):
                at += 1
                if isinstance(found, DomainError):
                    yield Placed(Row(line=at, problem=found), Place(at, at), size)
                else:
                    yield Placed(Row(line=at, columns=found), Place(at, at), size)

    def _group(self, group: int, behind: int) -> Iterator[tuple[dict[str, object] | DomainError, int]]:
        """Give the rows of a group behind so many, which are passed over, each with about how many bytes it has."""
        self._process.ask(group, behind)
        while (answer := self._process.ask())[0] != "end":
            if answer[0] == "too long":
                yield RowTooLong(limit_bytes=LINE_BYTES), 0
            else:
                rows = pa.ipc.open_stream(answer[1]).read_all().to_pylist()
                yield from [(row, len(answer[1]) // len(rows)) for row in rows]
