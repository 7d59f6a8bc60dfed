"""Who is killed: the processes of one home, found by what they work on, never by a broad name."""

import contextlib
import os
import signal
from pathlib import Path

from regulars.platform.embedded.supervisor import cluster_processes

WEB, WORKER, POSTMASTER, BACKEND, SUPERVISOR, EVERYTHING = (
    "web", "worker", "postmaster", "backend", "supervisor", "everything",
)  # fmt: skip
KINDS = (WEB, WORKER, POSTMASTER, BACKEND, SUPERVISOR, EVERYTHING)


def data(home: Path) -> Path:
    """Return the data directory of a home's cluster."""
    return home / "postgres" / "data"


def supervisors(home: Path) -> list[int]:
    """Return the supervisors of the embedded server of this home (one, while somebody uses it)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if b"supervisor.py" in command and os.fsencode(home / "postgres" / "users.lock") in command:
                found.append(int(process.name))
    return found


def postmasters(home: Path) -> list[int]:
    """Return the postmaster, if it has written down its number."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        number = int((data(home) / "postmaster.pid").read_text().split()[0])
        return [number] if number in cluster_processes(str(data(home))) else []
    return []


def backends(home: Path) -> list[int]:
    """Return the processes that serve a connection."""
    found = []
    for number in cluster_processes(str(data(home))):
        with contextlib.suppress(OSError):
            if b"[local]" in Path(f"/proc/{number}/cmdline").read_bytes():
                found.append(number)
    return found


def nothing_runs(home: Path) -> bool:
    """Say whether nothing of the embedded server of this home is left."""
    left = cluster_processes(str(data(home))) if data(home).exists() else []
    return not left and not supervisors(home)


def kill_all(numbers: list[int]) -> int:
    """Kill processes by their numbers; return how many were there."""
    killed = 0
    for number in numbers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
            killed += 1
    return killed
