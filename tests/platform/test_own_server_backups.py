"""What docs/backup.md tells of your own server does what it says: archive, copy, verify, restore to an instant."""

import os
import pwd
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from regulars.platform.embedded import binaries
from regulars.platform.embedded.wheel import server_binaries
from tests.architecture.source import ROOT

SECONDS = 30


class Server:
    """A PostgreSQL of one's own, at a socket in its folder."""

    def __init__(self, place: Path, programs: Path, user: int | None) -> None:
        self.place, self.programs, self.user = place, programs, user

    def run(self, command: str) -> None:
        """Run a line as whoever runs the server does, with the server's programs on the path."""
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        ran = subprocess.run(
            ["/bin/sh", "-ec", command], check=False, capture_output=True, text=True, cwd="/", user=self.user,
            extra_groups=None if self.user is None else [], env={"PATH": path, "HOME": str(self.place), "LC_ALL": "C"},
        )  # fmt: skip
        assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"

    def start(self, data: str, configuration: str = "") -> None:
        own = f"listen_addresses = ''\nunix_socket_directories = '{self.place}'\n{configuration}"
        with (self.place / data / "postgresql.conf").open("a") as stream:
            stream.write(own)
        where = self.place / data
        self.run(f"pg_ctl -w -t {SECONDS} -D {where} -l {self.place}/{data}.log start > {self.place}/pg_ctl.log 2>&1")

    def stop(self, data: str) -> None:
        self.run(f"pg_ctl -w -m immediate -D {self.place / data} stop > {self.place}/pg_ctl.log 2>&1")

    def ask(self, text: str) -> list[tuple[object, ...]]:
        with psycopg.connect(host=str(self.place), dbname="postgres", user="replicator", autocommit=True) as connection:
            found = connection.execute(text)
            return found.fetchall() if found.description else []


@pytest.fixture
def server() -> Iterator[Server]:
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    with TemporaryDirectory(prefix="regulars-own-") as folder:
        place = Path(folder)
        programs = binaries()
        if user is not None:
            os.chown(place, user, -1)
            programs = server_binaries(user, place / "programs")
            for name in ("pg_basebackup", "pg_verifybackup", "pg_ctl", "initdb"):
                assert (programs / name).exists(), name
        made = Server(place, programs, user)
        yield made
        for data in ("data", "restored"):
            if (place / data / "postmaster.pid").exists():
                made.stop(data)


def documented(place: Path) -> dict[str, str]:
    """Return the blocks of the page's part on your own server, by their first words, with its folders in `place`."""
    page = (ROOT / "docs" / "backup.md").read_text(encoding="utf-8")
    part = page.partition("## Your own PostgreSQL")[2].partition("\n## ")[0]
    blocks = re.findall(r"```\w+\n# ([\w. ]+?)(?:,[^\n]*)?\n(.*?)```", part, re.DOTALL)
    return {name: text.replace("/mnt/", f"{place}/").replace("-h db", f"-h {place}") for name, text in blocks}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.05)


def test_your_own_server_is_restored_to_an_instant_as_the_page_says(server: Server) -> None:
    place, said = server.place, documented(server.place)
    server.run(f"initdb -D {place}/data -U replicator -E UTF8 --auth=trust --no-sync > {place}/initdb.log")
    server.run(f"mkdir -p {place}/archive {place}/bases")
    server.start("data", said["postgresql.conf"])
    server.ask("CREATE TABLE told (n int)")
    server.ask("INSERT INTO told VALUES (1)")
    server.run(said["every night"])
    (base,) = (place / "bases").iterdir()
    server.ask("INSERT INTO told VALUES (2)")
    ((instant,),) = server.ask("SELECT clock_timestamp()")
    assert isinstance(instant, datetime)
    server.ask("INSERT INTO told VALUES (3)")
    ((last,),) = server.ask("SELECT pg_walfile_name(pg_current_wal_lsn())")
    server.ask("SELECT pg_switch_wal()")
    until((place / "archive" / str(last)).exists)
    server.stop("data")

    server.run(said["unpack a base"].replace("2026-11-23", base.name).replace("/var/lib/postgresql", str(place)))
    at = f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f+00}"
    server.start("restored", re.sub(r"'\d{4}-.*?'", f"'{at}'", said["postgresql.conf of the restored one"]))
    until(lambda: server.ask("SELECT pg_is_in_recovery()") == [(False,)])

    assert server.ask("SELECT n FROM told ORDER BY n") == [(1,), (2,)]
