"""SQL of forgetting messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.row_documents import rows_of
from regulars.platform.db.transaction import Transaction

FORGET: tuple[LiteralString, ...] = (
    "DELETE FROM messages WHERE recipient_id = ANY (%s::uuid[]) AND to_member",
    "DELETE FROM message_occasions WHERE member_id = ANY (%s::uuid[])",
    "DELETE FROM mail_standings WHERE member_id = ANY (%s::uuid[])",
)
# Codes to bare addresses are sealed under a key of the deployment's. Those no longer on their way are of no use.
WIPE_BARE: LiteralString = """
UPDATE messages SET sealed_content = NULL, sealed_address = NULL, answer = ''
WHERE NOT to_member AND sealed_address IS NOT NULL AND state <> 'queued'
"""

# The clocks of who merged and of who wrote may differ by a little.
FORGET_TOLD: LiteralString = """
DELETE FROM messages WHERE recipient_id = %s AND to_member AND written_at >= %s - interval '5 minutes'
"""
FORGET_STANDINGS: LiteralString = "DELETE FROM mail_standings WHERE member_id = %s"

OF_MEMBER: dict[str, LiteralString] = {
    "message_occasions": """
SELECT to_jsonb(t) - 'member_id' FROM message_occasions AS t WHERE member_id = %s ORDER BY occurred_at, occasion_id
""",
    "mail_standings": """
SELECT to_jsonb(t) - 'member_id' - 'address_hash' FROM mail_standings AS t WHERE member_id = %s ORDER BY asked_at
""",
}


async def of_member(tx: Transaction, member_id: UUID) -> dict[str, Any]:
    """Return what each table holds of a member, each row as JSON."""
    return await rows_of(tx, member_id, OF_MEMBER)


def forget(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget the messages of members, what they were to be told, and what is known of their addresses."""
    for statement in FORGET:
        tx.write(statement, (arrays.ids(member_ids),))
    tx.write(WIPE_BARE)


def forget_told(tx: Transaction, member_id: UUID, since: datetime) -> None:
    """Forget the messages that were written to a member since an instant, and what is known of the addresses."""
    tx.write(FORGET_TOLD, (member_id, since))
    tx.write(FORGET_STANDINGS, (member_id,))
