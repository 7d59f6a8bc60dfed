"""SQL of who looked at whom: a part of the log that has indexes of its own, so that no other entry pays for them."""

from datetime import datetime
from typing import LiteralString, NamedTuple

from regulars.platform.db.transaction import Transaction

# Each of these is a look at a member's personal data. The indexes of audit_entries name the same.
SELECT_LOOKS: LiteralString = """
SELECT entry_id, written_at, actor, action, subject, reason, detail, request_id FROM audit_entries
WHERE action IN ('read_personal_data', 'read_messages', 'read_export', 'look_up_member', 'search_member')
"""


class Look(NamedTuple):
    """Somebody (`actor`) looked at a member (`subject`), why (`reason`) and how (`action`, `detail`)."""

    entry_id: int
    written_at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    detail: str
    request_id: str


async def looks(
    tx: Transaction, *, subject: str | None, actor: str | None, before: int | None, limit: int
) -> list[Look]:
    """Return the latest looks at somebody, or of somebody, or all; from behind an entry."""
    text = SELECT_LOOKS
    text += " AND subject = %(subject)s" if subject is not None else ""
    text += " AND actor = %(actor)s" if actor is not None else ""
    text += " AND entry_id < %(before)s" if before is not None else ""
    text += " ORDER BY entry_id DESC LIMIT %(limit)s"
    parameters = {"subject": subject, "actor": actor, "before": before, "limit": limit}
    return [Look._make(row) for row in await tx.rows(text, parameters)]
