"""SQL of the stored answers, and of refusals."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import accumulate
from typing import Any, LiteralString, NamedTuple

from regulars.platform.clock import wall_now
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Question, Statement, Transaction


class StoredRefusal(NamedTuple):
    """A refusal as it was decided; `data` is JSON, `refused_at` by the programme clock."""

    request_id: str
    client: str
    key_hash: bytes
    action: str
    subject: str
    code: str
    status: int
    pointer: str | None
    data: str
    refused_at: datetime


class StoredAnswer(NamedTuple):
    """The answer to an earlier request with the same key."""

    request_hash: bytes
    status: int
    body: bytes


SELECT_ANSWERS: LiteralString = """
SELECT a.client, a.key, a.request_hash, a.status, a.body
FROM unnest(%s::text[], %s::text[]) AS asked (client, key)
JOIN idempotency_answers AS a ON a.client = asked.client AND a.key = asked.key
"""

# Of two who carry one call out at once, the second waits for the first, and then finds its answer.
LOCK_ANSWER: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"

INSERT_ANSWERS: LiteralString = """
INSERT INTO idempotency_answers (client, key, request_hash, status, body, written_at)
SELECT client, key, request_hash, status, substring(%b::bytea FROM first FOR length), %s
FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::smallint[], %s::integer[], %s::integer[])
    AS answer (client, key, request_hash, status, first, length)
"""

DELETE_ANSWERS: LiteralString = """
WITH forgotten AS (
    DELETE FROM idempotency_answers WHERE ctid = ANY (
        ARRAY(SELECT ctid FROM idempotency_answers WHERE written_at < %s LIMIT %s)
    )
    RETURNING 1
)
SELECT count(*) FROM forgotten
"""

INSERT_REFUSALS: LiteralString = """
INSERT INTO refusals (request_id, client, key_hash, action, subject, code, status, pointer, data, refused_at,
    written_at)
SELECT *, %s FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::text[], %s::text[], %s::text[], %s::smallint[],
    %s::text[], %s::text[], %s::timestamptz[])
"""
REFUSAL_COLUMNS: LiteralString = """
SELECT request_id, client, key_hash, action, subject, code, status, pointer, data, refused_at FROM refusals
"""
# A request's id is its caller's own word: several may have chosen the same.
REFUSALS_OF_REQUEST: LiteralString = """
SELECT request_id, client, key_hash, action, subject, code, status, pointer, data, refused_at FROM (
    SELECT DISTINCT ON (client) * FROM refusals
    WHERE request_id = %(request_id)s AND (%(client)s::text IS NULL OR client = %(client)s)
      AND (%(row)s::integer IS NULL OR split_part(pointer, '/', 3) = %(row)s::text)
    ORDER BY client, refusal_no DESC) AS last_of_each
ORDER BY refusal_no DESC LIMIT %(limit)s
"""
REFUSAL_OF_KEY: LiteralString = (
    REFUSAL_COLUMNS
    + """
WHERE key_hash = %(key_hash)s AND (%(row)s::integer IS NULL OR split_part(pointer, '/', 3) = %(row)s::text)
ORDER BY refusal_no DESC LIMIT 1
"""
)
# A batch's rows are pointed to by the list and their place in it, from 0.
ROWS_OF_REQUEST: LiteralString = """
SELECT DISTINCT split_part(pointer, '/', 3)::integer FROM refusals
WHERE request_id = %(request_id)s AND (%(client)s::text IS NULL OR client = %(client)s)
  AND action = ANY (%(actions)s::text[]) AND pointer ~ '^/[a-z_]+/[0-9]+(/|$)' ORDER BY 1 LIMIT %(limit)s
