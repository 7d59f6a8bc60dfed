"""What counts as well, as a warning, as trouble. No I/O."""

from datetime import timedelta
from typing import Final

from regulars.platform.health.contracts import Sentence, Size, State, Storage
from regulars.platform.texts import mark

OLDEST_POSTGRESQL: Final = 150_000
BUSY_SHARE: Final = 0.85  # of the connections the server takes
LONG_TRANSACTION_SECONDS: Final = 3_600.0
WORKER_CONNECTIONS: Final = 12  # a worker's own pool, the queue's, and what listens
RESERVED_CONNECTIONS: Final = 3  # of PostgreSQL, for superusers
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


def storage_judged(found: Storage) -> tuple[State, Sentence | None]:
    """Judge how the database keeps what is written: what it may lose, and what it may not find again."""
    if found.encoding != "UTF8":
        return State.TROUBLE, Sentence(
            mark("Names are lost in {encoding}: make a database with ENCODING 'UTF8', and bring the data over."),
            {"encoding": found.encoding},
        )
    lacking = [
        name
        for name, is_on in (
            ("fsync", found.syncs),
            ("full_page_writes", found.writes_whole_pages),
            ("synchronous_commit", found.waits_for_disk),
        )
        if not is_on
    ]
    if lacking:
        return State.WARNING, Sentence(
            mark("{names} is off: what was acknowledged is lost when the machine fails. Set it to on, and reload."),
            {"names": ", ".join(lacking)},
        )
    if not found.vacuums:
        return State.WARNING, Sentence(mark("autovacuum is off: tables only grow. Set it to on, and reload."))
    if found.has_new_collation:
        return State.WARNING, Sentence(
            mark(
                "The system sorts by another version of {collation} than the indexes were made by: REINDEX DATABASE, "
                "then ALTER DATABASE … REFRESH COLLATION VERSION."
            ),
            {"collation": found.collation},
        )
    return State.WELL, None


def connections_judged(wanted: int, most: int) -> Sentence | None:
    """Judge whether the server takes the connections of a web process and a worker."""
    if wanted <= most - RESERVED_CONNECTIONS:
        return None
    return Sentence(
        mark("Lower REGULARS_POOL_SIZE to {pool} or less, or raise max_connections to {most} or more."),
        {
            "pool": max(1, most - RESERVED_CONNECTIONS - WORKER_CONNECTIONS),
            "most": wanted + RESERVED_CONNECTIONS,
        },
    )


def disk_judged(free: int, total: int) -> State:
    """Judge the room that is left, in bytes."""
    if free < FULL_BYTES:
        return State.TROUBLE
    return State.WARNING if free < min(SCARCE_BYTES, SCARCE_SHARE * total) else State.WELL
