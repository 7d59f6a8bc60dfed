"""`regulars doctor` finds each thing that was made wrong, says the remedy, in both languages, and fails for trouble."""

import json
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest

from regulars.entrypoints.doctor import Examined, embedded, examine, told
from regulars.entrypoints.wiring import Place
from regulars.platform.clock import wall_now
from regulars.platform.db.migrate import head
from regulars.platform.health import rules
from regulars.platform.health.contracts import State, Storage
from regulars.platform.health.surroundings import look_at_settings
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.entrypoints.commands import run

pytestmark = pytest.mark.anyio


@dataclass
class Deployment:
    """What the doctor is led to; a planted fault changes it."""

    settings: Settings
    database_url: str
    environ: dict[str, str] = field(default_factory=dict)

    def do(self, statement: str, *parameters: object) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(statement, parameters)

    async def found(self, language: str = "en") -> dict[str, Examined]:
        place = Place(self.database_url, self.database_url)
        looking = examine(self.settings, place, language=language, environ=self.environ)
        return {one.name: one async for one in looking}


def plant(made: Deployment) -> None:
    """Make everything wrong at once."""
    home = made.settings.home
    (home / "vault").mkdir(parents=True, mode=0o700)
    (home / "vault" / "master.key").touch(0o644)
    home.chmod(0o777)
    old = wall_now() - timedelta(hours=2)
    made.do("INSERT INTO outbox (event_id, type, recorded_at, payload) VALUES (gen_random_uuid(), 'Odd', now(), '{}')")
    made.do(
        "INSERT INTO parked_events (handler, seq, reader, state, attempts, error, parked_at)"
        " SELECT 'a.handler', seq, 'reactions', 'parked', 8, 'Broken', now() FROM outbox"
    )
    made.do("INSERT INTO procrastinate_jobs (task_name, queue_name, status) VALUES ('t', 'default', 'todo')")
    made.do("UPDATE procrastinate_events SET at = %s", old)
    made.do(
        "INSERT INTO audit_entries (actor, action, subject, reason, request_id, detail, written_at)"
        " VALUES ('key:ak_1', 'a', 's', '', '', '', %s)",
        old,
    )
    made.do(
        "INSERT INTO webhook_endpoints (endpoint_id, url, description, types, state, disabled_for, disabled_at,"
        " created_at, sealed_secret)"
        " VALUES (gen_random_uuid(), 'https://x.example', '', '{}', 'disabled', 'failing', now(), now(), '\\x00')"
    )


# What is found, how grave it is, and what its remedy speaks of.
PLANTED = {
    "settings": ("warning", "REGULARS_PORT may be meant"),
    "home": ("trouble", "chmod go-w"),
    "vault": ("trouble", "chmod -R go="),
    "proxies": ("warning", "REGULARS_TRUSTED_PROXIES"),
    "worker": ("warning", "regulars work"),
    "queues": ("trouble", "regulars parked list"),
    "jobs": ("trouble", "The oldest job has waited for 72"),
    "audit log": ("warning", "the oldest entry has waited for 72"),
    "connections": ("warning", "REGULARS_POOL_SIZE to"),
    "webhooks": ("warning", "1 webhooks were disabled"),
    "books": ("warning", "regulars verify"),
    "programme": ("trouble", "regulars configure FILE"),
}


