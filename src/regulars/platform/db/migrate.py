"""Bringing a database to the schema of this release; cheap when it is there already."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files

import psycopg

_REVISION = re.compile(r"""^(down_revision|revision)\b[^=]*=\s*(?:["'](\w+)["']|None)""", re.MULTILINE)
_LOCK = 0x52_45_47_55_4C_41_52_53  # "REGULARS"
_LOOK_AGAIN_SECONDS = 0.1


class MigrationBusy(RuntimeError):
    """Another process has been migrating this database for longer than we were told to wait."""


@cache
def head() -> str:
    """Return the newest revision that this release ships, read from the files: Alembic takes long to import."""
    revisions: set[str] = set()
    followed: set[str] = set()
    for script in files("regulars").joinpath("migrations", "versions").iterdir():
        if script.name.endswith(".py"):
            found = dict(_REVISION.findall(script.read_text(encoding="utf-8")))
            revisions.add(found["revision"])
            followed.add(found["down_revision"])
    newest = revisions - followed
    if len(newest) != 1:
        raise RuntimeError(f"the migrations do not form one line: {sorted(newest)} are followed by nothing")
    return newest.pop()


def current_revision(url: str) -> str | None:
    """Return the revision of the database; None if nothing was ever migrated. Raises psycopg.OperationalError."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
        if found is None or not found[0]:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else str(row[0])


def is_current(url: str) -> bool:
    """Say whether the database is at the schema of this release; costs one connection and two statements."""
    return current_revision(url) == head()


def migrate(url: str, *, lock_timeout_ms: int = 5000, wait_seconds: float = 300.0) -> None:
    """Bring the database to the schema of this release. Safe when several processes do so at once.

    `url` must lead to PostgreSQL itself, not through a pgbouncer. A statement that cannot get its lock within
    `lock_timeout_ms` fails, and with it the migration it belongs to; run it again. Raises MigrationBusy.
    """
    if is_current(url):
        return
    with _alone(url, wait_seconds):
        if not is_current(url):
            _upgrade(url, lock_timeout_ms)


@contextmanager
def _alone(url: str, wait_seconds: float) -> Iterator[None]:
    """Be the only one who migrates.

    The lock has a connection of its own, and is asked for again and again rather than waited for: a statement that
    waits holds a snapshot, for which CREATE INDEX CONCURRENTLY of the one who holds the lock would wait.
    """
    deadline = time.monotonic() + wait_seconds
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone() != (True,):
            if time.monotonic() > deadline:
                raise MigrationBusy("another process is still migrating this database")
            time.sleep(_LOOK_AGAIN_SECONDS)
        yield


def _upgrade(url: str, lock_timeout_ms: int, to: str = "head") -> None:
    from alembic import command  # noqa: PLC0415 - most starts find the schema at head and need none of this
    from alembic.config import Config  # noqa: PLC0415 - as above
    from sqlalchemy import create_engine, pool  # noqa: PLC0415 - as above

    def connect() -> psycopg.Connection[tuple[object, ...]]:
        connection = psycopg.connect(url)
        connection.execute("SELECT set_config('lock_timeout', %s, false)", (str(lock_timeout_ms),))
        connection.commit()
        return connection

    engine = create_engine("postgresql+psycopg://", creator=connect, poolclass=pool.NullPool)
    config = Config()
    config.set_main_option("script_location", "regulars:migrations")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        connection.commit()
