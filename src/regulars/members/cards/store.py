"""SQL of card codes: the primary key is what makes each good once."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from regulars.members.cards.codes import PARTED_AT_MOST, Opened
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Transaction

PARTED: LiteralString = """
SELECT least(count(*), %s) FROM member_merges WHERE survivor_id = %s AND undone_at IS NOT NULL
"""
# Of two tills at once the second waits until the first has committed, and then inserts nothing.
USE_CODE: LiteralString = (
    """
INSERT INTO used_card_codes (member_id, content, expires_at)
SELECT member_id, %s, %s FROM members WHERE member_id = %s AND status = 'active' AND ("""
    + PARTED
    + """) = %s
ON CONFLICT DO NOTHING RETURNING 1
"""
)
IS_USED: LiteralString = "SELECT 1 FROM used_card_codes WHERE member_id = %s AND content = %s"
DELETE_OLD: LiteralString = """
WITH old AS (SELECT member_id, content FROM used_card_codes WHERE expires_at < %s LIMIT %s FOR UPDATE SKIP LOCKED),
gone AS (DELETE FROM used_card_codes AS u USING old
         WHERE u.member_id = old.member_id AND u.content = old.content RETURNING 1)
SELECT count(*) FROM gone
"""


FORGET_MEMBERS: LiteralString = "DELETE FROM used_card_codes WHERE member_id = ANY (%s::uuid[])"


async def use_code(tx: Transaction, code: Opened, expires_at: datetime) -> bool:
    """Use a code up; False if it was used, there is no such member, or others were parted from the member since."""
    given = (code.content, expires_at, code.member_id, PARTED_AT_MOST, code.member_id, code.parted)
    return bool(await tx.rows(USE_CODE, given))


async def parted(tx: Transaction, member_id: UUID) -> int:
    """Return how often others were parted from a member, as far as codes can tell."""
    return int((await tx.rows(PARTED, (PARTED_AT_MOST, member_id)))[0][0])


async def is_used(tx: Transaction, member_id: UUID, content: bytes) -> bool:
    return bool(await tx.rows(IS_USED, (member_id, content)))


def delete_all(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget which codes of members were used."""
    tx.write(FORGET_MEMBERS, (arrays.ids(member_ids),))


async def delete_old(tx: Transaction, before: datetime, at_most: int) -> bool:
    """Delete codes that expired before `before`; True if there may be more."""
    return int((await tx.rows(DELETE_OLD, (before, at_most)))[0][0]) == at_most