"""
DELETE_REFUSALS: LiteralString = """
WITH forgotten AS (
    DELETE FROM refusals WHERE ctid = ANY (ARRAY(SELECT ctid FROM refusals WHERE written_at < %s LIMIT %s))
    RETURNING 1
)
SELECT count(*) FROM forgotten
"""


def ask(tx: Transaction, keys: Sequence[tuple[str, str]]) -> Question:
    """Ask for the stored answers among (client, key) pairs; the question goes along with the next read."""
    return tx.ask(
        SELECT_ANSWERS, (arrays.texts([client for client, _ in keys]), arrays.texts([key for _, key in keys]))
    )


async def recall(tx: Transaction, question: Question) -> dict[tuple[str, str], StoredAnswer]:
    """Return the stored answers that were asked for."""
    return {
        (client, key): StoredAnswer(bytes(digest), status, bytes(body))
        for client, key, digest, status, body in await tx.answer(question)
    }


async def recall_locked(tx: Transaction, owner: tuple[str, str]) -> StoredAnswer | None:
    """Return the stored answer of (client, key); until the transaction ends nobody else asks for it this way."""
    client, key = owner
    wanted = Statement(SELECT_ANSWERS, (arrays.texts([client]), arrays.texts([key])))
    _, found = await tx.read(Statement(LOCK_ANSWER, ("\n".join(owner),)), wanted)
    return StoredAnswer(bytes(found[0][2]), found[0][3], bytes(found[0][4])) if found else None


def remember(tx: Transaction, answers: Sequence[tuple[tuple[str, str], StoredAnswer]]) -> None:
    """Store answers by (client, key); one that appeared meanwhile breaks the transaction, which is then tried again."""
    owners, stored = zip(*answers, strict=True)
    clients, keys = zip(*owners, strict=True)
    digests, statuses, bodies = zip(*stored, strict=True)
    columns = (arrays.texts(clients), arrays.texts(keys), arrays.blobs(digests), arrays.ints(statuses))
    # The bodies go one behind the other as they are: an array of texts would be escaped here and parsed there.
    lengths = [len(body) for body in bodies]
    places = arrays.ints(accumulate(lengths[:-1], initial=1)), arrays.ints(lengths)
    tx.write(INSERT_ANSWERS, (b"".join(bodies), wall_now(), *columns, *places))


def wait_for_locks(tx: Transaction, milliseconds: int) -> None:
    """Let this transaction wait for each lock no longer than this."""
    tx.write(f"SET LOCAL lock_timeout = {milliseconds:d}")


async def forget(tx: Transaction, before: datetime, at_most: int) -> int:
    """Delete answers written before `before` (wall clock), at most `at_most` of them; return how many."""
    return int((await tx.rows(DELETE_ANSWERS, (before, at_most)))[0][0])


def key_hash(client: str, key: str) -> bytes:
    """Return what an idempotency key of a client is kept as beside a refusal."""
    return blake2b(f"{client}\n{key}".encode(), digest_size=16).digest()


def remember_refusals(tx: Transaction, refused: Sequence[StoredRefusal]) -> None:
    """Keep refusals, to be explained later."""
    requests, clients, keys, actions, subjects, codes, statuses, pointers, data, at = zip(*refused, strict=True)
    tx.write(
        INSERT_REFUSALS,
        (
            wall_now(),
            arrays.texts(requests),
            arrays.texts(clients),
            arrays.blobs(keys),
            arrays.texts(actions),
            arrays.texts(subjects),
            arrays.texts(codes),
            arrays.ints(statuses),
            list(pointers),
            arrays.texts(data),
            arrays.instants(at),
        ),
    )


async def refusals_of_request(
    tx: Transaction, request_id: str, client: str | None, row: int | None, limit: int
) -> list[StoredRefusal]:
    """Return the last refusal of each client under a request's id, or of a row of its batch; the last first."""
    asked = {"request_id": request_id, "client": client, "row": row, "limit": limit}
    return [_refusal(found) for found in await tx.rows(REFUSALS_OF_REQUEST, asked)]


async def refusal_of_key(tx: Transaction, key_hash: bytes, row: int | None) -> StoredRefusal | None:
    """Return the last refusal under an idempotency key, by the hash of client and key, or of a row of its batch."""
    rows = await tx.rows(REFUSAL_OF_KEY, {"key_hash": key_hash, "row": row})
    return _refusal(rows[0]) if rows else None


async def rows_of_request(
    tx: Transaction, request_id: str, client: str | None, actions: Sequence[str], limit: int
) -> list[int]:
    """Return which rows of a request's batch were refused, in their order."""
    asked = {"request_id": request_id, "client": client, "actions": list(actions), "limit": limit}
    return [row for (row,) in await tx.rows(ROWS_OF_REQUEST, asked)]


def _refusal(row: tuple[Any, ...]) -> StoredRefusal:
    return StoredRefusal(*row)._replace(key_hash=bytes(row[2]))


async def forget_refusals(tx: Transaction, before: datetime, at_most: int) -> int:
    """Delete refusals written before `before` (wall clock), at most `at_most` of them; return how many."""
    return int((await tx.rows(DELETE_REFUSALS, (before, at_most)))[0][0])
