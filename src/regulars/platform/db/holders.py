"""Who is under way that may not know yet what was just committed: for those who have to wait for them.

Reading a table takes a lock on it, before the statement's snapshot is taken, and keeps it until the transaction ends.
So who read a table before something was put there is among those that hold a lock on it afterwards, also who has only
read so far and has no transaction id yet; who comes later sees it.
"""

from collections.abc import Sequence
from typing import LiteralString

from regulars.platform.db.transaction import Transaction

HOLDERS: LiteralString = """
SELECT coalesce(array_agg(DISTINCT virtualtransaction), '{}') FROM pg_locks
WHERE locktype = 'relation' AND relation = %s::regclass AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND pid IS DISTINCT FROM pg_backend_pid()
"""
STILL_THERE: LiteralString = """
SELECT coalesce(array_agg(DISTINCT virtualtransaction), '{}') FROM pg_locks WHERE virtualtransaction = ANY (%s::text[])
"""


async def holders_of(tx: Transaction, table: str) -> list[str]:
    """Return the other transactions under way that have read or written a table."""
    found: list[str] = (await tx.rows(HOLDERS, (table,)))[0][0]
    return found


async def still_there(tx: Transaction, awaited: Sequence[str]) -> list[str]:
    """Return which of these transactions have not ended yet."""
    found: list[str] = (await tx.rows(STILL_THERE, (list(awaited),)))[0][0]
    return found
