"""How the backups stand: what there is, how far it reaches, what was tried with it, and what somebody should do.

The folder is the record: who asks reads it, and needs neither the worker nor the database.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from regulars.platform.backups import store
from regulars.platform.backups.contracts import Archiving, BackupFailed, Base, Copying, Listed, Plan
from regulars.platform.backups.folder import Line, line_of, listed_in
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.health.contracts import Ago, Fact, Looked, Sentence, State
from regulars.platform.settings import Settings
from regulars.platform.texts import mark

_LATE: Final = timedelta(hours=2)  # a copy of a large database takes its time
_BEHIND: Final = timedelta(minutes=15)  # the worker writes a sign of life every few seconds


class Tried(msgspec.Struct, frozen=True):
    """What was done with a backup at an instant, and what was wrong (empty: nothing)."""

    at: datetime
    problem: str = ""


class Kept(NamedTuple):
    """One backup: how far it reaches, when its files were last compared, when it was last restored elsewhere."""

    listed: Listed
    checked: Tried | None
    restored: Tried | None

    @property
    def base(self) -> Base:
        """The copy itself."""
        return self.listed.base

    @property
    def is_damaged(self) -> bool:
        """Whether its files were found to be others than those that were written."""
        return self.checked is not None and bool(self.checked.problem)


class Standing(NamedTuple):
    """The backups, the newest first. `asked` is when somebody asked for one that is not taken yet; `failed` what
    became of the last that could not be taken; `current` names the history that the database writes now.
    """

    kept: list[Kept]
    asked: datetime | None
    failed: Tried | None
    current: str

    @property
    def newest(self) -> Kept | None:
        """The last backup of the history that the database writes now."""
        return next((one for one in self.kept if one.base.line == self.current), None)


def standing_of(plan: Plan, home: Path) -> Standing:
    """Read the folder of backups. Raises BackupFailed."""
    try:
        line = line_of(plan.folder, home)
        kept = [
            Kept(one, _note(Line(plan.folder / one.base.line).checked(one.base.name)), _note(_restored(plan, one.base)))
            for one in reversed(listed_in(plan.folder))
        ]
        asked = None if line is None else _note(line.wanted) or _note(line.taken_up)
        failed = None if line is None else _note(line.failed)
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupFailed(f"The backups in {plan.folder} cannot be read: {error}.") from error
    if failed is not None and any(one.base.ended_at > failed.at for one in kept):
        failed = None  # one was taken since
    return Standing(kept, None if asked is None else asked.at, failed, line.name if line is not None else "")


async def copying(tx: Transaction) -> Copying | None:
    """Return how the log is copied to our backups at this moment; None where the server keeps nothing for them."""
    return await store.copying(tx)


async def archiving(tx: Transaction) -> Archiving:
    """Return how a server of one's own archives its log."""
    return await store.archiving(tx)


def ask_for_base(plan: Plan, home: Path) -> None:
    """Let the worker copy the database whole as soon as it can. Raises BackupFailed while no worker has begun."""
    line = line_of(plan.folder, home)
    if line is None:
        raise BackupFailed("No worker has begun to keep backups. Start one: `regulars work`, or `regulars serve`.")
    write_note(line.wanted, Tried(wall_now()))


def write_note(path: Path, tried: Tried) -> None:
    """Write down what was done."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.touch(0o600)
    unfinished.write_bytes(msgspec.json.encode(tried))
    unfinished.rename(path)


def note_check(plan: Plan, base: Base, problem: str) -> None:
    """Write down that the files of a base were compared, where the folder can be written."""
    with suppress(OSError):
        write_note(Line(plan.folder / base.line).checked(base.name), Tried(wall_now(), problem))


def note_restore(folder: Path, base: Base) -> None:
    """Write down that a base was restored into another home, where the folder can be written."""
    with suppress(OSError):
        write_note(Line(folder / base.line).restored(base.name), Tried(wall_now()))


def _restored(plan: Plan, base: Base) -> Path:
    return Line(plan.folder / base.line).restored(base.name)


def _note(path: Path) -> Tried | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Tried)
    except FileNotFoundError:
        return None


# --- what the doctor and the console say ------------------------------------------------------------------------------


def look_at_backups(settings: Settings, plan: Plan | None) -> Looked:
    """Can the database be had back?"""
    if settings.database_url is not None:
        said = Sentence(mark("your own server's, by its own means: docs/backup.md says what it needs"))
        return Looked(name="backups", state=State.WELL, said=said)
    if plan is None:
        remedy = Sentence(mark("Name a folder on another disk in REGULARS_BACKUP_FOLDER, and start the worker anew."))
        return _looked(State.WARNING, Sentence(mark("none are kept: a lost disk loses everything")), remedy)
    try:
        found = standing_of(plan, settings.home)
    except BackupFailed as error:
        remedy = Sentence(mark("May this account read and write {folder}?"), {"folder": str(plan.folder)})
        return _looked(State.TROUBLE, Sentence(mark("cannot be read: {error}"), {"error": str(error)}), remedy)
    return _judged(found, plan)


def _judged(found: Standing, plan: Plan) -> Looked:
    newest, now = found.newest, wall_now()
    if newest is None:
        said = Sentence(mark("not one copy of this database yet"))
        return _looked(State.WARNING, said, _failed(found) or Sentence(mark("A worker takes the first at its start.")))
    facts = (
        Fact(mark("Copies"), len(found.kept)),
        Fact(mark("The last copy"), Ago(newest.base.ended_at)),
        Fact(mark("Can be restored until"), Ago(newest.listed.until)),
    )
    said = Sentence(mark("{count} copies of the database, and the log behind them"), {"count": len(found.kept)})
    state, remedy = State.WELL, None
    if now - newest.base.began_at > timedelta(hours=plan.hours) + _LATE:
        state = State.TROUBLE
        remedy = Sentence(mark("The last copy is older than it may be: does a worker run? Its log says why."))
    elif newest.listed.gap:
        state = State.TROUBLE
        remedy = Sentence(mark("The log behind the last copy has a gap. Take a copy now: `regulars backup`."))
    elif newest.checked is not None and newest.checked.problem:
        state = State.TROUBLE
        remedy = Sentence(mark("The last copy was found damaged. Take another now: `regulars backup`."))
    elif damaged := [one.base.name for one in found.kept if one.is_damaged]:
        state = State.WARNING
        remedy = Sentence(
            mark("Found damaged: {names}. Nothing is restored from there: look at its disk, and take another copy."),
            {"names": ", ".join(damaged)},
        )
    elif now - newest.listed.until > _BEHIND:
        state = State.WARNING
        remedy = Sentence(mark("The log was not copied for a while: does a worker run?"))
    if (failed := _failed(found)) is not None:
        state, remedy = State.TROUBLE, failed
    return _looked(state, said, remedy, facts)


def _failed(found: Standing) -> Sentence | None:
    if found.failed is None:
        return None
    return Sentence(mark("The last copy could not be taken: {problem}"), {"problem": found.failed.problem})


def _looked(state: State, said: Sentence, remedy: Sentence | None, facts: tuple[Fact, ...] = ()) -> Looked:
    return Looked(name="backups", state=state, said=said, remedy=remedy, facts=facts)
