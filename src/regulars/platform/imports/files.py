"""Uploaded files: the parts of an import, read as one file."""

import io
from base64 import b64decode, b64encode
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from regulars.platform.bulk.parts import PartFiles
from regulars.platform.imports.contracts import Part
from regulars.platform.imports.errors import ImportExpired
from regulars.platform.vault.cipher import seal, unseal

_PURPOSE: Final = "imports"


class ImportFiles(PartFiles):
    """The folder of uploaded files."""

    def __init__(self, home: Path, pepper: bytes) -> None:
        super().__init__(home, pepper, _PURPOSE, ImportExpired)

    def seal(self, job_id: UUID, place: str, text: str) -> str:
        """Seal a text that stood in a file, bound to its place there, as the file itself is sealed."""
        return b64encode(seal(self._key, text.encode(), member_id=job_id, field=place)).decode()

    def unseal(self, job_id: UUID, place: str, sealed: str) -> str:
        """Return what `seal` sealed."""
        return unseal(self._key, b64decode(sealed), member_id=job_id, field=place).decode()


class SealedFile(io.RawIOBase):
    """The parts of a file as one that can be read from anywhere; one part is in memory at a time."""

    def __init__(self, files: ImportFiles, job_id: UUID, parts: Sequence[Part]) -> None:
        super().__init__()
        self._files = files
        self._job_id = job_id
        self._parts = parts
        self._starts = [0]
        for part in parts:
            self._starts.append(self._starts[-1] + part.bytes)
        self._at = 0
        self._held: tuple[int, bytes] = (-1, b"")

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self._starts[-1]

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Return where it is read next."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go somewhere."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]  # any writable buffer
        """Fill a buffer with what follows, within one part."""
        if self._at >= self.size:
            return 0
        number = bisect_right(self._starts, self._at) - 1
        if self._held[0] != number:
            part = self._parts[number]
            self._held = (number, self._files.read(self._job_id, part.part_no, part.digest))
        begin = self._at - self._starts[number]
        piece = self._held[1][begin : begin + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
