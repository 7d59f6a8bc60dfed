"""SQL of the stored answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple

from regulars.platform.clock import wall_now
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Question, Transaction


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

INSERT_ANSWERS: LiteralString = """
INSERT INTO idempotency_answers (client, key, request_hash, status, body, written_at)
SELECT client, key, request_hash, status, convert_to(body, 'UTF8'), %s
FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::smallint[], %s::text[])
    AS answer (client, key, request_hash, status, body)
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


def remember(tx: Transaction, answers: Sequence[tuple[tuple[str, str], StoredAnswer]]) -> None:
    """Store answers by (client, key); one that appeared meanwhile breaks the transaction, which is then tried again."""
    owners, stored = zip(*answers, strict=True)
    clients, keys = zip(*owners, strict=True)
    digests, statuses, bodies = zip(*stored, strict=True)
    columns = (arrays.texts(clients), arrays.texts(keys), arrays.blobs(digests), arrays.ints(statuses))
    tx.write(INSERT_ANSWERS, (wall_now(), *columns, arrays.documents(bodies)))


def wait_for_locks(tx: Transaction, milliseconds: int) -> None:
    """Let this transaction wait for each lock no longer than this."""
    tx.write(f"SET LOCAL lock_timeout = {milliseconds:d}")


async def forget(tx: Transaction, before: datetime, at_most: int) -> int:
    """Delete answers written before `before` (wall clock), at most `at_most` of them; return how many."""
    return int((await tx.rows(DELETE_ANSWERS, (before, at_most)))[0][0])
