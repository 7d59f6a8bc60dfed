"""SQL of who looked at whom: a part of the log that has indexes of its own, so that no other entry pays for them."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple

from regulars.platform.audit.contracts import Look
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Transaction

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
