"""Own the embedded PostgreSQL: start it, start it again when it crashes, stop it when nobody is left.

It is run as a plain file (`python -I -S supervisor.py <order>`), so that it starts in milliseconds and stays small:
only the standard library, nothing of ours, one thread. It knows three locks, all `flock`, which the kernel lets go
of however a process dies:

- users.lock: every user holds it shared; whoever gets it exclusively knows that no user is left.
- supervisor.lock: held by the one supervisor for its life.
- cluster.lock: inherited by PostgreSQL and all its backends; free only when the last of them is gone.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn, TypedDict

OTHER_SUPERVISOR = 3  # exit code: one was there already

_POLL_SECONDS = 0.1
_LOG_LIMIT_BYTES = 10_000_000
_FAST_SHUTDOWN_SECONDS = 60
_IMMEDIATE_SHUTDOWN_SECONDS = 6  # the postmaster itself kills its backends after 5
_FAILED_STARTS = 3
_KILLED_STARTS = 20  # somebody kills it before it is ready, such as the kernel for want of memory
_PR_SET_PDEATHSIG = 1
_SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


class Order(TypedDict):
    """What to run and where; made by the first user."""

    users_lock: str
    supervisor_lock: str
    cluster_lock: str
    data: str
    socket_directory: str
    command: list[str]
    environment: dict[str, str]
    uid: int | None
    gid: int | None
    log: str
    failure: str


class CannotRunError(Exception):
    """PostgreSQL cannot be kept running; the text goes to the users."""


def try_lock(descriptor: int, mode: int) -> bool:
    """Take the flock without waiting; say whether it was got."""
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_within(descriptor: int, mode: int, seconds: float) -> bool:
    """Take the flock, waiting `seconds` at most; say whether it was got."""
    deadline = time.monotonic() + seconds
    while not try_lock(descriptor, mode):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def open_lock(path: str | Path) -> int:
    """Open a lock file, made if absent. Closing the descriptor lets go of the lock."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def is_ready(data: str | Path, pid: int | None = None) -> bool:
    """Whether PostgreSQL says in postmaster.pid that it accepts connections (`pid` alone, if given)."""
    try:
        lines = (Path(data) / "postmaster.pid").read_text().splitlines()
        return lines[7].strip() == "ready" and (pid is None or int(lines[0]) == pid)
    except (OSError, IndexError, ValueError):
        return False


def cluster_processes(data: str) -> list[int]:
    """The PostgreSQL processes that work in this data directory, whoever is their parent."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile, or belongs to somebody else
            if (process / "cwd").samefile(data) and (process / "comm").read_text().strip() == "postgres":
                found.append(int(process.name))
    return found


def send(number: signal.Signals, pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def hold_cluster(order: Order, patience: float) -> int:
    """Wait until the last process of an earlier PostgreSQL is gone; give the descriptor that holds cluster.lock.

    An earlier postmaster is asked to stop at once; what is left after `patience` seconds must end. That is safe:
    without their postmaster nothing they do counts, and the start recovers what was committed.
    """
    descriptor = open_lock(order["cluster_lock"])
    since = time.monotonic()
    asked = list[signal.Signals]()
    while not try_lock(descriptor, fcntl.LOCK_EX):
        waited = time.monotonic() - since
        steps = [(0.0, signal.SIGINT), (patience, signal.SIGQUIT), (patience + 1, signal.SIGKILL)]
        due = [number for after, number in steps if waited >= after]
        for number in due[len(asked) :]:
            send(number, cluster_processes(order["data"]))
        asked = due
        if waited > patience + _FAST_SHUTDOWN_SECONDS:
            os.close(descriptor)
            raise CannotRunError("An earlier PostgreSQL on the same data does not end.")
        time.sleep(0.005)
    # Nobody works here any more, so what these say is stale. Left there, another process that happens to have got
    # the same number (usual in containers), or a postmaster that was killed and that nobody has waited for yet, would
    # keep PostgreSQL from starting.
    for stale in (Path(order["data"]) / "postmaster.pid", *Path(order["socket_directory"]).glob(".s.PGSQL.*.lock")):
        stale.unlink(missing_ok=True)
    return descriptor


def prepare_socket_directory(order: Order) -> None:
    """Make the directory for the socket when it is not the data directory; refuse one that is not the server's."""
    directory = Path(order["socket_directory"])
    if str(directory) == order["data"]:
        return
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        if order["uid"] is not None and order["gid"] is not None:
            os.chown(directory, order["uid"], order["gid"])
    found = directory.lstat()
    owner = os.geteuid() if order["uid"] is None else order["uid"]
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise CannotRunError(
            f"{directory} must be a directory that only the server's user may enter, and it is not. Remove it, "
            "or choose another REGULARS_HOME."
        )


