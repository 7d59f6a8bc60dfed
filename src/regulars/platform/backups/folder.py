"""The folder of backups: lines of bases and log segments, what of them is needed, and what is complete.

    <folder>/<line>/bases/<name>/   base.tar.gz, pg_wal.tar.gz, backup_manifest
    <folder>/<line>/bases/<name>.json   what it is; written last, so what has none was never finished
    <folder>/<line>/wal/            segments of 16 MB; the one that is being written ends in .partial

A line is one history of one database. A restored database begins another, because its log goes on from an earlier
place than the one that was there already.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from regulars.platform.backups.contracts import SEGMENT_BYTES, Base, Listed
from regulars.platform.ids import new_id
from regulars.platform.vault.files import private_folder

PARTIAL: Final = ".partial"
MANIFEST: Final = "backup_manifest"
DATA, LOG = "base.tar.gz", "pg_wal.tar.gz"
_SEGMENTS_A_FILE: Final = 2**32 // SEGMENT_BYTES
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_CURRENT: Final = "backup-line"  # under the home's postgres/: which line this database writes


class Line:
    """The backups of one history of one database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name

    @property
    def wal(self) -> Path:
        return self.folder / "wal"

    @property
    def lock(self) -> Path:
        """Held by whoever writes the line's log."""
        return self.folder / "stream.lock"

    @property
    def wanted(self) -> Path:
        """There while somebody waits for a base that was asked for, and that nobody has begun to take."""
        return self.folder / "wanted.note"

    @property
    def taken_up(self) -> Path:
        """What was `wanted`, from when a base for it is begun until it is taken: a later wish is another one."""
        return self.folder / "taken-up.note"

    def take_up(self) -> bool:
        """Take up what is wanted; say whether anything is, be it since a worker that was killed."""
        with suppress(FileNotFoundError):
            self.wanted.replace(self.taken_up)
        return self.taken_up.exists()

    @property
    def failed(self) -> Path:
        """What became of the last base that could not be taken; gone with the next one."""
        return self.folder / "failed.note"

    def checked(self, name: str) -> Path:
        """What was found when the files of a base were last compared."""
        return self.folder / "bases" / f"{name}.checked"

    def restored(self, name: str) -> Path:
        """When a base was last restored into another home."""
        return self.folder / "bases" / f"{name}.restored"

    def base_folder(self, name: str) -> Path:
        return self.folder / "bases" / name

    def about(self, name: str) -> Path:
        """What a base is. Without it a base is none: not yet, or no more."""
        return self.folder / "bases" / f"{name}.json"

    def make(self) -> None:
        for folder in (self.folder, self.folder / "bases", self.wal):
            private_folder(folder)

    def bases(self) -> list[Base]:
        """Return the bases, the oldest first; one that is still being made is none yet."""
        abouts = (self.folder / "bases").glob("*.json")
        found = [msgspec.json.decode(about.read_bytes(), type=Base) for about in abouts]
        return sorted(found, key=lambda base: base.ended_at)

    def clear_up(self) -> None:
        """Remove what was left of bases that were broken off."""
        for folder in (self.folder / "bases").iterdir():
            if folder.is_dir() and not self.about(folder.name).exists():
                shutil.rmtree(folder)

    def segments(self, timeline: int) -> dict[int, Path]:
        """Return the log's segments by number; of one that is there twice, the complete one."""
        found: dict[int, Path] = {}
        for path in sorted(self.wal.glob("*"), reverse=True):  # what is partial comes first
            if _SEGMENT.fullmatch(path.name.removesuffix(PARTIAL)) and int(path.name[:8], 16) == timeline:
                found[_number(path.name)] = path
        return found

    def listed(self) -> list[Listed]:
        """Return the bases, the oldest first, and how far the log reaches behind each."""
        told = []
        for base in self.bases():
            segments = self.segments(base.timeline)
            end = base.last
            while end in segments and end + 1 in segments:
                end += 1
            written = _written(segments[end]) if end in segments else base.ended_at
            told.append(Listed(base, max(base.ended_at, written), gap=max(segments, default=0) > end))
        return told

    def expire(self, since: datetime, *, current: bool) -> list[str]:
        """Remove what no instant from `since` on needs; return the names of the bases that went.

        A line that is over (`current` false) is needed for as long as its log reaches beyond `since`.
        """
        listed = self.listed()
        ends = [after.base.ended_at for after in listed[1:]] + [max([one.until for one in listed], default=since)]
        gone = [one.base for one, end in zip(listed, ends, strict=True) if end <= since]
        if current and len(gone) == len(listed):
            gone = gone[:-1]
        for base in gone:
            self.about(base.name).unlink()
            self.checked(base.name).unlink(missing_ok=True)
            self.restored(base.name).unlink(missing_ok=True)
        self.clear_up()
        kept = [one.base for one in listed if one.base not in gone]
        if not kept and not current:
            shutil.rmtree(self.folder)
            return [base.name for base in gone]
        if kept:
            for number, path in self.segments(kept[0].timeline).items():
                if number < kept[0].first:
                    path.unlink(missing_ok=True)
        return [base.name for base in gone]


