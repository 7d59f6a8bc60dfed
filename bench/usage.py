"""What processes have used of the processor, as the kernel counts it."""

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


def sessions_of_server(home: Path) -> list[int]:
    """Return the processes that serve clients of the embedded PostgreSQL at `home`."""
    postmaster = int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    return [pid for pid in _children(postmaster) if _OF_A_CLIENT in (_PROC / f"{pid}/cmdline").read_bytes()]


def _children(parent: int) -> list[int]:
    found = []
    for told in _PROC.glob(f"{parent}/task/*/children"):
        found += [int(pid) for pid in told.read_text().split()]
    return found
