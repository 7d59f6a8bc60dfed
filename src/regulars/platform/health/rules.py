"""What counts as well, as a warning, as trouble. No I/O."""

from datetime import timedelta
from typing import Final

from regulars.platform.health.contracts import Sentence, Size, State
from regulars.platform.texts import mark

OLDEST_POSTGRESQL: Final = 150_000
BUSY_SHARE: Final = 0.85  # of the connections the server takes
LONG_TRANSACTION_SECONDS: Final = 3_600.0
SCARCE_BYTES: Final = 2_000_000_000
FULL_BYTES: Final = 500_000_000
SCARCE_SHARE: Final = 0.05


def trouble_if(remedy: Sentence | None) -> State:
    """Return trouble where there is something to be mended."""
    return State.WELL if remedy is None else State.TROUBLE


def version_said(number: int) -> str:
    """Write PostgreSQL's version, e.g. 180006 as 18.6."""
    return f"{number // 10_000}.{number % 10_000}"


def database_judged(found: Size) -> tuple[State, Sentence | None]:
    """Judge the database: too old, too busy, or held up by a transaction that does not end."""
    if found.version < OLDEST_POSTGRESQL:
        return State.TROUBLE, Sentence(mark("Upgrade PostgreSQL to 15 or newer."))
    if found.connections > BUSY_SHARE * found.most_connections:
        return State.WARNING, Sentence(
            mark("Nearly all connections are taken: raise max_connections, or lower REGULARS_POOL_SIZE.")
        )
    if found.oldest_transaction_seconds > LONG_TRANSACTION_SECONDS:
        return State.WARNING, Sentence(
            mark(
                "A transaction has been open for {hours} h and keeps PostgreSQL from cleaning up: "
                "find it in pg_stat_activity and end it."
            ),
            {"hours": int(timedelta(seconds=found.oldest_transaction_seconds) / timedelta(hours=1))},
        )
    return State.WELL, None


def disk_judged(free: int, total: int) -> State:
    """Judge the room that is left, in bytes."""
    if free < FULL_BYTES:
        return State.TROUBLE
    return State.WARNING if free < min(SCARCE_BYTES, SCARCE_SHARE * total) else State.WELL
