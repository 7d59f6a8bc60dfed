"""A copy of a home's keys in a folder of its own, and back: apart from the database's backups, which hold none."""

import os
import shutil
from pathlib import Path
from typing import Final

from regulars.platform.vault.contracts import VaultBroken
from regulars.platform.vault.files import PRIVATE_FILE, private_folder, sync_folder
from regulars.platform.vault.journal import Erased, ErasureJournal
from regulars.platform.vault.store import KeyFile

_VAULT, _JOURNAL, _KEYS = "vault", "vault.erasures", "keys.sqlite3"
_SECRETS: Final = ("master.key", "pepper.key")


def copy_keys(home: Path, into: Path) -> None:
    """Copy vault and erasure journal from one folder into another, both laid out as a home; others may go on writing.

    The copy of the vault replaces the one before, so a key that was destroyed is in no copy but older ones made by
    others. The journal there only grows: a line that stands in it alone stays. Raises VaultBroken.
    """
    source, target = home / _VAULT, into / _VAULT
    if not (source / _KEYS).exists():
        raise VaultBroken(f"{home} has no vault. Name a folder that holds vault and vault.erasures.")
    if (target / _SECRETS[0]).exists() and _differ(source, target):
        raise VaultBroken(f"{into} holds the keys of another deployment, and nothing was changed. Name another folder.")
    private_folder(into)
    private_folder(target)
    keys = KeyFile(source / _KEYS)
    try:
        aside = target / f".{_KEYS}.{os.getpid()}"
        aside.unlink(missing_ok=True)
        keys.copy_to(aside)
    finally:
        keys.close()
    # After the keys: who was erased meanwhile stands in the journal, and the key that was copied is destroyed by it.
    theirs = ErasureJournal(into / _JOURNAL)
    known = theirs.read()
    ours = ErasureJournal(home / _JOURNAL).read()
    theirs.append([Erased(member_id, at) for member_id, at in ours.items() if member_id not in known])
    for name in _SECRETS:
        shutil.copyfile(source / name, target / name)
        (target / name).chmod(PRIVATE_FILE)
    with aside.open("rb") as written:
        os.fsync(written.fileno())
    aside.replace(target / _KEYS)
    sync_folder(target)


def has_keys(home: Path) -> bool:
    """Say whether a folder laid out as a home holds a vault."""
    return (home / _VAULT / _KEYS).exists()


def _differ(source: Path, target: Path) -> bool:
    return any((source / name).read_bytes() != (target / name).read_bytes() for name in _SECRETS)
