"""A database as it was at an instant, in a home that has none yet."""

import shutil
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from regulars.platform.backups import store
from regulars.platform.backups.contracts import SEGMENT_BYTES, BackupFailed, Base, Restored
from regulars.platform.backups.folder import DATA, LOG, Line, listed_in, segment_name
from regulars.platform.backups.standing import note_restore
from regulars.platform.backups.taking import check_base
from regulars.platform.db.database import Database
from regulars.platform.embedded import EmbeddedError, EmbeddedServer, acquire
from regulars.platform.embedded.cluster import open_place, put_cluster
from regulars.platform.vault.files import PRIVATE_FILE

_PATIENCE_SECONDS: Final = 48 * 3600.0  # a day's log may take hours to be carried out again
_ENDED_BEFORE: Final = "recovery ended before configured recovery target was reached"

# The log lies where the server looks for it by itself, so there is nothing to fetch. Nobody is let in before the end.
_RECOVERY: Final = """\
restore_command = 'false'
hot_standby = off
recovery_target_action = 'promote'
"""


def choose(folder: Path, to: datetime | None, name: str | None) -> Base:
    """Return the newest base from which an instant can be restored, or the one that is named. Raises BackupFailed."""
    listed = listed_in(folder)
    if not listed:
        raise BackupFailed(f"There is no backup in {folder}. Name the folder in REGULARS_BACKUP_FOLDER.")
    if name is not None:
        found = [one for one in listed if one.base.name == name]
        if not found:
            raise BackupFailed(f"There is no backup {name} in {folder}. `regulars backup list` names them.")
    else:
        found = listed
    if to is not None:
        found = [one for one in found if one.base.ended_at <= to]
        if not found:
            raise BackupFailed(
                f"No backup reaches back to {to.astimezone(UTC).isoformat()}: the first instant that can be restored "
                f"is {listed[0].base.ended_at.isoformat()}."
            )
    chosen = found[-1]
    if chosen.gap and (to is None or to > chosen.until):
        raise BackupFailed(
            f"The log behind the backup {chosen.base.name} has a gap: it reaches to {chosen.until.isoformat()}. "
            "Restore to an instant before that, or put the missing segments back."
        )
    return chosen.base


def restore(folder: Path, base: Base, home: Path, to: datetime | None) -> tuple[EmbeddedServer, Restored]:
    """Put the database as it was at `to` (None: as late as the backups know) into a home; return it, serving.

    Everything committed up to that instant is in it, and nothing after, by the clock of the server that committed.
    Raises BackupFailed, EmbeddedError.
    """
    check_base(folder, base)
    place = open_place(home)
    put_cluster(place, _filling(Line(folder / base.line), base))
    target = "" if to is None else f"recovery_target_time = '{to.astimezone(UTC).isoformat()}'\n"
    try:
        place.recovery.write_text(_RECOVERY + target)
        try:
            server, whole = acquire(home, _PATIENCE_SECONDS), to is None
        except EmbeddedError:
            if to is None or _ENDED_BEFORE not in place.log.read_text(errors="replace"):
                raise
            # Nothing was committed at or after the instant, as far as the backups know: so everything is before it.
            place.recovery.write_text(_RECOVERY)
            server, whole = acquire(home, _PATIENCE_SECONDS), True
    finally:
        place.recovery.unlink(missing_ok=True)
    note_restore(folder, base)
    return server, Restored(base=base.name, asked=to, whole=whole)


async def last_change(database: Database) -> datetime | None:
    """Return when the last of what a restore carried out again was committed; None if there was nothing."""
    async with database.transaction() as tx:
        return await store.last_change(tx)


def _filling(line: Line, base: Base) -> Callable[[Path], None]:
    def fill(unfinished: Path) -> None:
        packed = line.base_folder(base.name)
        log = unfinished / "pg_wal"
        try:
            for name, into in ((DATA, unfinished), (LOG, log)):
                with tarfile.open(packed / name) as archive:
                    archive.extractall(into, filter="data")
            for number, segment in line.segments(base.timeline).items():
                if number >= base.first:
                    _put_segment(segment, log / segment_name(base.timeline, number))
            for history in line.wal.glob("*.history"):
                _put(history, log / history.name)
            (unfinished / "recovery.signal").touch(mode=PRIVATE_FILE)
        except (OSError, tarfile.TarError) as error:
            raise BackupFailed(
                f"The backup {base.name} cannot be unpacked: {error}. Nothing was left behind."
            ) from error

    return fill


def _put_segment(segment: Path, into: Path) -> None:
    """Put a segment of the log in its place, unless the base brought more of it along."""
    if into.exists() and _filled(into) >= _filled(segment):
        return
    _put(segment, into)


def _put(file: Path, into: Path) -> None:
    shutil.copyfile(file, into)
    into.chmod(PRIVATE_FILE)


def _filled(segment: Path) -> int:
    """How much of a segment was written; the rest is zeros."""
    return len(segment.read_bytes().ljust(SEGMENT_BYTES, b"\0").rstrip(b"\0"))
