"""Join the embedded PostgreSQL of a home: started by the first user, stopped when the last is gone."""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from regulars.platform.embedded import supervisor
from regulars.platform.embedded.cluster import (
    DATABASE,
    ENVIRONMENT,
    PORT,
    ROLE,
    Account,
    Place,
    open_place,
    prepare_cluster,
    server_account,
)
from regulars.platform.embedded.errors import EmbeddedError, StillStarting
from regulars.platform.embedded.readiness import NO_DATABASE, SERVES, ask
from regulars.platform.embedded.supervisor import is_ready, lock_within, open_lock, try_lock
from regulars.platform.embedded.wheel import binaries

START_SECONDS = 300  # a recovery after a crash may take long
STOP_SECONDS = 120
_KILLED_STARTS = 3
_LOG_LINES = 20


@dataclass(slots=True)
class EmbeddedServer:
    """One process's share in the embedded PostgreSQL. While it is held, the server runs.

    A forked child shares it: the share ends when both have released it or ended.
    """

    place: Place
    _users: int | None = field(repr=False)

    @property
    def url(self) -> str:
        """Where to connect, as a libpq URL. It stays the same for the same home."""
        directory = quote(str(self.place.socket_directory), safe="")
        return f"postgresql://{ROLE}@/{DATABASE}?host={directory}&port={PORT}"

    def client(self, program: str) -> list[str]:
        """The beginning of a command that runs one of the wheel's programs on this server."""
        address = ("-h", str(self.place.socket_directory), "-p", str(PORT), "-U", ROLE)
        return [str(binaries() / program), *address]

    def is_supervised(self) -> bool:
        """Say whether somebody keeps the server running; if not, `ensure` brings it back. Takes microseconds."""
        return _is_supervised(self.place)

    def ensure(self, patience: float = START_SECONDS) -> None:
        """Return when the server serves; start it if it does not. For use when a connection fails.

        Takes a millisecond when all is well. Raises `EmbeddedError`; `StillStarting` when `patience` seconds in all
        were not enough.
        """
        if self._users is None:
            raise EmbeddedError("This share in the embedded PostgreSQL was released. Acquire it again.")
        if _serves(self.place):
            return
        deadline = time.monotonic() + patience
        with _held(self.place, "start", fcntl.LOCK_EX, patience):
            for _ in range(_KILLED_STARTS):
                if not _is_supervised(self.place):
                    _start_supervisor(self.place)
                if _is_served_by(self.place, deadline):
                    return
        raise _trouble(self.place, "The supervisor of the embedded PostgreSQL was killed again and again.")

    def release(self) -> None:
        """Give the share back; the server stops soon after the last one. A second call does nothing."""
        if self._users is not None:
            # Closed rather than unlocked: a forked child may still hold the same share.
            os.close(self._users)
            self._users = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


def acquire(home: Path, patience: float = START_SECONDS) -> EmbeddedServer:
    """Join the PostgreSQL of `home`; make it and start it if need be. Returns when it serves.

    Any number of processes and threads may do so at once. The server runs until the last of them has released its
    share or ended, however it ended. Raises `EmbeddedError`.
    """
    place = open_place(home)
    with contextlib.ExitStack() as undone:
        server = undone.enter_context(EmbeddedServer(place, _join(place)))
        server.ensure(patience)
        undone.pop_all()
    return server


def wait_until_stopped(home: Path, seconds: float = STOP_SECONDS) -> bool:
    """Wait until nothing of the embedded PostgreSQL of `home` runs any more; say whether that came to pass."""
    place = open_place(home)
    deadline = time.monotonic() + seconds
    for name in ("supervisor", "cluster"):
        descriptor = open_lock(place.lock(name))
        try:
            if not lock_within(descriptor, fcntl.LOCK_SH, deadline - time.monotonic()):
                return False
        finally:
            os.close(descriptor)
    return True


