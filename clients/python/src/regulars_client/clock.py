"""The wall clock, for what other machines dated, and the clock that never goes back, for how long something takes."""

import time


def wall_seconds() -> float:
    """Return the seconds since 1970."""
    return time.time()


def elapsed_seconds() -> float:
    """Return seconds since some instant, always more."""
    return time.monotonic()
