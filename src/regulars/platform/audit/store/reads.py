"""SQL of reading the log.

Who looked at whom is a part of it that has indexes of its own, so that no other entry pays for them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, LiteralString, NamedTuple

from regulars.platform.audit.contracts import EntriesWanted, Entry, Look
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Transaction

READER: Final = "audit seals"  # how far the sealer has come stands under this name
# By so much entries may stand out of the order of their instants: clocks of several machines, long transactions.
SLACK: Final = timedelta(hours=1)

# Each of these is a look at a member's personal data. The indexes of audit_entries name the same.
SELECT_LOOKS: LiteralString = """
SELECT entry_id, written_at, actor, action, subject, reason, detail, request_id FROM audit_entries
WHERE action IN ('read_personal_data', 'read_messages', 'read_export', 'look_up_member', 'search_member')
"""


class LooksWanted(NamedTuple):
    """Which looks are wanted: at somebody (by every id that means them), by somebody, for a purpose that says so, in a
    time; None narrows nothing.

    `first` and `until` are instants of the wall clock, the first included; `before` is an entry.
    """

    subjects: Sequence[str] | None = None
    actor: str | None = None
    purpose: str | None = None
    first: datetime | None = None
    until: datetime | None = None
    before: int | None = None


async def looks(tx: Transaction, wanted: LooksWanted, limit: int) -> list[Look]:
    """Return the latest looks."""
    text, subjects = SELECT_LOOKS, None if wanted.subjects is None else arrays.texts(wanted.subjects)
    text += " AND subject = ANY (%(subjects)s::text[])" if wanted.subjects is not None else ""
    text += " AND actor = %(actor)s" if wanted.actor is not None else ""
    text += " AND strpos(lower(reason), lower(%(purpose)s)) > 0" if wanted.purpose is not None else ""
    text += " AND written_at >= %(first)s" if wanted.first is not None else ""
    text += " AND written_at < %(until)s" if wanted.until is not None else ""
    text += " AND entry_id < %(before)s" if wanted.before is not None else ""
    text += " ORDER BY entry_id DESC LIMIT %(limit)s"
    return [Look._make(row) for row in await tx.rows(text, {**wanted._asdict(), "subjects": subjects, "limit": limit})]


_ENDS: LiteralString = "SELECT coalesce(max(entry_id), 0) + 1, coalesce(min(entry_id), 1) FROM audit_entries"
_SELECT_ENTRIES: LiteralString = """
SELECT entry_id, written_at, actor, action, subject, reason, request_id, detail,
    coalesce(pg_visible_in_snapshot(transaction_id, last_snapshot)
        OR entry_id <= last_seq AND pg_visible_in_snapshot(transaction_id, window_snapshot), false)
FROM audit_entries LEFT JOIN relay_cursors ON reader = %(reader)s
WHERE entry_id >= %(lower)s AND entry_id < %(upper)s
"""
_FIRST_SINCE: LiteralString = """
WITH RECURSIVE halved (low, high) AS (
    SELECT coalesce(min(entry_id), 1) - 1, coalesce(max(entry_id), 0) + 1 FROM audit_entries
    UNION ALL
    SELECT CASE WHEN e.written_at < %(at)s THEN e.entry_id ELSE h.low END,
           CASE WHEN e.written_at < %(at)s THEN h.high ELSE m.middle END
    FROM halved AS h
    CROSS JOIN LATERAL (SELECT (h.low + h.high) / 2 AS middle) AS m
    CROSS JOIN LATERAL (
        SELECT entry_id, written_at FROM audit_entries WHERE entry_id >= m.middle ORDER BY entry_id LIMIT 1
    ) AS e
    WHERE h.low + 1 < h.high
)
SELECT max(high) FROM halved WHERE low + 1 >= high
"""


async def ends(tx: Transaction) -> tuple[int, int]:
    """Return the number behind the last entry, and the first one's."""
    newest, oldest = (await tx.rows(_ENDS))[0]
    return newest, oldest


async def first_since(tx: Transaction, at: datetime) -> int:
    """Return the number of the first entry written at an instant or after it, or the one behind the last.

    It is found by halves: where clocks went back it may be one of those around.
    """
    found: int = (await tx.rows(_FIRST_SINCE, {"at": at}))[0][0]
    return found


async def entries(tx: Transaction, wanted: EntriesWanted, between: tuple[int, int], limit: int) -> list[Entry]:
    """Return the latest entries from one number to before another."""
    text = _SELECT_ENTRIES
    text += " AND actor = %(actor)s" if wanted.actor is not None else ""
    text += " AND action = %(action)s" if wanted.action is not None else ""
    text += " AND subject = ANY (%(subjects)s::text[])" if wanted.subjects is not None else ""
    text += " AND request_id = %(request_id)s" if wanted.request_id is not None else ""
    text += " AND written_at >= %(first)s" if wanted.first is not None else ""
    text += " AND written_at < %(until)s" if wanted.until is not None else ""
    text += " ORDER BY entry_id DESC LIMIT %(limit)s"
    parameters = {
        **wanted._asdict(),
        "reader": READER,
        "subjects": None if wanted.subjects is None else arrays.texts(wanted.subjects),
        "lower": between[0],
        "upper": between[1],
        "limit": limit,
    }
    return [Entry._make(row) for row in await tx.rows(text, parameters)]
