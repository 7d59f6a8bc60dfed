"""Taking a base, and looking whether one is whole: the wheel's own programs do both."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec

from regulars.platform.backups.contracts import BackupFailed, BackupUnderWay, Base, Plan
from regulars.platform.backups.folder import (
    MANIFEST,
    Line,
    current_line,
    expire_in,
    instant_name,
    listed_in,
    needed_by,
    sizes,
)
from regulars.platform.clock import wall_now
from regulars.platform.embedded import EmbeddedServer, binaries
from regulars.platform.embedded.cluster import ENVIRONMENT
from regulars.platform.embedded.supervisor import open_lock, try_lock
from regulars.platform.vault.files import sync_folder

_LAST_LINES = 5


def take_base(server: EmbeddedServer, home: Path, plan: Plan) -> Base:
    """Copy the whole database while it goes on, then remove what is not needed any more. Raises BackupFailed.

    The copy is complete in itself: it can be restored to its end also when nobody wrote the log behind it.
    """
    try:
        line = current_line(plan.folder, home, wall_now())
        lock = open_lock(line.folder / "base.lock")
    except OSError as error:
        raise BackupFailed(
            f"Backups cannot be kept in {plan.folder}: {error}. Put that right, or name another folder in "
            "REGULARS_BACKUP_FOLDER."
        ) from error
    with open(lock, closefd=True):  # noqa: PTH123 -- closes the descriptor, and with it the lock
        if not try_lock(lock, fcntl.LOCK_EX):
            raise BackupUnderWay("A backup is being taken at this moment. Wait for its end.")
        base = _taken(server, plan.folder, line)
        expire_in(plan.folder, line, base.ended_at, plan.days)
        return base


def _taken(server: EmbeddedServer, folder: Path, line: Line) -> Base:
    line.clear_up()
    began = wall_now()
    name = instant_name(began)
    where = line.base_folder(name)
    command = server.client("pg_basebackup")
    form = ("--format=tar", "--compress=client-gzip:1", "--wal-method=stream", "--checkpoint=fast", "--no-password")
    run_program([*command, *form, "--label", name, "-D", str(where)], "The backup was not taken")
    needed = needed_by(where / MANIFEST)
    if any(one.base.system != needed.system for one in listed_in(folder)):
        shutil.rmtree(where)
        raise BackupFailed(
            f"{folder} holds backups of another database. Name a folder of its own in REGULARS_BACKUP_FOLDER."
        )
    base = Base(
        name=name,
        line=line.name,
        began_at=began,
        ended_at=wall_now(),
        size_bytes=sum(sizes(where)),
        system=needed.system,
        timeline=needed.timeline,
        first=needed.first,
        last=needed.last,
        release=version("regulars"),
    )
    aside = line.about(f".{name}").with_suffix("")
    with aside.open("wb") as stream:
        stream.write(msgspec.json.encode(base))
        stream.flush()
        os.fsync(stream.fileno())
    aside.rename(line.about(name))
    sync_folder(aside.parent)
    return base


def check_base(folder: Path, base: Base) -> None:
    """Compare every file of a base with what was noted when it was taken. Raises BackupFailed."""
    where = Line(folder / base.line).base_folder(base.name)
    # The log in it is compared like every file; `pg_verifybackup` cannot read it as a log where it is packed.
    command = [str(binaries() / "pg_verifybackup"), "--no-parse-wal", "--quiet", "--format=tar", str(where)]
    run_program(command, f"The backup {base.name} is damaged")


def run_program(command: Sequence[str], what: str) -> None:
    """Run one of PostgreSQL's programs to its end. Raises BackupFailed with what it said last."""
    ran = subprocess.run(command, check=False, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True)
    if ran.returncode != 0:
        said = " ".join(ran.stderr.decode(errors="replace").splitlines()[-_LAST_LINES:])
        raise BackupFailed(f"{what}: {said or f'exit code {ran.returncode}'}")
