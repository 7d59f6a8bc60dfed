"""What processes have used of the processor, as the kernel counts it."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bench.server import BenchBroken

_PROC: Final = Path("/proc")
_OF_A_CLIENT: Final = b"[local]"
_NANOSECONDS: Final = 1_000_000_000


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return how many seconds these processes have run so far, all their threads together. Raises BenchBroken."""
    used = 0
    for pid in pids:
        for told in _PROC.glob(f"{pid}/task/*/schedstat"):
            used += int(told.read_text().split()[0])
    if not used:
        raise BenchBroken("this machine does not tell what a process has used (/proc/.../schedstat)")
    return used / _NANOSECONDS


def server_cpu_seconds(home: Path) -> float:
    """Return the same of what serves clients of the embedded PostgreSQL at `home`, parallel workers included.

    These are gone when their query is; what they used stands with the process that began them, in hundredths.
    """
    postmaster = int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    sessions = [pid for pid in _children(postmaster) if _OF_A_CLIENT in (_PROC / f"{pid}/cmdline").read_bytes()]
    user, system = (_PROC / f"{postmaster}/stat").read_text().rpartition(")")[2].split()[13:15]
    return cpu_seconds(sessions) + (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _children(parent: int) -> list[int]:
    found = []
    for told in _PROC.glob(f"{parent}/task/*/children"):
        found += [int(pid) for pid in told.read_text().split()]
    return found