def _join(place: Place) -> int:
    """The descriptor that holds this process's share."""
    users = open_lock(place.lock("users"))
    # Not got at once only while a server without users is being stopped.
    if lock_within(users, fcntl.LOCK_SH, STOP_SECONDS):
        return users
    os.close(users)
    raise _trouble(place, f"The embedded PostgreSQL in {place.folder} has been stopping for {STOP_SECONDS} s.")


@contextlib.contextmanager
def _held(place: Place, name: str, mode: int, seconds: float) -> Iterator[None]:
    descriptor = open_lock(place.lock(name))
    try:
        if not lock_within(descriptor, mode, seconds):
            raise _trouble(place, f"Another process has held {place.lock(name)} for {seconds} s.", StillStarting)
        yield
    finally:
        os.close(descriptor)


def _is_supervised(place: Place) -> bool:
    descriptor = open_lock(place.lock("supervisor"))
    try:
        return not try_lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _serves(place: Place) -> bool:
    return _is_supervised(place) and is_ready(place.data) and ask(place.socket, ROLE, DATABASE) == SERVES


def _start_supervisor(place: Place) -> None:
    account = server_account()
    try:
        command = prepare_cluster(place, account)
        ran = subprocess.run(
            [sys.executable, "-I", "-S", supervisor.__file__, json.dumps(_order(place, account, command))],
            check=False,
            cwd=place.folder,
            env=ENVIRONMENT,
            start_new_session=True,  # so that Ctrl-C in the user's terminal does not reach the server
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise _trouble(place, f"The embedded PostgreSQL in {place.folder} cannot be started: {error}.") from error
    if ran.returncode > 0 and ran.returncode != supervisor.OTHER_SUPERVISOR:  # below 0: it was killed, see `ensure`
        said = ran.stderr.decode(errors="replace").strip()
        raise _trouble(place, f"The supervisor of the embedded PostgreSQL does not start:\n{said}\n")


def _order(place: Place, account: Account, command: list[str]) -> supervisor.Order:
    return {
        "users_lock": str(place.lock("users")),
        "supervisor_lock": str(place.lock("supervisor")),
        "cluster_lock": str(place.lock("cluster")),
        "data": str(place.data),
        "socket_directory": str(place.socket_directory),
        "command": command,
        "environment": ENVIRONMENT,
        "uid": account.uid,
        "gid": account.gid,
        "log": str(place.log),
        "failure": str(place.failure),
    }


def _is_served_by(place: Place, deadline: float) -> bool:
    """Wait until it serves; False if its supervisor was killed meanwhile."""
    began = time.monotonic()
    answer = ""
    while time.monotonic() < deadline:
        supervised = _is_supervised(place)
        # PostgreSQL logs each refusal, so it is asked only when it says that it is ready.
        answer = ask(place.socket, ROLE, DATABASE) if is_ready(place.data) else ""
        if answer == SERVES and supervised:
            return True
        if answer == NO_DATABASE:
            _create_database(place)
            continue
        if not supervised:
            if not place.failure.exists():
                return False
            why = place.failure.read_text()
            raise _trouble(place, f"The embedded PostgreSQL in {place.folder} does not run. {why}")
        time.sleep(0.005)
    raise _trouble(
        place,
        f"The embedded PostgreSQL in {place.folder} does not serve after {time.monotonic() - began:.0f} s "
        f"({answer or 'silent'}).",
        StillStarting,
    )


def _create_database(place: Place) -> None:
    created = subprocess.run(
        [*EmbeddedServer(place, None).client("createdb"), DATABASE],
        check=False,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    # While it was asked, the server may have crashed and come back; only a living server's refusal counts.
    if created.returncode != 0 and ask(place.socket, ROLE, "postgres") == SERVES:
        said = created.stderr.decode(errors="replace").strip()
        raise _trouble(place, f"The database {DATABASE} could not be made in {place.folder}:\n{said}\n")


def _trouble(place: Place, what: str, kind: type[EmbeddedError] = EmbeddedError) -> EmbeddedError:
    try:
        lines = place.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    except OSError:
        lines = []
    said = "\n".join(["", f"The end of {place.log}:", *lines]) if lines else ""
    return kind(f"{what} Put right what the log says and try again, or set DATABASE_URL.{said}")
