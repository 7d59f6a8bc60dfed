"""SQL of transfers between members."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Statement, Transaction

# What counts against the limits of a member is what was given and received under every id that means the member.
COUNTED: LiteralString = """
SELECT coalesce(m.merged_into, m.member_id), p.side, p.recorded_at, p.amount
FROM members AS m JOIN point_transfers AS p ON p.member_id = m.member_id AND p.recorded_at >= %(since)s
WHERE m.member_id = ANY (%(members)s::uuid[]) OR m.merged_into = ANY (%(members)s::uuid[])
"""
_ROWS: LiteralString = """
SELECT p.member_id, p.transfer_id, p.side, p.other_id, p.wallet_id, p.amount, p.reference,
       p.command_hash, p.reason, p.actor, p.recorded_at, r.recorded_at
FROM point_transfers AS p
LEFT JOIN point_transfer_reversals AS r ON r.transfer_id = p.transfer_id
    AND r.member_id = CASE p.side WHEN 'given' THEN p.member_id ELSE p.other_id END
"""
KNOWN: LiteralString = (
    _ROWS
    + """
JOIN unnest(%s::uuid[], %s::text[]) AS wanted (member_id, reference)
    ON p.member_id = wanted.member_id AND p.reference = wanted.reference
"""
)
ONE: LiteralString = _ROWS + "WHERE p.member_id = %s AND p.transfer_id = %s"
LIST: LiteralString = (
    _ROWS
    + """
WHERE p.member_id = ANY (%(members)s::uuid[])
  AND (%(before)s::uuid IS NULL OR p.transfer_id < %(before)s::uuid)
ORDER BY p.transfer_id DESC LIMIT %(limit)s
"""
)
WALLETS: LiteralString = "SELECT wallet_id, code FROM wallets"
INSERT: LiteralString = """
INSERT INTO point_transfers (member_id, transfer_id, side, other_id, wallet_id, amount, reference,
    command_hash, reason, actor, recorded_at, written_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
REVERSE: LiteralString = """
INSERT INTO point_transfer_reversals (member_id, transfer_id, returned, covered, shortfall, expired, reason, actor,
    recorded_at, written_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


class TransferRow(NamedTuple):
    """A transfer as it is kept with one of the two."""

    member_id: UUID
    transfer_id: UUID
    side: str
    other_id: UUID
    wallet_id: int
    amount: int
    reference: str | None
    command_hash: bytes | None
    reason: str
    actor: str
    recorded_at: datetime
    reversed_at: datetime | None = None


def ask_counted(member_ids: Sequence[UUID], since: datetime) -> Statement:
    """Ask what members gave and received since an instant: who, which of both, when, how much."""
    return Statement(COUNTED, {"members": arrays.ids(member_ids), "since": since})


def ask_known(references: Sequence[tuple[UUID, str]]) -> Statement:
    """Ask for the transfers that members gave under references."""
    return Statement(
        KNOWN, (arrays.ids([member for member, _ in references]), arrays.texts([name for _, name in references]))
    )


async def one(tx: Transaction, member_id: UUID, transfer_id: UUID) -> TransferRow | None:
    """Return a transfer of a member."""
    rows = await tx.rows(ONE, (member_id, transfer_id))
    return TransferRow._make(rows[0]) if rows else None


async def listed(tx: Transaction, member_ids: Sequence[UUID], before: UUID | None, limit: int) -> list[TransferRow]:
    """Return transfers of members, the last first."""
    rows = await tx.rows(LIST, {"members": arrays.ids(member_ids), "before": before, "limit": limit})
    return [TransferRow._make(row) for row in rows]


def insert(tx: Transaction, row: TransferRow, written_at: datetime) -> None:
    """Write one side of a transfer down."""
    tx.write(INSERT, (*row[:-1], written_at))


class Reversal(NamedTuple):
    """That a transfer was taken back: what of it went back how, why, and by whom."""

    member_id: UUID
    transfer_id: UUID
    returned: int
    covered: int
    shortfall: int
    expired: int
    reason: str
    actor: str
    recorded_at: datetime


def reverse(tx: Transaction, row: Reversal, written_at: datetime) -> None:
    """Write down that a transfer was taken back."""
    tx.write(REVERSE, (*row, written_at))


async def wallet_codes(tx: Transaction) -> dict[int, str]:
    """Return the codes of wallets by their numbers."""
    return dict(await tx.rows(WALLETS))
