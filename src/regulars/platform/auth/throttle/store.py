"""SQL of attempts."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from regulars.platform.auth.throttle.rules import Tally
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Transaction

Key = tuple[str, bytes]

# A row for each key first, so that there is one to lock: of two first attempts at once, the second waits too.
INSERT_MISSING: LiteralString = """
INSERT INTO attempts (bucket, subject, attempts, attempted_at)
SELECT fresh.*, 0, %s FROM unnest(%s::text[], %s::bytea[]) AS fresh ON CONFLICT DO NOTHING
"""

LOCK: LiteralString = """
SELECT a.bucket, a.subject, a.attempts, a.attempted_at, a.blocked_until
FROM attempts AS a JOIN unnest(%s::text[], %s::bytea[]) AS sought (bucket, subject) USING (bucket, subject)
ORDER BY a.bucket, a.subject FOR UPDATE OF a
"""

UPDATE: LiteralString = """
UPDATE attempts SET attempts = %s, attempted_at = %s, blocked_until = %s WHERE bucket = %s AND subject = %s
"""

DELETE: LiteralString = "DELETE FROM attempts WHERE bucket = %s AND subject = %s"

DELETE_OLD: LiteralString = """
WITH old AS (SELECT bucket, subject FROM attempts WHERE attempted_at < %s LIMIT %s FOR UPDATE SKIP LOCKED),
gone AS (DELETE FROM attempts USING old WHERE (attempts.bucket, attempts.subject) = (old.bucket, old.subject)
         RETURNING 1)
SELECT count(*) FROM gone
"""


async def lock(tx: Transaction, keys: Sequence[Key], now: datetime) -> dict[Key, Tally]:
    """Hold the tallies of these keys until the transaction ends, in the order of the keys; return them."""
    ordered = sorted(keys)
    columns = (arrays.texts([bucket for bucket, _ in ordered]), arrays.blobs([subject for _, subject in ordered]))
    tx.write(INSERT_MISSING, (now, *columns))
    return {
        (bucket, bytes(subject)): Tally(attempts=count, attempted_at=attempted_at, blocked_until=blocked_until)
        for bucket, subject, count, attempted_at, blocked_until in await tx.rows(LOCK, columns)
    }


def update(tx: Transaction, key: Key, tally: Tally) -> None:
    tx.write(UPDATE, (tally.attempts, tally.attempted_at, tally.blocked_until, *key))


def delete(tx: Transaction, key: Key) -> None:
    tx.write(DELETE, key)


async def delete_old(tx: Transaction, before: datetime, at_most: int) -> int:
    """Delete tallies last touched before `before`; return how many."""
    return int((await tx.rows(DELETE_OLD, (before, at_most)))[0][0])
