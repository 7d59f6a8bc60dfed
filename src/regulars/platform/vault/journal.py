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
from threading import Lock
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
        self._known: dict[UUID, datetime] = {}  # of the lines before `_known_to`, in the file that is `_known_as`
        self._known_to = 0
        self._known_as = 0
        self._looking = Lock()

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

    def times_of(self, member_ids: Iterable[UUID]) -> dict[UUID, datetime]:
        """Return when the keys of these were destroyed; who was not erased is left out. Raises VaultBroken.

        The file only grows: of it is read what came since it was last looked at; one that was put in its place, anew.
        """
        with self._looking:
            self._catch_up()
            return {member_id: self._known[member_id] for member_id in member_ids if member_id in self._known}

    def _catch_up(self) -> None:
        try:
            stream = self._path.open("rb")
        except FileNotFoundError:
            self._known, self._known_to = {}, 0
            return
        with stream:
            status = os.fstat(stream.fileno())
            if status.st_ino != self._known_as or status.st_size < self._known_to:
                self._known, self._known_to, self._known_as = {}, 0, status.st_ino
            stream.seek(self._known_to)
            fresh = stream.read()
        for one in self._lines(fresh):
            self._known.setdefault(one.member_id, one.erased_at)
        self._known_to += fresh.rfind(b"\n") + 1

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
