"""Backups in the console: what there is and how far it reaches, what is wrong, one more asked for, how to restore."""

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from regulars.platform.auth.staff.permissions import Role
from regulars.platform.backups.contracts import Base, Plan
from regulars.platform.backups.folder import Line, current_line, instant_name, segment_name
from regulars.platform.backups.standing import (
    Tried,
    ask_for_base,
    look_at_backups,
    note_check,
    note_restore,
    standing_of,
    write_note,
)
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.web.site import Site
from tests.web.test_console_members import words

pytestmark = pytest.mark.anyio
PAGE = "/console/backups"
HOUR = timedelta(hours=1)


def kept(line: Line, began: datetime, first: int) -> Base:
    """Lay down a base with its first segment of the log, as the worker leaves them."""
    name = instant_name(began)
    base = Base(
        name=name, line=line.name, began_at=began, ended_at=began, size_bytes=5_000_000, system=7, timeline=1,
        first=first, last=first, release="0.1",
    )  # fmt: skip
    line.base_folder(name).mkdir()
    line.about(name).write_bytes(msgspec.json.encode(base))
    (line.wal / segment_name(1, first)).write_bytes(b"x")
    return base


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "postgres").mkdir()
    return Settings(home=tmp_path, backup_folder=tmp_path / "kept on", backup_hours=24, backup_days=7)


@pytest.fixture
async def services(database: Database, settings: Settings) -> AsyncIterator[Services]:
    made = Services(settings, database, LocalVault(settings.home / "vault"))
    yield made
    await made.drain()


def plan_in(settings: Settings) -> Plan:
    assert settings.backup_folder is not None
    return Plan(folder=settings.backup_folder, hours=24, days=7)


async def test_backups_are_listed_with_what_was_tried_and_how_to_restore(services: Services) -> None:
    site, plan, now = await Site(services).begin(), plan_in(services.settings), wall_now()
    home = services.settings.home
    async with site.browsing(Role.OWNER) as owner, site.browsing(Role.AUDITOR) as auditor:
        none = words((await owner.get(PAGE)).text)
        early = await owner.post(PAGE)
        line = current_line(plan.folder, home, now)
        old = kept(line, now - 30 * HOUR, 1)
        new = kept(line, now - HOUR, 2)
        note_check(plan, new, "")
        note_restore(plan.folder, old)
        shown = await auditor.get(PAGE)
        note_check(plan, old, "base.tar.gz is damaged")
        damaged = words((await auditor.get(PAGE)).text)
        note_check(plan, old, "")
        forbidden = await auditor.post(PAGE)
        unasked = line.wanted.exists()
        asked = await owner.post(PAGE)
        waits = words((await owner.get(PAGE)).text)
        health = words((await owner.get("/console/health")).text)

    said = words(shown.text)
    reaches = re.compile(r"Can be restored from (.*?) Until (.*?) The log")
    both, one_less = reaches.search(said), reaches.search(damaged)
    assert both is not None
    assert one_less is not None
    assert both[1] != one_less[1]  # not from what is damaged
    assert (both[2], "Damaged" in said, "Damaged" in damaged) == (one_less[2], False, True)
    assert "not one copy of this database yet" in none
    assert (early.status_code, forbidden.status_code, unasked) == (303, 403, False)
    assert all(one in said for one in (old.name, new.name, "5.0 MB", "Whole", "Restored", "every 24 hours", "7 days"))
    assert f"REGULARS_BACKUP_FOLDER='{plan.folder}' regulars restore --to {now:%Y-%m-%d}T" in shown.text.replace(
        "&#39;", "'"
    )
    assert 'data-copies="restore"' in shown.text
    assert f'action="{PAGE}"' not in shown.text
    assert (asked.status_code, line.wanted.exists()) == (303, True)
    assert "A copy is being taken" in waits
    assert "2 copies of the database" in health or "Copies 2" in health
    assert await site.rows("SELECT action, subject FROM audit_entries WHERE action = 'ask_for_backup'") == [
        ("ask_for_backup", "backups")
    ]


def test_what_is_wrong_with_backups_is_told(settings: Settings) -> None:
    plan, now = plan_in(settings), wall_now()

    def state() -> tuple[str, str]:
        found = look_at_backups(settings, plan)
        return found.state.value, str(found.remedy or "")

    assert look_at_backups(settings, None).state.value == "warning"
    own = look_at_backups(msgspec.structs.replace(settings, database_url="postgresql://db/club"), None)
    assert (own.state.value, "your own server" in str(own.said)) == ("well", True)
    line = current_line(plan.folder, settings.home, now)
    assert state() == ("warning", "A worker takes the first at its start.")
    base = kept(line, now - 27 * HOUR, 1)
    assert state()[0] == "trouble"
    assert "older than it may be" in state()[1]
    base = kept(line, now - HOUR, 2)
    assert state() == ("well", "")
    note_check(plan, base, "base.tar.gz is damaged")
    assert "found damaged" in state()[1]
    note_check(plan, base, "")
    older = standing_of(plan, settings.home).kept[-1].base
    note_check(plan, older, "base.tar.gz is damaged")
    assert state()[0] == "warning"
    assert f"Found damaged: {older.name}." in state()[1]
    note_check(plan, older, "")
    (line.wal / segment_name(1, 5)).write_bytes(b"x")
    assert "has a gap" in state()[1]
    (line.wal / segment_name(1, 5)).unlink()
    write_note(line.failed, Tried(now, "no room left"))
    assert state() == ("trouble", "The last copy could not be taken: no room left")
    line.failed.unlink()
    ask_for_base(plan, settings.home)
    assert standing_of(plan, settings.home).asked is not None
    line.about(base.name).write_text("{")
    assert state()[0] == "trouble"
