"""Files of jobs: parts in a folder of the job's own, each sealed as personal data is.

They lie in the home folder and not in the database: no backup of the database holds what a file told of a member who
was erased since.
"""

import os
import shutil
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from regulars.platform.errors import DomainError
from regulars.platform.vault.cipher import key_for, seal, unseal
from regulars.platform.vault.files import PRIVATE_FILE, private_folder, sync_folder


class PartFiles:
    """A folder of files of a deployment; every process of it has the same. `missing` is what is not there any more."""

    def __init__(self, home: Path, pepper: bytes, purpose: str, missing: type[DomainError]) -> None:
        self._folder = home / purpose
        self._key = key_for(pepper, purpose)
        self._missing = missing

    def write(self, job_id: UUID, part_no: int, content: bytes) -> str:
        """Keep a part, durable before this returns, under its digest: two writers harm nobody. Returns the digest."""
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
        return digest

    def read(self, job_id: UUID, part_no: int, digest: str) -> bytes:
        """Return what a part holds. Raises what says that it is not there any more."""
        try:
            sealed = (self._folder / job_id.hex / _name(part_no, digest)).read_bytes()
        except FileNotFoundError:
            raise self._missing from None
        return zlib.decompress(unseal(self._key, sealed, member_id=job_id, field=f"part:{part_no}"))

    def keep_only(self, job_id: UUID, parts: Iterable[tuple[int, str]]) -> None:
        """Delete what lies beside these parts, by number and digest: what somebody left who was killed."""
        folder, named = self._folder / job_id.hex, {_name(part_no, digest) for part_no, digest in parts}
        for path in folder.iterdir() if folder.exists() else ():
            if path.name not in named:
                path.unlink(missing_ok=True)

    def kept(self) -> dict[UUID, datetime]:
        """Return of which jobs there are files, and when the last part of each came (wall clock)."""
        found = self._folder.iterdir() if self._folder.exists() else []
        return {UUID(one.name): datetime.fromtimestamp(one.stat().st_mtime, UTC) for one in found}

    def delete(self, job_id: UUID) -> None:
        """Delete the file of a job."""
        shutil.rmtree(self._folder / job_id.hex, ignore_errors=True)


def _name(part_no: int, digest: str) -> str:
    return f"{part_no:06}-{digest}.part"
