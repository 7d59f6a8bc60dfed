"""SQL of transfers between members."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Statement, Transaction

# What counts against the limits of a member is what was given and received under every id that means the member, by
# local days, of which every span is made, however many transfers there were.
COUNTED: LiteralString = """
SELECT b.member_id, p.side, min(p.recorded_at), sum(p.amount)::bigint
FROM members AS m JOIN member_books AS b ON b.member_id = coalesce(m.merged_into, m.member_id)
JOIN point_transfers AS p ON p.member_id = m.member_id AND p.recorded_at >= %(since)s
WHERE m.member_id = ANY (%(members)s::uuid[]) OR m.merged_into = ANY (%(members)s::uuid[])
GROUP BY b.member_id, p.side, (p.recorded_at AT TIME ZONE b.time_zone)::date
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
# What was given under one of these ids, or under one that stood for another's books then, in which it stands: by the
# reference that was forwarded.
GIVEN: LiteralString = (
    _ROWS  # noqa: S608 - our own text
    + """
WHERE p.transfer_id = %(transfer)s AND p.side = 'given' AND p.member_id IN (
    SELECT unnest(%(members)s::uuid[])
    UNION
    SELECT f.to_member_id FROM ledger_forwards AS f WHERE f.member_id = ANY (%(members)s::uuid[]) AND f.kind = 'posting'
) AND (p.member_id = ANY (%(members)s::uuid[]) OR EXISTS (
    SELECT FROM ledger_forwards AS f WHERE f.member_id = ANY (%(members)s::uuid[]) AND f.kind = 'posting'
        AND f.to_member_id = p.member_id AND f.name = 'transfer:' || p.reference
))
"""
)
ONE: LiteralString = _ROWS + "WHERE p.member_id = %s AND p.transfer_id = %s"
LIST: LiteralString = (
    _ROWS
    + """
WHERE p.member_id = ANY (%(members)s::uuid[])
  AND (%(at)s::timestamptz IS NULL
       OR (p.recorded_at, p.transfer_id, p.member_id) < (%(at)s::timestamptz, %(transfer)s::uuid, %(member)s::uuid))
ORDER BY p.recorded_at DESC, p.transfer_id DESC, p.member_id DESC LIMIT %(limit)s
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


Place = tuple[datetime, UUID, UUID]  # when it was recorded, which, and with whom of both the row is kept


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
    """Ask what members gave and received since an instant: who, which of both, when first on a local day, how much."""
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


async def given(tx: Transaction, member_ids: Sequence[UUID], transfer_id: UUID) -> TransferRow | None:
    """Return a transfer that was given under one of these ids, also where it stands in books that the id stood for."""
    rows = await tx.rows(GIVEN, {"members": arrays.ids(member_ids), "transfer": transfer_id})
    return TransferRow._make(rows[0]) if rows else None


async def listed(tx: Transaction, member_ids: Sequence[UUID], before: Place | None, limit: int) -> list[TransferRow]:
    """Return transfers of members, the last first; of one between two of them, both rows."""
    at, transfer_id, member_id = before or (None, None, None)
    places = {"at": at, "transfer": transfer_id, "member": member_id}
    rows = await tx.rows(LIST, {"members": arrays.ids(member_ids), **places, "limit": limit})
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
