"""SQL of adjustment requests, set-based."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Rows, Transaction

COLUMNS: LiteralString = """
SELECT r.member_id, r.request_id, w.code, r.amount, r.reason, r.reference, a.answer, r.asked_by, r.asked_at,
       r.expires_at, r.policy_version, a.answered_by, a.answered_at, a.note, a.transfer_seq, r.command_hash
"""
_NAMED: LiteralString = """
FROM unnest(%s::uuid[], %s::uuid[]) AS asked (member_id, request_id)
JOIN adjustment_requests AS r ON r.member_id = asked.member_id AND r.request_id = asked.request_id
JOIN wallets AS w ON w.wallet_id = r.wallet_id
LEFT JOIN adjustment_answers AS a ON a.member_id = r.member_id AND a.request_id = r.request_id
"""
NAMED = COLUMNS + _NAMED
_PAGE: LiteralString = """
FROM adjustment_requests AS r
JOIN wallets AS w ON w.wallet_id = r.wallet_id
LEFT JOIN adjustment_answers AS a ON a.member_id = r.member_id AND a.request_id = r.request_id
WHERE (%(member)s::uuid IS NULL OR r.member_id = %(member)s)
  AND (NOT %(open)s OR (a.request_id IS NULL AND r.expires_at > %(now)s))
  AND (%(after)s::uuid IS NULL OR (r.asked_at, r.request_id) < (
      SELECT o.asked_at, o.request_id FROM adjustment_requests AS o WHERE o.request_id = %(after)s LIMIT 1))
ORDER BY r.asked_at DESC, r.request_id DESC LIMIT %(limit)s
"""
PAGE = COLUMNS + _PAGE
_WAITING: LiteralString = """
FROM adjustment_requests AS r
JOIN wallets AS w ON w.wallet_id = r.wallet_id
LEFT JOIN adjustment_answers AS a ON a.member_id = r.member_id AND a.request_id = r.request_id
WHERE r.expires_at > %(now)s AND a.request_id IS NULL
  AND (%(after_at)s::timestamptz IS NULL OR (r.expires_at, r.request_id) > (%(after_at)s, %(after_id)s::uuid))
ORDER BY r.expires_at, r.request_id LIMIT %(limit)s
"""
WAITING = COLUMNS + _WAITING
COUNT_WAITING: LiteralString = """
SELECT count(*)::int FROM adjustment_requests AS r WHERE r.expires_at > %s AND r.asked_by <> %s AND NOT EXISTS (
    SELECT FROM adjustment_answers AS a WHERE a.member_id = r.member_id AND a.request_id = r.request_id)
"""
INSERT_REQUESTS: LiteralString = """
INSERT INTO adjustment_requests (member_id, request_id, wallet_id, amount, reason, reference, asked_by, asked_at,
    expires_at, policy_version, command_hash)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::smallint[], %s::bigint[], %s::text[], %s::text[], %s::text[],
    %s::timestamptz[], %s::timestamptz[], %s::integer[], %s::bytea[])
"""
INSERT_ANSWERS: LiteralString = """
INSERT INTO adjustment_answers (member_id, request_id, answer, answered_by, answered_at, note, transfer_seq)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::bigint[])
"""


async def read_named(tx: Transaction, requests: Sequence[tuple[UUID, UUID]]) -> Rows:
    """Return requests by (member, id), with their answers."""
    return await tx.rows(
        NAMED, (arrays.ids([member for member, _ in requests]), arrays.ids([request for _, request in requests]))
    )


async def read_page(
    tx: Transaction, *, member_id: UUID | None, is_open: bool, after: UUID | None, limit: int, now: datetime
) -> Rows:
    """Return requests, the latest first."""
    parameters = {"member": member_id, "open": is_open, "after": after, "limit": limit, "now": now}
    return await tx.rows(PAGE, parameters)


async def read_waiting(tx: Transaction, *, after: tuple[datetime, UUID] | None, limit: int, now: datetime) -> Rows:
    """Return open requests, by when they are over."""
    after_at, after_id = after or (None, None)
    return await tx.rows(WAITING, {"now": now, "after_at": after_at, "after_id": after_id, "limit": limit})


async def count_waiting(tx: Transaction, *, actor: str, now: datetime) -> int:
    """Return how many open requests somebody else asked for."""
    found: int = (await tx.rows(COUNT_WAITING, (now, actor)))[0][0]
    return found


def insert_requests(tx: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write requests, in the order of the table's columns."""
    members, ids, wallets, amounts, reasons, references, by, at, until, versions, hashes = zip(*rows, strict=True)
    tx.write(
        INSERT_REQUESTS,
        (
            arrays.ids(members),
            arrays.ids(ids),
            arrays.ints(wallets),
            arrays.ints(amounts),
            arrays.texts(reasons),
            arrays.texts(references),
            arrays.texts(by),
            arrays.instants(at),
            arrays.instants(until),
            arrays.ints(versions),
            arrays.blobs(hashes),
        ),
    )


def insert_answers(tx: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write answers, in the order of the table's columns."""
    members, ids, answers, by, at, notes, seqs = zip(*rows, strict=True)
    tx.write(
        INSERT_ANSWERS,
        (
            arrays.ids(members),
            arrays.ids(ids),
            arrays.texts(answers),
            arrays.texts(by),
            arrays.instants(at),
            arrays.texts(notes),
            arrays.ints(seqs),
        ),
    )