def lines_in(folder: Path) -> list[Line]:
    """Return every line in the folder of backups, by name: the oldest first."""
    return [Line(path.parent) for path in sorted(folder.glob("*/bases"))]


def listed_in(folder: Path) -> list[Listed]:
    """Return every base in the folder of backups, the oldest first."""
    told = [one for line in lines_in(folder) for one in line.listed()]
    return sorted(told, key=lambda one: one.base.ended_at)


def expire_in(folder: Path, current: Line, now: datetime, days: int) -> list[str]:
    """Remove what is needed for no instant of the last `days`; return the names of the bases that went."""
    since = now - timedelta(days=days)
    return [name for line in lines_in(folder) for name in line.expire(since, current=line.name == current.name)]


def line_of(folder: Path, home: Path) -> Line | None:
    """Return the line that the database of this home writes; None where it has begun none."""
    note = home / "postgres" / _CURRENT
    name = note.read_text().strip() if note.exists() else ""
    return Line(folder / name) if name and (folder / name / "bases").is_dir() else None


def current_line(folder: Path, home: Path, now: datetime, *, anew: bool = False) -> Line:
    """Return the line that the database of this home writes; begun where there is none, or `anew`.

    Its name is kept beside the database and in no backup, so a restored one has none and begins its own.
    """
    line = None if anew else line_of(folder, home)
    if line is None:
        name = f"{instant_name(now)}-{new_id().hex[-8:]}"
        line = Line(folder / name)
        line.make()
        note = home / "postgres" / _CURRENT
        unfinished = note.with_name(f".{_CURRENT}.{os.getpid()}")
        unfinished.write_text(name)
        unfinished.rename(note)
    return line


def instant_name(at: datetime) -> str:
    """Name something by an instant, so that names sort by time."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def segment_name(timeline: int, number: int) -> str:
    """Name a segment as PostgreSQL does."""
    return f"{timeline:08X}{number // _SEGMENTS_A_FILE:08X}{number % _SEGMENTS_A_FILE:08X}"


class Needed(NamedTuple):
    """Which database a base is of (a restored one is the same), its timeline, its first and last segment."""

    system: int
    timeline: int
    first: int
    last: int


def needed_by(manifest: Path) -> Needed:
    """Read what a base says of itself."""
    told = msgspec.json.decode(manifest.read_bytes())
    (log,) = told["WAL-Ranges"]
    return Needed(
        told["System-Identifier"], log["Timeline"], _segment_of(log["Start-LSN"]), _segment_of(log["End-LSN"])
    )


def sizes(folder: Path) -> Iterator[int]:
    """Return how many bytes each file in a folder takes."""
    return (path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _segment_of(position: str) -> int:
    high, low = position.split("/")
    return ((int(high, 16) << 32) | int(low, 16)) // SEGMENT_BYTES


def _number(name: str) -> int:
    return int(name[8:16], 16) * _SEGMENTS_A_FILE + int(name[16:24], 16)


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
