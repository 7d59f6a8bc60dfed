"""SQL of the audit chain."""

from collections.abc import Sequence
from datetime import datetime
from itertools import starmap
from typing import LiteralString

from regulars.platform.audit.rules import Seal, Written
from regulars.platform.db import arrays
from regulars.platform.db.snapshots import IN_WINDOW, Window
from regulars.platform.db.transaction import Rows, Transaction

_ENTRY: LiteralString = """
SELECT entry_id, written_at, actor, action, subject, reason, request_id, detail FROM audit_entries
"""
_SEAL: LiteralString = "SELECT seal_no, sealed_at, entry_ids, entry_digests, previous_hash, hash FROM audit_seals "


def _written(rows: Rows) -> list[Written]:
    return list(starmap(Written, rows))


async def read_page(tx: Transaction, window: Window, limit: int) -> list[Written]:
    """Return the next entries of a window, in order, at most `limit`."""
    condition = "WHERE entry_id > %(last_seq)s AND entry_id <= %(end_seq)s" + IN_WINDOW
    parameters = window._asdict() | {"limit": limit}
    return _written(await tx.rows(_ENTRY + condition + "ORDER BY entry_id LIMIT %(limit)s", parameters))


async def find_entries(tx: Transaction, entry_ids: Sequence[int]) -> dict[int, Written]:
    """Return those of the entries that are there, by id."""
    rows = await tx.rows(_ENTRY + "WHERE entry_id = ANY (%s::bigint[])", (arrays.ints(entry_ids),))
    return {written.entry_id: written for written in _written(rows)}


async def last_seal(tx: Transaction) -> Seal | None:
    """Return the end of the chain."""
    rows = await tx.rows(_SEAL + "ORDER BY seal_no DESC LIMIT 1")
    return Seal(*rows[0]) if rows else None


async def read_seals(tx: Transaction, after: int, limit: int) -> list[Seal]:
    """Return seals after that number, in order, at most `limit`."""
    return [Seal(*row) for row in await tx.rows(_SEAL + "WHERE seal_no > %s ORDER BY seal_no LIMIT %s", (after, limit))]


def insert_seal(tx: Transaction, seal: Seal) -> None:
    """Append a seal."""
    tx.write(
        """
        INSERT INTO audit_seals (seal_no, sealed_at, entry_ids, entry_digests, previous_hash, hash)
        VALUES (%s, %s, %s::bigint[], %s, %s, %s)
        """,
        (seal.seal_no, seal.sealed_at, arrays.ints(seal.entry_ids), *seal[3:]),
    )


_UNLISTED: LiteralString = """
SELECT entry_id FROM audit_entries
WHERE pg_visible_in_snapshot(transaction_id, %(last_snapshot)s::pg_snapshot)
   OR entry_id <= %(last_seq)s AND pg_visible_in_snapshot(transaction_id, %(snapshot)s::pg_snapshot)
EXCEPT SELECT unnest(entry_ids) FROM audit_seals
ORDER BY entry_id LIMIT %(limit)s
"""


async def unlisted(tx: Transaction, window: Window, limit: int) -> list[int]:
    """Return entries before the sealer's position that no seal lists, at most `limit`."""
    parameters = window._asdict() | {"limit": limit}
    return [entry_id for (entry_id,) in await tx.rows(_UNLISTED, parameters)]


async def written_at(tx: Transaction, entry_id: int) -> datetime | None:
    """Return when an entry was written, by the wall clock."""
    rows = await tx.rows("SELECT written_at FROM audit_entries WHERE entry_id = %s", (entry_id,))
    return rows[0][0] if rows else None


_PASSED: LiteralString = """
SELECT count(*) FROM audit_entries
WHERE entry_id >= %(first)s AND entry_id < %(until)s
  AND (pg_visible_in_snapshot(transaction_id, %(last_snapshot)s::pg_snapshot)
   OR entry_id <= %(last_seq)s AND pg_visible_in_snapshot(transaction_id, %(snapshot)s::pg_snapshot))
"""


async def count_passed(tx: Transaction, window: Window, first: int, until: int) -> int:
    """Return how many entries of a range lie before the sealer's position."""
    found: int = (await tx.rows(_PASSED, window._asdict() | {"first": first, "until": until}))[0][0]
    return found


# The first seal that was closed after an entry was written: halved until one is left, by instants that only a clock
# that was put back turns round.
_SEAL_OF: LiteralString = """
WITH RECURSIVE halved (low, high) AS (
    SELECT 0::bigint, coalesce(max(seal_no), 0) + 1 FROM audit_seals
    UNION ALL
    SELECT CASE WHEN s.sealed_at < %(at)s THEN m.middle ELSE h.low END,
           CASE WHEN s.sealed_at < %(at)s THEN h.high ELSE m.middle END
    FROM halved AS h
    CROSS JOIN LATERAL (SELECT (h.low + h.high) / 2 AS middle) AS m
    LEFT JOIN audit_seals AS s ON s.seal_no = m.middle
    WHERE h.low + 1 < h.high
), closed_after AS MATERIALIZED (SELECT max(high) - 1 AS seal_no FROM halved WHERE low + 1 >= high)
SELECT seal_no, sealed_at, entry_ids, entry_digests, previous_hash, hash FROM audit_seals
WHERE seal_no >= (SELECT c.seal_no FROM closed_after AS c)
  AND seal_no < (SELECT c.seal_no + %(many)s FROM closed_after AS c)
  AND %(entry)s = ANY (entry_ids)
ORDER BY seal_no LIMIT 1
"""
_SEALS_LOOKED_THROUGH = 2_000


async def seal_of(tx: Transaction, entry_id: int, written_at: datetime) -> Seal | None:
    """Return the seal that lists an entry; None if none of the 2,000 does that were closed after it was written."""
    asked = {"at": written_at, "many": _SEALS_LOOKED_THROUGH, "entry": entry_id}
    rows = await tx.rows(_SEAL_OF, asked)
    return Seal(*rows[0]) if rows else None
