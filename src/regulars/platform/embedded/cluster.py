"""Where the cluster is, whose it is, how it is made and configured."""

import contextlib
import fcntl
import hashlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from regulars.platform.embedded.errors import EmbeddedError
from regulars.platform.embedded.supervisor import lock_within, open_lock
from regulars.platform.embedded.wheel import MAJOR_VERSION, server_binaries

ROLE = "regulars"
DATABASE = "regulars"
PORT = 5432  # it names the socket; nothing listens on the network
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}

# PostgreSQL enters its data directory as its working directory. Reaching it by this name needs no permission on the
# directories above, so that an unprivileged server can work in a home that only root may enter.
WORKING_DIRECTORY = "/proc/self/cwd"

_MAKING_SECONDS = 120
_LONGEST_SOCKET_PATH = 107  # bytes, sun_path without its closing zero
_PLAIN_PATH = re.compile(r"[\w./+-]+", re.ASCII)  # libpq and PostgreSQL read lists of paths, with commas and quotes

# Everything else is PostgreSQL's default: fsync, synchronous_commit and autovacuum are on. The log has neither
# statements nor details, because those hold personal data.
_CONFIGURATION = """\
# Written at every start. Change a setting by ALTER SYSTEM, which wins over this file.
cluster_name = 'regulars'
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 60
shared_buffers = 256MB
max_wal_size = 2GB
min_wal_size = 256MB
checkpoint_timeout = 15min
max_slot_wal_keep_size = 4GB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
log_error_verbosity = terse
log_min_error_statement = panic
"""


@dataclass(frozen=True, slots=True)
class Account:
    """The user that PostgreSQL runs as: None stands for the one who asks."""

    uid: int | None
    gid: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """The files of the embedded PostgreSQL under one home."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def failure(self) -> Path:
        return self.folder / "failure"

    @property
    def recovery(self) -> Path:
        """Settings for as long as a restore is under way; removed after it."""
        return self.folder / "recovery.conf"

    def lock(self, name: str) -> Path:
        return self.folder / f"{name}.lock"

    @property
    def socket_directory(self) -> Path:
        """The data directory, or a short one under /tmp when the path of the socket would be too long or odd."""
        path = os.fspath(self._socket_in(self.data))
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH and _PLAIN_PATH.fullmatch(path):
            return self.data
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path("/tmp") / f"regulars-{digest}"  # noqa: S108 -- made 0700 and its owner checked

    @property
    def socket(self) -> Path:
        return self._socket_in(self.socket_directory)

    @staticmethod
    def _socket_in(directory: Path) -> Path:
        return directory / f".s.PGSQL.{PORT}"


def open_place(home: Path) -> Place:
    """The place under `home`, made if absent. `EmbeddedError` if it cannot be made or is another user's."""
    folder = home.absolute() / "postgres"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = folder.resolve()
        owner = folder.stat().st_uid
    except OSError as error:
        raise EmbeddedError(
            f"The embedded PostgreSQL cannot keep its data under {home}: {error}. Set REGULARS_HOME to a directory "
            "you may write to, or DATABASE_URL to a PostgreSQL of yours."
        ) from error
    if owner != os.geteuid():
        raise EmbeddedError(
            f"{folder} belongs to user {owner}, and you are user {os.geteuid()}. Run as that user, "
            "or set REGULARS_HOME to a directory of your own."
        )
    return Place(folder)


def server_account() -> Account:
    """PostgreSQL refuses to run as root; root's server runs as nobody, and no user is added."""
    if os.geteuid() != 0:
        return Account(None, None)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL does not run as root, and there is no user nobody to run it as. "
            "Run as another user, or set DATABASE_URL."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def prepare_cluster(place: Place, account: Account) -> list[str]:
    """Make the cluster if absent, write its configuration, give the command that runs the server.

    The caller holds the start lock, and no server runs.
    """
    programs = server_binaries(account.uid)
    if not place.data.exists():
        with _held_to_make(place) as making:
            _make_cluster(place, account, programs, making)
    _check_version(place)
    _configure(place, account)
    sockets = WORKING_DIRECTORY if place.socket_directory == place.data else str(place.socket_directory)
    return [str(programs / "postgres"), "-D", WORKING_DIRECTORY, "-k", sockets]


