"""The erasure journal: whose keys were destroyed, one line each, in a file beside the vault that only grows.

It is written before a key is destroyed and is part of no backup that is ever restored: whatever comes back of the
database or of the vault, the keys of those who stand here are destroyed again.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec

from regulars.platform.vault.contracts import VaultBroken
from regulars.platform.vault.files import PRIVATE_FILE, sync_folder


class Erased(msgspec.Struct, frozen=True):
    """One line: a member, and when the key was destroyed (wall clock, UTC)."""

    member_id: UUID
    erased_at: datetime


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Erased).decode


class ErasureJournal:
    """One file; several processes may append to it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, erased: Iterable[Erased]) -> None:
        """Add lines, durable before this returns; what a crash left of a line goes first."""
        lines = b"".join([_encode(one) + b"\n" for one in erased])
        if not lines:
            return
        fresh = not self._path.exists()
        with self._held() as descriptor:
            whole = self._path.read_bytes().rfind(b"\n") + 1
            os.ftruncate(descriptor, whole)
            os.lseek(descriptor, whole, os.SEEK_SET)
            os.write(descriptor, lines)
            os.fsync(descriptor)
        if fresh:
            sync_folder(self._path.parent)

    def read(self) -> dict[UUID, datetime]:
        """Return whose keys were destroyed, and when first. Raises VaultBroken for a line that cannot be read."""
        if not self._path.exists():
            return {}
        found: dict[UUID, datetime] = {}
        for one in self._lines(self._path.read_bytes()):
            found.setdefault(one.member_id, one.erased_at)
        return found

    def _lines(self, content: bytes) -> Iterator[Erased]:
        *lines, _ = content.split(b"\n")  # behind the last end of a line stands nothing, or what a crash left
        for number, line in enumerate(lines, 1):
            try:
                yield _decode(line)
            except msgspec.MsgspecError as error:
                raise VaultBroken(
                    f"{self._path} cannot be read at line {number}. Mend that line: each names a member who was "
                    "erased, and nobody may be served before all of them are known."
                ) from error

    @contextmanager
    def _held(self) -> Iterator[int]:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)
