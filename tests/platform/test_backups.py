"""What of the backups is needed, what is complete, and keys that are copied apart from them."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from regulars.platform.backups.contracts import BackupFailed, Base
from regulars.platform.backups.folder import Line, current_line, expire_in, listed_in, segment_name
from regulars.platform.backups.restoring import choose
from regulars.platform.vault.contracts import VaultBroken
from regulars.platform.vault.copying import copy_keys
from regulars.platform.vault.local import LocalVault

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MEI, BO = UUID(int=1), UUID(int=2)


def base_on(line: Line, day: int, first: int) -> str:
    """Note a base taken at noon of a day of November, whose log begins with a segment."""
    at = NOON.replace(day=day)
    base = Base(
        name=f"{line.name}-{day}", line=line.name, began_at=at, ended_at=at, size_bytes=1, system=7, timeline=1,
        first=first, last=first, release="0.1.0",
    )  # fmt: skip
    line.base_folder(base.name).mkdir()
    line.about(base.name).write_bytes(msgspec.json.encode(base))
    return base.name


def log_on(line: Line, day: int, number: int, *, partial: bool = False) -> Path:
    """Leave a segment of the log that was written last an hour after noon of a day of November."""
    path = line.wal / (segment_name(1, number) + (".partial" if partial else ""))
    path.touch()
    at = (NOON.replace(day=day) + timedelta(hours=1)).timestamp()
    os.utime(path, (at, at))
    return path


def line_in(folder: Path, name: str) -> Line:
    """Begin a line."""
    line = Line(folder / name)
    line.make()
    return line


def test_segments_are_named_as_postgresql_names_them() -> None:
    assert segment_name(1, 2) == "000000010000000000000002"
    assert segment_name(10, 256 + 15) == "0000000A000000010000000F"


def test_a_base_goes_when_no_instant_of_the_time_to_keep_needs_it(tmp_path: Path) -> None:
    over, current = line_in(tmp_path, "a"), line_in(tmp_path, "b")
    base_on(over, 1, first=0)
    log_on(over, 2, 0)
    for day in (3, 4, 5, 6):
        base_on(current, day, first=day)
        log_on(current, day, day)
    broken_off = current.base_folder("broken-off")
    broken_off.mkdir()
    # What is to be had are the days from noon of the 5th: the 5th's own base serves them, those before serve none.
    assert expire_in(tmp_path, current, NOON.replace(day=10), days=5) == ["a-1", "b-3", "b-4"]
    assert [one.base.name for one in listed_in(tmp_path)] == ["b-5", "b-6"]
    assert sorted(path.name for path in current.wal.iterdir()) == [segment_name(1, 5), segment_name(1, 6)]
    assert not over.folder.exists(), "a line that is over, and of which nothing is needed, goes as a whole"
    assert not broken_off.exists()


def test_the_last_base_of_the_database_in_use_stays_however_old(tmp_path: Path) -> None:
    line = line_in(tmp_path, "a")
    name = base_on(line, 1, first=1)
    assert expire_in(tmp_path, line, NOON.replace(day=30), days=1) == []
    assert [one.base.name for one in listed_in(tmp_path)] == [name]


def test_an_instant_is_restored_from_the_newest_base_before_it_and_not_across_a_gap(tmp_path: Path) -> None:
    line = line_in(tmp_path, "a")
    first, second = base_on(line, 1, first=1), base_on(line, 4, first=5)
    for day, number in ((1, 1), (2, 2), (4, 5)):
        log_on(line, day, number)
    log_on(line, 5, 6, partial=True)
    assert choose(tmp_path, NOON.replace(day=2), None).name == first
    assert choose(tmp_path, NOON.replace(day=4), None).name == second
    assert choose(tmp_path, None, None).name == second
    with pytest.raises(BackupFailed, match="has a gap: it reaches to 2026-11-02T13:00:00"):
        choose(tmp_path, NOON.replace(day=3), None)
    with pytest.raises(BackupFailed, match="the first instant that can be restored is 2026-11-01T12:00:00"):
        choose(tmp_path, NOON - 30 * DAY, None)
    with pytest.raises(BackupFailed, match="has a gap"):
        choose(tmp_path, None, first)


def test_a_home_writes_one_line_and_a_restored_one_another(tmp_path: Path) -> None:
    folder, home, restored = tmp_path / "backups", tmp_path / "home", tmp_path / "restored"
    for place in (home, restored):
        (place / "postgres").mkdir(parents=True)
    line = current_line(folder, home, NOON)
    assert current_line(folder, home, NOON + DAY).name == line.name
    assert (
        len({line.name, current_line(folder, restored, NOON).name, current_line(folder, home, NOON, anew=True).name})
        == 3
    )


async def test_keys_are_copied_and_the_journal_there_only_grows(tmp_path: Path) -> None:
    home, copy = tmp_path / "home", tmp_path / "copy"
    vault = LocalVault(home / "vault")
    made = await vault.make_keys([MEI, BO])
    copy_keys(home, copy)
    await vault.destroy(MEI)
    copy_keys(home, copy)
    vault.close()
    copied = LocalVault(copy / "vault")
    assert copied.fingerprint == vault.fingerprint
    assert await copied.keys_of([MEI, BO]) == {BO: made[BO]}
    assert set(await copied.erased()) == {MEI}
    await copied.destroy(BO)
    copied.close()
    copy_keys(home, copy)
    again = LocalVault(copy / "vault")
    assert await again.keys_of([MEI, BO]) == {}, "whom the journal there knows alone stays erased"
    again.close()


async def test_keys_never_replace_those_of_another_deployment(tmp_path: Path) -> None:
    for name in ("home", "other"):
        LocalVault(tmp_path / name / "vault").close()
    before = (tmp_path / "other" / "vault" / "master.key").read_bytes()
    with pytest.raises(VaultBroken, match="the keys of another deployment"):
        copy_keys(tmp_path / "home", tmp_path / "other")
    assert (tmp_path / "other" / "vault" / "master.key").read_bytes() == before
    with pytest.raises(VaultBroken, match="has no vault"):
        copy_keys(tmp_path / "nowhere", tmp_path / "copy")