async def test_each_thing_that_was_made_wrong_is_found(database_url: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", pool_size=500, public_url="https://club.example", smtp_host="m.example")
    made = Deployment(settings, database_url, {"REGULARS_POTR": "1", "REGULARS_HOME": "x"})
    plant(made)
    found = await made.found()

    assert {name: (found[name].state, remedy in found[name].remedy) for name, (_, remedy) in PLANTED.items()} == {
        name: (state, True) for name, (state, _) in PLANTED.items()
    }
    assert all(one.ok == (one.state != "trouble") for one in found.values())
    assert all(bool(one.remedy) == (one.state != "well") for one in found.values())
    assert all(one.remedy.startswith("Warning: ") == (one.state == "warning") for one in found.values() if one.remedy)
    assert {name for name, one in found.items() if one.state == "well"} >= {"schema", "version", "clock", "disk"}
    chinese = await made.found("zh")
    assert {name: one.state for name, one in chinese.items()} == {name: one.state for name, one in found.items()}
    silent = [one.name for one in chinese.values() if one.remedy.isascii() and one.remedy and "chmod" not in one.remedy]
    assert silent == []


@pytest.mark.parametrize(
    ("wrong", "state", "remedy"),
    [
        ({"encoding": "SQL_ASCII"}, "trouble", "ENCODING 'UTF8'"),
        ({"syncs": False, "waits_for_disk": False}, "warning", "fsync, synchronous_commit is off"),
        ({"writes_whole_pages": False}, "warning", "full_page_writes is off"),
        ({"vacuums": False}, "warning", "autovacuum is off"),
        ({"has_new_collation": True}, "warning", "REINDEX DATABASE"),
        ({}, "well", ""),
    ],
)
def test_what_may_be_lost_is_told(wrong: dict[str, Any], state: str, remedy: str) -> None:
    well = Storage("UTF8", "C.UTF-8", False, True, True, True, True)
    judged, said = rules.storage_judged(well._replace(**wrong))

    assert (judged, remedy in str(said or "")) == (State(state), True)


@pytest.mark.parametrize(
    ("settings", "environ", "state", "remedy"),
    [
        (Settings(worker_metrics_port=9791, worker_metrics_host="0.0.0.0"), {}, "warning", "inside your network"),  # noqa: S104 - nothing listens
        (Settings(development=True, public_url="https://a.example"), {}, "warning", "read sign-in codes"),
        (Settings(), {"REGULARS_ZZZZZZ": "1"}, "warning", "docs/settings.md"),
        (Settings(), {"REGULARS_PORT": "80", "PATH": "/bin"}, "well", ""),
    ],
)
def test_settings_that_contradict_are_told(
    settings: Settings, environ: dict[str, str], state: str, remedy: str
) -> None:
    found = look_at_settings(settings, environ, "here")

    assert (found.state, remedy in str(found.remedy or "")) == (State(state), True)


def test_a_server_that_nobody_starts_again_and_a_disk_that_is_full() -> None:
    assert (told(embedded(is_supervised=True)).ok, told(embedded(is_supervised=False)).ok) == (True, False)
    assert [rules.disk_judged(free, 10**12) for free in (10**8, 10**9, 10**11)] == [
        State.TROUBLE, State.WARNING, State.WELL,
    ]  # fmt: skip


@pytest.fixture(params=[0o700, 0o755], ids=["closed", "read-only"])
def home_of_root(request: pytest.FixtureRequest) -> Iterator[tuple[Path, str]]:
    """A home where anybody can reach it, with a vault, which nobody but root may write; what is found of the vault."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with TemporaryDirectory(prefix="regulars-home-") as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        (home / "vault").mkdir(parents=True, mode=0o700)
        home.chmod(request.param)
        yield home, "trouble" if request.param == 0o700 else "well"


async def test_a_home_that_is_another_accounts_is_told(home_of_root: tuple[Path, str]) -> None:
    (home, vault), nobody = home_of_root, pwd.getpwnam("nobody").pw_uid
    os.seteuid(nobody)
    try:
        found = await looked_until_backups(Settings(home=home))
    finally:
        os.seteuid(0)
    own = await looked_until_backups(Settings(home=home))

    assert (found["home"].state, f"chown -R {nobody} '{home}'" in found["home"].remedy) == ("trouble", True)
    assert found["vault"].state == vault
    assert (own["home"].state, own["vault"].state) == ("well", "well")
    assert (found["backups"].state, "REGULARS_BACKUP_FOLDER" in found["backups"].remedy) == ("warning", True)


async def looked_until_backups(settings: Settings) -> dict[str, Examined]:
    """Return what is found before the database is asked."""
    found: dict[str, Examined] = {}
    nowhere = "postgresql://nobody@127.0.0.1:9/nowhere"
    async for one in examine(settings, Place(nowhere, nowhere), environ={}):
        found[one.name] = one
        if one.name == "backups":
            break
    return found


async def test_a_database_that_is_away_or_behind_is_told(database_url: str, tmp_path: Path) -> None:
    away = Deployment(Settings(home=tmp_path), "postgresql://nobody@127.0.0.1:9/nowhere")
    found = (await away.found("zh"))["database"]
    assert (found.ok, "DATABASE_URL" in found.remedy) == (False, True)

    behind = Deployment(Settings(home=tmp_path), database_url)
    behind.do("UPDATE alembic_version SET version_num = '0001'")
    told_of = await behind.found()
    assert (told_of["schema"].ok, head() in told_of["schema"].said, "queues" in told_of) == (False, True, False)


async def test_members_whose_keys_are_elsewhere_are_told(database_url: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = Deployment(Settings(home=home), database_url)
    assert ((await made.found())["keys"].state, (home / "vault").exists()) == ("well", False)

    vault = LocalVault(home / "vault")
    made.do("INSERT INTO member_vault (only_row, fingerprint) VALUES (1, %s)", vault.fingerprint)
    vault.close()
    assert (await made.found())["keys"].state == "well"

    (home / "vault").rename(home / "away")
    lost = (await made.found())["keys"]
    assert (lost.state, "docs/backup.md" in lost.remedy, (home / "vault").exists()) == ("trouble", True, False)
    LocalVault(home / "vault").close()
    assert (await made.found())["keys"].state == "trouble"


def test_the_command_tells_a_setting_that_cannot_be_used(environment: dict[str, str]) -> None:
    ill = run({**environment, "REGULARS_PORT": "eighty"}, "doctor", "--json")
    told_of = json.loads(ill.stdout)
    assert (ill.returncode, told_of["ok"]) == (1, False)
    assert [(one["name"], one["state"]) for one in told_of["examined"]] == [("settings", "trouble")]
    assert "REGULARS_PORT" in told_of["examined"][0]["said"]

    chinese = json.loads(run(environment, "doctor", "--json", "--lang", "zh").stdout)
    assert {one["name"]: one["said"] for one in chinese["examined"]}["proxies"] == "不信任任何代理"
