"""One server for the test run, one migrated template, one database a test; what tests write lies in memory."""

import gc
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from regulars.platform.db.database import Database
from regulars.platform.db.migrate import migrate
from regulars.platform.embedded import acquire

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the folder in it is ours alone
MARK: Final = "regulars-tests-"
ROOM_BYTES: Final = 6 * 2**30  # a year of baskets in two of them, and what else is under way
LONG: Final = ("tests/year/", "tests/browser/", "tests/faults/")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let tests write in memory: each vault and each home waits for the disk a dozen times.

    What they wrote ends with the run; `--basetemp` names a folder that stays. Its processes share that of the first.
    """
    if config.option.basetemp is None:
        undone = ExitStack()
        config.add_cleanup(undone.close)
        home = undone.enter_context(home_in_memory())
        config.option.basetemp = home and str(home / "t")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes minutes: at the end of a run no core waits for another's long test.

    All tests in a browser are among it: the product and the browser that they share are started once, and ended.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_collection_finish() -> None:
    """Look for garbage as seldom as a server does: each look would pass by thousands of collected tests that stay."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, as the product does."""
    return "asyncio"


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return a connection string of the server: `TEST_DATABASE_URL`, or an embedded one that ends with the run."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        keeper(given).close()
        return
    with home_in_memory() as in_memory, acquire(in_memory or tmp_path_factory.mktemp("server")) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            # Nobody outlives this server, so nothing need survive it; what survives a crash, tests/faults prove.
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.url
        keeper(server.url).close()


@contextmanager
def home_in_memory() -> Iterator[Path | None]:
    """Give a folder in memory, if there is room: making a database of hundreds of files takes a tenth there.

    What a killed run left behind is removed by the next one.
    """
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM_BYTES:
        yield None
        return
    for left in MEMORY.glob(f"{MARK}*"):
        owner = left.name.removeprefix(MARK).partition("-")[0]
        if not Path(f"/proc/{owner}").exists():
            shutil.rmtree(left, ignore_errors=True)
    with TemporaryDirectory(prefix=f"{MARK}{os.getpid()}-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@cache
def keeper(server_url: str) -> "psycopg.Connection[tuple[Any, ...]]":
    """Return the connection by which databases are made and dropped, one for the whole run."""
    return psycopg.connect(server_url, autocommit=True)


def on(server_url: str, database: str) -> str:
    """Return the connection string of another database of the server."""
    return make_conninfo(server_url, dbname=database)


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """Return the name of a migrated database to copy."""
    name = f"template_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    migrate(on(server_url, name))
    yield name
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def fresh_database(server_url: str, template: str) -> Iterator[str]:
    """Give the connection string of a fresh, migrated database, dropped afterwards."""
    name = f"test_{uuid4().hex}"
    keeper(server_url).execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield on(server_url, name)
    keeper(server_url).execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """Return the connection string of a fresh, migrated database of the test's own."""
    with fresh_database(server_url, template) as url:
        yield url


@pytest.fixture
def second_database_url(server_url: str, template: str) -> Iterator[str]:
    """Return the connection string of another one, for tests that compare two."""
    with fresh_database(server_url, template) as url:
        yield url


@pytest.fixture
async def database(database_url: str, anyio_backend: str) -> AsyncIterator[Database]:  # noqa: ARG001 - asks for the plugin
    """Return an open database."""
    async with Database(database_url, pool_size=6) as opened:
        yield opened
