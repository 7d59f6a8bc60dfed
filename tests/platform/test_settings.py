"""Settings are read once, typed, and each is documented."""

import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from regulars.platform.settings import SettingError, Settings, describe_settings, load_settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert rows == [f"| `{s.variable}` | {s.type} | {s.default} | {s.meaning} |" for s in describe_settings()]


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load_settings({}) == Settings(
        home=platformdirs.user_data_path("regulars"),
        database_url=None,
        database_direct_url=None,
        host="127.0.0.1",
        port=8790,
        pool_size=10,
        batch_size=200,
        log_level="info",
        prepared_statements=True,
        body_limit_bytes=1_000_000,
        lock_timeout_ms=1_000,
    )


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load_settings({setting.variable: " " for setting in describe_settings()}) == load_settings({})


def test_every_variable_is_read() -> None:
    environ = {
        "REGULARS_HOME": "/srv/regulars",
        "DATABASE_URL": "postgresql://shop@pgbouncer/shop",
        "DATABASE_DIRECT_URL": "postgres://shop@database/shop",
        "REGULARS_HOST": "0.0.0.0",  # noqa: S104 -- a value to read back, nothing listens
        "REGULARS_PORT": "80",
        "REGULARS_POOL_SIZE": "3",
        "REGULARS_BATCH_SIZE": "1",
        "REGULARS_LOG_LEVEL": "WARNING",
        "REGULARS_PREPARED_STATEMENTS": "False",
        "REGULARS_BODY_LIMIT_BYTES": "2000000",
        "REGULARS_LOCK_TIMEOUT_MS": "250",
    }
    settings = load_settings(environ)
    assert set(environ) == {setting.variable for setting in describe_settings()}
    assert settings == Settings(
        home=Path("/srv/regulars"),
        database_url="postgresql://shop@pgbouncer/shop",
        database_direct_url="postgres://shop@database/shop",
        host="0.0.0.0",  # noqa: S104 -- as above
        port=80,
        pool_size=3,
        batch_size=1,
        log_level="warning",
        prepared_statements=False,
        body_limit_bytes=2_000_000,
        lock_timeout_ms=250,
    )


def test_work_that_nobody_waits_for_waits_longer_for_a_lock() -> None:
    patient = [
        load_settings({"REGULARS_LOCK_TIMEOUT_MS": text}).patient_lock_timeout_ms for text in ("", "250", "9000")
    ]
    assert patient == [5_000, 5_000, 9_000]


def test_the_home_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/mei")
    assert load_settings({"REGULARS_HOME": "data"}).home == tmp_path / "data"
    assert load_settings({"REGULARS_HOME": "~/shop"}).home == Path("/home/mei/shop")


@pytest.mark.parametrize(
    ("variable", "text", "sentence"),
    [
        (
            "REGULARS_PORT",
            "web",
            "REGULARS_PORT is 'web', which cannot be used. Give it a value of this kind: whole number, 1 to 65535.",
        ),
        (
            "REGULARS_PORT",
            "0",
            "REGULARS_PORT is '0', which cannot be used. Give it a value of this kind: whole number, 1 to 65535.",
        ),
        (
            "REGULARS_LOG_LEVEL",
            "loud",
            (
                "REGULARS_LOG_LEVEL is 'loud', which cannot be used. "
                "Give it a value of this kind: debug, info, warning or error."
            ),
        ),
        (
            "REGULARS_PREPARED_STATEMENTS",
            "perhaps",
            (
                "REGULARS_PREPARED_STATEMENTS is 'perhaps', which cannot be used. "
                "Give it a value of this kind: true or false."
            ),
        ),
        (
            "DATABASE_DIRECT_URL",
            "postgresql://shop@database/shop",
            (
                "DATABASE_DIRECT_URL is set, but DATABASE_URL is not. "
                "Set DATABASE_URL too, or unset both to use the embedded PostgreSQL."
            ),
        ),
    ],
)
def test_a_bad_value_names_the_variable_and_the_remedy(variable: str, text: str, sentence: str) -> None:
    with pytest.raises(SettingError) as refusal:
        load_settings({variable: text})
    assert refusal.value.variable == variable
    assert str(refusal.value) == sentence


def test_a_bad_url_is_not_repeated_because_it_may_hold_a_password() -> None:
    with pytest.raises(SettingError) as refusal:
        load_settings({"DATABASE_URL": "mysql://shop:secret@database/shop"})
    assert str(refusal.value) == (
        "DATABASE_URL is not a PostgreSQL URL. Write it as postgresql://user:password@host:5432/database."
    )


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        setattr(load_settings({}), "port", 1)  # noqa: B010 -- mypy rightly refuses the plain assignment


def test_reading_settings_imports_nothing_heavy() -> None:
    source = "import sys, regulars.platform.settings; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", source], check=True, capture_output=True, text=True).stdout.split()
    assert not {"sqlalchemy", "psycopg", "litestar", "asyncio"} & set(loaded)