def start(order: Order, patience: float) -> subprocess.Popen[bytes]:
    """Start PostgreSQL as a child that ends with this process."""
    parent = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True)

    def become_the_server() -> None:
        # After dropping privileges, because that clears it. SIGINT is PostgreSQL's fast shutdown.
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])

    descriptor = hold_cluster(order, patience)
    try:
        prepare_socket_directory(order)
        with Path(order["log"]).open("ab") as log:
            return subprocess.Popen(
                order["command"],
                cwd=order["data"],
                env=order["environment"],
                user=order["uid"],
                group=order["gid"],
                extra_groups=None if order["uid"] is None else [],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[descriptor],
                preexec_fn=become_the_server,  # noqa: PLW1509 -- this process has one thread
            )
    except OSError as error:
        raise CannotRunError(f"PostgreSQL cannot be run: {error}.") from error
    finally:
        os.close(descriptor)  # from here on PostgreSQL and its backends hold it


def stop(postgres: subprocess.Popen[bytes], order: Order) -> None:
    """Stop PostgreSQL: open transactions are rolled back, what is committed is written out."""
    postgres.send_signal(signal.SIGINT)
    try:
        postgres.wait(_FAST_SHUTDOWN_SECONDS)
    except subprocess.TimeoutExpired:
        postgres.send_signal(signal.SIGQUIT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            postgres.wait(_IMMEDIATE_SHUTDOWN_SECONDS)
        postgres.kill()
        postgres.wait()
    with contextlib.suppress(OSError, CannotRunError):
        os.close(hold_cluster(order, patience=0))
    if order["socket_directory"] != order["data"]:
        with contextlib.suppress(OSError):
            Path(order["socket_directory"]).rmdir()


def bound_log(order: Order) -> None:
    """Keep at most twice the limit of the server's log: the file, and the one before it."""
    log = Path(order["log"])
    with contextlib.suppress(OSError):
        if log.stat().st_size > _LOG_LIMIT_BYTES:
            # PostgreSQL appends to the open file, so the file is emptied rather than moved away.
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


def is_removed(users: int, order: Order) -> bool:
    """Whether the home was deleted: then nobody new can come, and there is nothing to keep."""
    try:
        return not os.path.samestat(os.fstat(users), Path(order["users_lock"]).stat())
    except FileNotFoundError:
        return True


def keep_running(order: Order, users: int) -> None:
    """Return when PostgreSQL was stopped because nobody is left, or because this process was asked to end."""
    failed = killed = 0
    patience = float(_FAST_SHUTDOWN_SECONDS)
    while True:
        postgres = start(order, patience)
        ready = False
        while postgres.poll() is None:
            received = signal.sigtimedwait(_SIGNALS, _POLL_SECONDS)
            ready = ready or is_ready(order["data"], postgres.pid)
            bound_log(order)
            asked = received is not None and received.si_signo != signal.SIGCHLD
            if asked or is_removed(users, order) or try_lock(users, fcntl.LOCK_EX):
                stop(postgres, order)
                return
        patience = 0  # its backends have lost their postmaster
        if ready:
            failed = killed = 0
        elif postgres.returncode < 0:
            killed += 1
        else:
            failed += 1
        if failed >= _FAILED_STARTS or killed >= _KILLED_STARTS:
            raise CannotRunError(f"PostgreSQL ended again and again (exit code {postgres.returncode}).")


def leave_the_user(log: str) -> None:
    """Go on as a process of its own; the one that the user started ends, and the user goes on."""
    if os.fork():
        os._exit(0)
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def main(order: Order) -> NoReturn:
    """Supervise until nobody is left. Exit code 0 says that the lock is held by a supervisor that now runs."""
    supervisor = open_lock(order["supervisor_lock"])
    if not lock_within(supervisor, fcntl.LOCK_EX, seconds=2):
        sys.exit(OTHER_SUPERVISOR)
    Path(order["failure"]).unlink(missing_ok=True)
    users = open_lock(order["users_lock"])
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    leave_the_user(order["log"])
    try:
        keep_running(order, users)
    except (CannotRunError, OSError) as error:
        with contextlib.suppress(OSError):
            Path(order["failure"]).write_text(str(error))
        sys.exit(1)
    sys.exit(0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
