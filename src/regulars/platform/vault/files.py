"""Secrets in files: made once, whichever process comes first, and readable by their owner only."""

import os
from pathlib import Path

from regulars.platform.vault.contracts import VaultBroken

SECRET_BYTES = 32
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def private_folder(folder: Path) -> None:
    """Make the folder, and make it private."""
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    folder.chmod(PRIVATE_FOLDER)


def secret(path: Path) -> bytes:
    """Return the secret kept at `path`; made now if there is none. Every process gets the same one."""
    if not path.exists():
        _make(path)
    content = path.read_bytes()
    if len(content) != SECRET_BYTES:
        raise VaultBroken(
            f"{path} should hold {SECRET_BYTES} bytes and holds {len(content)}; restore it from its backup"
        )
    return content


def _make(path: Path) -> None:
    """Write a fresh secret aside, then give it its name unless another process was faster; never half a file."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(os.urandom(SECRET_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            return
    finally:
        aside.unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
