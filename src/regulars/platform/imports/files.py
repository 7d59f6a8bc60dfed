"""Uploaded files: parts in a folder of the import's own, each sealed as personal data is, read as one file.

They lie in the home folder and not in the database: no backup of the database holds what a file told of a member who
was erased since.
"""

import io
import os
import shutil
import zlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import UUID

from regulars.platform.imports.contracts import Part
from regulars.platform.imports.errors import ImportExpired
from regulars.platform.vault.cipher import key_for, seal, unseal
from regulars.platform.vault.files import PRIVATE_FILE, private_folder, sync_folder

_PURPOSE: Final = "imports"


class ImportFiles:
    """The folder of uploaded files of a deployment; every process of it has the same."""

    def __init__(self, home: Path, pepper: bytes) -> None:
        self._folder = home / "imports"
        self._key = key_for(pepper, _PURPOSE)

    def write(self, job_id: UUID, part_no: int, content: bytes) -> Part:
        """Keep a part, durable before this returns. Kept under its digest, so that two writers harm nobody."""
        digest = sha256(self._key + content).hexdigest()[:32]
        folder = self._folder / job_id.hex
        private_folder(self._folder)
        private_folder(folder)
        path = folder / _name(part_no, digest)
        aside = path.with_suffix(f".{os.getpid()}.{os.urandom(4).hex()}")
        sealed = seal(self._key, zlib.compress(content, 1), member_id=job_id, field=f"part:{part_no}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(sealed)
                stream.flush()
                os.fsync(stream.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        sync_folder(folder)
        return Part(part_no, len(content), digest)

    def read(self, job_id: UUID, part: Part) -> bytes:
        """Return what a part holds. Raises ImportExpired if it is not there any more."""
        try:
            sealed = (self._folder / job_id.hex / _name(part.part_no, part.digest)).read_bytes()
        except FileNotFoundError:
            raise ImportExpired from None
        return zlib.decompress(unseal(self._key, sealed, member_id=job_id, field=f"part:{part.part_no}"))

    def seal(self, job_id: UUID, place: str, text: str) -> str:
        """Seal a text that stood in a file, bound to its place there, as the file itself is sealed."""
        return b64encode(seal(self._key, text.encode(), member_id=job_id, field=place)).decode()

    def unseal(self, job_id: UUID, place: str, sealed: str) -> str:
        """Return what `seal` sealed."""
        return unseal(self._key, b64decode(sealed), member_id=job_id, field=place).decode()

    def kept(self) -> dict[UUID, datetime]:
        """Return of which imports there are files, and when the last part of each came (wall clock)."""
        found = self._folder.iterdir() if self._folder.exists() else []
        return {UUID(one.name): datetime.fromtimestamp(one.stat().st_mtime, UTC) for one in found}

    def delete(self, job_id: UUID) -> None:
        """Delete the file of an import."""
        shutil.rmtree(self._folder / job_id.hex, ignore_errors=True)


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
        number = next(at for at, end in enumerate(self._starts[1:]) if self._at < end)
        if self._held[0] != number:
            self._held = (number, self._files.read(self._job_id, self._parts[number]))
        begin = self._at - self._starts[number]
        piece = self._held[1][begin : begin + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def _name(part_no: int, digest: str) -> str:
    return f"{part_no:06}-{digest}.part"
