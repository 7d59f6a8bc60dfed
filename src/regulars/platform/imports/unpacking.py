"""The process that unpacks a Parquet file for another one: `python -m regulars.platform.imports.unpacking`.

Sizes in such a file may be lies, and an honest one may name a long text once and mean it a million times. So it is the
memory of this process that is bounded. It gets bytes of the file, and gives rows, through two pipes; it has no key and
no other file, and ends with whoever started it.
"""

import io
import resource
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

import msgspec
import pyarrow as pa
from pyarrow import parquet

_BATCH: Final = 1000
_HEAD: Final = struct.Struct("!I")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class Pipes:
    """Messages to and from another process, each with its length before it."""

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    def send(self, *message: Any) -> None:  # noqa: ANN401 - whatever msgpack has
        """Send a message. Raises OSError where nobody reads it."""
        content = _encode(message)
        self._outgoing.write(_HEAD.pack(len(content)) + content)
        self._outgoing.flush()

    def receive(self) -> list[Any]:
        """Return the next message. Raises EOFError where there is none."""
        (size,) = _HEAD.unpack(self._exactly(_HEAD.size))
        message: list[Any] = _decode(self._exactly(size))
        return message

    def _exactly(self, size: int) -> bytes:
        content = self._incoming.read(size)
        if len(content) < size:
            raise EOFError
        return content


class _Asked(io.RawIOBase):
    """The file, whose bytes the other process has."""

    def __init__(self, pipes: Pipes, size: int) -> None:
        super().__init__()
        self._pipes = pipes
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence] + offset)
        return self._at

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]  # any writable buffer
        self._pipes.send("read", self._at, len(buffer))
        piece: bytes = self._pipes.receive()[0]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


class _Unpacking:
    """Answers what is asked about one file."""

    def __init__(self, pipes: Pipes, size: int, group_bytes: int, row_bytes: int) -> None:
        self._row_bytes = row_bytes
        self._pieces: Iterator[pa.RecordBatch] = iter(())
        file = pa.PythonFile(io.BufferedReader(_Asked(pipes, size)), mode="r")
        self._opened = parquet.ParquetFile(file, pre_buffer=False)
        told = self._opened.metadata
        groups = [told.row_group(number) for number in range(told.num_row_groups)]
        sizes = [[one.column(at).total_uncompressed_size for at in range(one.num_columns)] for one in groups]
        if any(sum(each) > group_bytes for each in sizes):
            raise MemoryError
        self.beginning = ("opened", list(self._opened.schema_arrow.names), [one.num_rows for one in groups])

    def go_to(self, group: int, behind: int) -> tuple[Any, ...]:
        """Go on in a group of rows behind so many, which are passed over."""
        self._pieces = self._rows(group, behind)
        return ("there",)

    def next(self) -> tuple[Any, ...]:
        """Return the next rows, as a stream of Arrow; one that is too long alone, without what it holds."""
        piece = next(self._pieces, None)
        if piece is None:
            return ("end",)
        if piece.nbytes > self._row_bytes:
            return ("too long",)
        out = pa.BufferOutputStream()
        with pa.ipc.new_stream(out, piece.schema) as stream:
            stream.write_batch(piece)
        return "rows", out.getvalue().to_pybytes()

    def _rows(self, group: int, behind: int) -> Iterator[pa.RecordBatch]:
        for batch in self._opened.iter_batches(batch_size=_BATCH, row_groups=[group], use_threads=False):
            passed = min(behind, batch.num_rows)
            behind -= passed
            yield from self._cut(batch.slice(passed))

    def _cut(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Cut rows into pieces that are no larger than one row may be."""
        if not batch.num_rows:
            return
        if batch.num_rows == 1 or batch.nbytes <= self._row_bytes:
            yield batch
            return
        half = batch.num_rows // 2
        yield from self._cut(batch.slice(0, half))
        yield from self._cut(batch.slice(half))


def _bound_memory(more_bytes: int) -> None:
    """Let this process have so much more memory than it has; where that cannot be said, as much as there is."""
    sizes = Path("/proc/self/statm")
    if sizes.exists():
        limit = int(sizes.read_text().split()[0]) * resource.getpagesize() + more_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def serve(pipes: Pipes) -> None:
    """Open the file, and give rows until nobody asks any more."""
    memory_bytes, *terms = pipes.receive()
    _bound_memory(memory_bytes)
    unpacking: _Unpacking | None = None
    while True:
        try:
            if unpacking is None:
                unpacking = _Unpacking(pipes, *terms)
                answer: tuple[Any, ...] = unpacking.beginning
            else:
                asked = pipes.receive()
                answer = unpacking.go_to(*asked) if asked else unpacking.next()
        except MemoryError:
            answer = ("too large",)
        except (pa.ArrowException, OSError):
            answer = ("unreadable",)
        pipes.send(*answer)
        if unpacking is None:
            return


if __name__ == "__main__":
    pa.set_memory_pool(pa.system_memory_pool())  # another one reserves more than it needs
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    with suppress(EOFError, BrokenPipeError):
        serve(Pipes(sys.stdin.buffer, sys.stdout.buffer))