def put_cluster(place: Place, fill: Callable[[Path], None]) -> None:
    """Put a cluster in its place that `fill` writes into a folder, whole or not at all. `EmbeddedError` where one is.

    Whatever `fill` raises leaves nothing behind.
    """
    account = server_account()
    with _held_to_make(place):
        if place.data.exists():
            raise EmbeddedError(
                f"{place.data} holds a database already, and nothing was changed. Choose a home without one."
            )
        unfinished = _unfinished(place)
        try:
            fill(unfinished)
            if account.uid is not None and account.gid is not None:
                for folder, _, files in os.walk(unfinished):
                    for path in (folder, *[os.path.join(folder, name) for name in files]):  # noqa: PTH118 -- thousands
                        os.chown(path, account.uid, account.gid)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        _put(place, unfinished)


@contextlib.contextmanager
def _held_to_make(place: Place) -> Iterator[int]:
    """Hold the lock `making`, which the programs that make a cluster inherit.

    So when an earlier maker was killed, what it left running has ended before its files are removed.
    """
    making = open_lock(place.lock("making"))
    try:
        if not lock_within(making, fcntl.LOCK_EX, _MAKING_SECONDS):
            raise EmbeddedError(
                f"An earlier attempt to make the database in {place.folder} has been running for {_MAKING_SECONDS} s. "
                "End its process initdb and try again, or set DATABASE_URL."
            )
        yield making
    finally:
        os.close(making)


def _unfinished(place: Place) -> Path:
    """A folder beside the cluster's place, so that a half cluster is never found there."""
    for left in place.folder.glob("new-*"):
        shutil.rmtree(left)
    return Path(tempfile.mkdtemp(prefix="new-", dir=place.folder))


def _put(place: Place, finished: Path) -> None:
    finished.rename(place.data)
    descriptor = os.open(place.folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_cluster(place: Place, account: Account, programs: Path, making: int) -> None:
    unfinished = _unfinished(place)
    if account.uid is not None and account.gid is not None:
        os.chown(unfinished, account.uid, account.gid)
    made = subprocess.run(
        [
            str(programs / "initdb"),
            *("-D", WORKING_DIRECTORY, "-U", ROLE, "-E", "UTF8", "--locale=C.UTF-8"),
            *("--auth-local=peer", "--auth-host=reject", "--no-instructions"),
        ],
        check=False,
        cwd=unfinished,
        env=ENVIRONMENT,
        user=account.uid,
        group=account.gid,
        extra_groups=None if account.uid is None else [],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[making],
    )
    if made.returncode != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        said = made.stdout.decode(errors="replace").strip()
        raise EmbeddedError(
            f"The database could not be made in {place.folder} (exit code {made.returncode}). PostgreSQL said:\n{said}"
            "\nPut that right (a full disk, a user without a name), or set DATABASE_URL."
        )
    _put(place, unfinished)


def _check_version(place: Place) -> None:
    try:
        version = (place.data / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise EmbeddedError(
            f"{place.data} is not a PostgreSQL data directory ({error}). If it holds nothing you need, remove it and "
            "start again; otherwise restore it from a backup."
        ) from error
    if version != str(MAJOR_VERSION):
        raise EmbeddedError(
            f"The data in {place.data} is of PostgreSQL {version}, and this release runs PostgreSQL {MAJOR_VERSION}. "
            f"Start the release of Regulars that made it, write the data out with pg_dump, move {place.data} away, "
            "and read the dump into this release. Nothing was changed."
        )


def _configure(place: Place, account: Account) -> None:
    user = pwd.getpwuid(os.geteuid()).pw_name
    recovery = place.recovery.read_text() if place.recovery.exists() else ""
    _write_as_server(place.data, "postgresql.conf", _CONFIGURATION + recovery, account)
    # Only the user of the home may connect, as the kernel tells it; the server's own user, whom others may share,
    # may not.
    allowed = f"local all,replication {ROLE} peer map=owner\n"  # `all` are the databases; copies are asked for apart
    _write_as_server(place.data, "pg_hba.conf", allowed, account)
    _write_as_server(place.data, "pg_ident.conf", f'owner "{user}" {ROLE}\n', account)


def _write_as_server(directory: Path, name: str, text: str, account: Account) -> None:
    """Write a file into the server's directory; as root, never through a link that the server's user put there."""
    inside = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=inside)
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=inside)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            if account.uid is not None and account.gid is not None:
                os.fchown(file.fileno(), account.uid, account.gid)
    finally:
        os.close(inside)
