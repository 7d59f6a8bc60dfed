"""A snapshot that is kept open, so that transactions one after another, in any process, read of one instant."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, LiteralString

from psycopg import AsyncConnection, IsolationLevel

_NAME: Final = re.compile("[0-9A-F-]{1,64}")
_STAYS_OPEN: Final = "SET LOCAL idle_in_transaction_session_timeout = 0"


@asynccontextmanager
async def kept_snapshot(url: str) -> AsyncIterator[str]:
    """Keep a snapshot on a connection of its own; gives its name, which is good for as long as this lasts."""
    connection: AsyncConnection[Any] = await AsyncConnection.connect(url, prepare_threshold=None)
    async with connection:
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        await connection.execute(_STAYS_OPEN)
        cursor = await connection.execute("SELECT pg_export_snapshot()")
        found = await cursor.fetchone()
        assert found is not None, "a function gives one row"  # noqa: S101 - tells the type checker
        yield str(found[0])
        await connection.rollback()


def taking_over(name: str) -> LiteralString:
    """Return what lets a transaction read from a kept snapshot; a statement of this kind takes no parameters."""
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"not the name of a snapshot: {name!r}")
    taken_over: LiteralString = f"SET TRANSACTION SNAPSHOT '{name}'"
    return taken_over
