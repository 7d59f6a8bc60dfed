"""SQL of adjustment requests, set-based."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from regulars.loyalty.contracts import RequestState, RequestsWanted
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Rows, Statement, Transaction

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
# A page is asked for in the words of what is wanted: a condition that is not there cannot mislead the planner.
_PAGE: LiteralString = """
FROM adjustment_requests AS r
JOIN wallets AS w ON w.wallet_id = r.wallet_id
LEFT JOIN adjustment_answers AS a ON a.member_id = r.member_id AND a.request_id = r.request_id
WHERE true
"""
_OF: dict[str, LiteralString] = {
    "member_id": " AND r.member_id = %(member_id)s",
    "asked_by": " AND r.asked_by = %(asked_by)s",
    "asked_from": " AND r.asked_at >= %(asked_from)s",
    "asked_until": " AND r.asked_at <= %(asked_until)s",
    "after": " AND (r.asked_at, r.request_id) < (%(after_at)s, %(after_id)s)",
}
_IN_STATE: dict[RequestState, LiteralString] = {
    "open": " AND a.request_id IS NULL AND r.expires_at > %(now)s",
    "expired": " AND a.request_id IS NULL AND r.expires_at <= %(now)s",
    "approved": " AND a.answer = 'approved'",
    "refused": " AND a.answer = 'refused'",
}
_LATEST_FIRST: LiteralString = " ORDER BY r.asked_at DESC, r.request_id DESC LIMIT %(limit)s"
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
INSERT INTO adjustment_answers (member_id, request_id, answer, answered_by, answered_at, note, transfer_seq, asked_by)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::bigint[],
    %s::text[])
"""


async def read_named(tx: Transaction, requests: Sequence[tuple[UUID, UUID]]) -> Rows:
    """Return requests by (member, id), with their answers."""
    return await tx.rows(
        NAMED, (arrays.ids([member for member, _ in requests]), arrays.ids([request for _, request in requests]))
    )


def page(wanted: RequestsWanted, now: datetime) -> Statement:
    """Return what asks for requests, the latest first."""
    after_at, after_id = wanted.after or (None, None)
    asked = {name: getattr(wanted, name) for name in _OF} | {"after_at": after_at, "after_id": after_id}
    conditions = [_OF[name] for name in _OF if asked[name] is not None]
    if wanted.state is not None:
        conditions.append(_IN_STATE[wanted.state])
    asked |= {"limit": wanted.limit, "now": now}
    return Statement(COLUMNS + _PAGE + "".join(conditions) + _LATEST_FIRST, asked)


async def read_page(tx: Transaction, wanted: RequestsWanted, now: datetime) -> Rows:
    """Return requests, the latest first."""
    (rows,) = await tx.read(page(wanted, now))
    return rows


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
    members, ids, answers, by, at, notes, seqs, askers = zip(*rows, strict=True)
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
            arrays.texts(askers),
        ),
    )
