"""SQL of the local vault: wrapped keys in one SQLite file, safe for several processes and for a power cut."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID
from weakref import finalize

from regulars.platform.errors import TemporarilyUnavailable
from regulars.platform.vault.contracts import VaultBroken
from regulars.platform.vault.files import PRIVATE_FILE, sync_folder

BUSY_SECONDS = 30.0
_PASSING = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY}

# `wrapped` is NULL once the key is destroyed: the row keeps the key from being made again.
CREATE_KEYS = """
CREATE TABLE IF NOT EXISTS member_keys (member_id BLOB PRIMARY KEY, wrapped BLOB, destroyed_at TEXT) WITHOUT ROWID
"""
CREATE_DESTROYED = "CREATE INDEX IF NOT EXISTS destroyed ON member_keys (member_id) WHERE wrapped IS NULL"
SELECT_DESTROYED = "SELECT member_id, destroyed_at FROM member_keys WHERE wrapped IS NULL"
SELECT_KEY = "SELECT wrapped FROM member_keys WHERE member_id = ?"
INSERT_KEY = "INSERT INTO member_keys (member_id, wrapped) VALUES (?, ?) ON CONFLICT DO NOTHING"
DESTROY_KEY = """
INSERT INTO member_keys (member_id, wrapped, destroyed_at) VALUES (?, NULL, ?)
ON CONFLICT (member_id) DO UPDATE SET wrapped = NULL, destroyed_at = excluded.destroyed_at WHERE wrapped IS NOT NULL
"""


class KeyFile:
    """One connection to the file. SQLite serialises its use by several threads."""

    def __init__(self, path: Path) -> None:
        fresh = not path.exists()
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE))  # SQLite's own would follow the umask
        self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        finalize(self, self._connection.close)  # whoever forgets to close it leaves nothing open
        run = self._connection.execute
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        run("PRAGMA secure_delete = ON")  # what is destroyed is overwritten, not only forgotten
        run(CREATE_KEYS)
        run(CREATE_DESTROYED)
        if fresh:
            sync_folder(path.parent)

    def wrapped_keys(self, member_ids: Iterable[UUID]) -> dict[UUID, bytes]:
        """Return the wrapped keys that exist and are not destroyed."""
        found: dict[UUID, bytes] = {}
        for member_id in member_ids:
            row = self._connection.execute(SELECT_KEY, (member_id.bytes,)).fetchone()
            if row is not None and row[0] is not None:
                found[member_id] = row[0]
        return found

    def insert_keys(self, wrapped: dict[UUID, bytes]) -> None:
        """Store keys for members without any row, in one durable transaction. Raises TemporarilyUnavailable."""
        with _room():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(INSERT_KEY, [(member_id.bytes, key) for member_id, key in wrapped.items()])
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite may have ended it itself
                    self._connection.execute("ROLLBACK")
                raise

    def destroy_key(self, member_id: UUID, at: str) -> None:
        """Overwrite the key, also in the write-ahead log."""
        self._connection.execute(DESTROY_KEY, (member_id.bytes, at))
        (busy, _, _) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise VaultBroken("a destroyed key is still in the vault's log, because others keep reading; try again")

    def destroyed(self) -> dict[UUID, str]:
        """Return whose keys were destroyed, and when."""
        return {UUID(bytes=member_id): at for member_id, at in self._connection.execute(SELECT_DESTROYED)}

    def copy_to(self, path: Path) -> None:
        """Write all of it into a file of its own, as it is at one instant, while others write."""
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
        with closing(sqlite3.connect(path)) as copy:
            self._connection.backup(copy)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def _room() -> Iterator[None]:
    """Say that it cannot be done now where a disk is full or does not answer: nothing was written."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in _PASSING:  # what is above the lowest byte tells more of the same
            raise TemporarilyUnavailable from error
        raise
