"""What is said of backups."""

from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

SLOT: Final = "regulars_backup"
SEGMENT_BYTES: Final = 16 * 2**20


class BackupFailed(Exception):
    """A backup cannot be made, read or restored; the sentence says what happened and what to do."""


class BackupUnderWay(BackupFailed):
    """A base is being taken by somebody else at this moment."""


class Plan(msgspec.Struct, frozen=True):
    """Where backups go, how often a base is taken, and for how many days back any instant can be restored."""

    folder: Path
    hours: int
    days: int


class Base(msgspec.Struct, frozen=True):
    """A copy of the whole database. With the log that follows it, any instant from `ended_at` on can be restored.

    `line` is one history of one database: a restore begins another. `first` and `last` are the segments of the log
    that the copy itself needs, by number.
    """

    name: str
    line: str
    began_at: datetime
    ended_at: datetime
    size_bytes: int
    system: int
    timeline: int
    first: int
    last: int
    release: str


class Listed(msgspec.Struct, frozen=True):
    """A base, and until when the log behind it reaches without a gap (by the clock of who wrote it there)."""

    base: Base
    until: datetime
    gap: bool


class Restored(msgspec.Struct, frozen=True):
    """From which base a database was restored, to which instant; `whole`: the backups held nothing later."""

    base: str
    asked: datetime | None
    whole: bool


class Copying(NamedTuple):
    """Whether somebody copies the log at this moment, what the server says of what it keeps (`lost`: it could not
    keep all of it), and how many bytes of the log are not copied yet.
    """

    is_active: bool
    status: str
    bytes_behind: int


class Archiving(NamedTuple):
    """Whether a server archives its log by itself (`on`, `always`, `off`), when it did last, how often it failed."""

    mode: str
    last_at: datetime | None
    failures: int
    last_failed_at: datetime | None
