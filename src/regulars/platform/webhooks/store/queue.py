"""SQL of couriers: taking deliveries on lease, and writing what came of them, all of a round together."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import LiteralString, NamedTuple
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Transaction
from regulars.platform.webhooks.contracts import Delivery, Secrets, Taken, Told
from regulars.platform.webhooks.store.deliveries import as_delivery, columns


class Settled(NamedTuple):
    """What came of one attempt: how the delivery stands then, and what the log says."""

    delivery: Delivery
    state: str
    due_at: datetime | None
    at: datetime
    took_ms: int
    status: int | None
    answer: str
    error: str


class Course(NamedTuple):
    """What a round says of an endpoint: how many failed since the last success, since when, until when it rests."""

    failures: int
    failing_since: datetime | None
    next_try_at: datetime | None
    delivered_at: datetime | None


class Ready(NamedTuple):
    """An endpoint to which may be sent now."""

    endpoint_id: UUID
    failures: int
    failing_since: datetime | None


_READY: LiteralString = """
SELECT endpoint_id, failures, failing_since FROM webhook_endpoints
WHERE state = 'active' AND (next_try_at IS NULL OR next_try_at <= %s) ORDER BY endpoint_id
"""


async def ready(tx: Transaction, at: datetime) -> list[Ready]:
    """Return the endpoints to which may be sent."""
    return [Ready(*row) for row in await tx.rows(_READY, (at,))]


# Of each line the first that is not over may go, and only that: the one before it must be over. Who takes it moves its
# due time behind the lease; others skip what is being taken, and find it not due afterwards.
TAKE: LiteralString = f"""
WITH taken AS (
    SELECT found.delivery_id
    FROM unnest(%(endpoints)s::uuid[], %(places)s::integer[]) AS free (endpoint_id, places)
    CROSS JOIN LATERAL (
        SELECT d.delivery_id FROM webhook_deliveries AS d
        WHERE d.endpoint_id = free.endpoint_id AND d.state = 'pending' AND d.due_at <= %(at)s
          AND NOT EXISTS (
              SELECT 1 FROM webhook_deliveries AS earlier
              WHERE earlier.endpoint_id = d.endpoint_id AND earlier.line = d.line AND earlier.state = 'pending'
                AND earlier.position < d.position
          )
        ORDER BY d.due_at, d.position LIMIT free.places
        FOR UPDATE SKIP LOCKED
    ) AS found
)
UPDATE webhook_deliveries AS d
SET due_at = %(until)s, attempts = d.attempts + 1, first_tried_at = coalesce(d.first_tried_at, %(at)s)
FROM taken, webhook_events AS e, webhook_endpoints AS w
WHERE d.delivery_id = taken.delivery_id AND e.event_id = d.event_id AND w.endpoint_id = d.endpoint_id
RETURNING {columns()}, e.event_id, e.type, e.member_id, e.recorded_at, e.data, e.traceparent,
          w.url, w.sealed_secret, w.sealed_old_secret, w.old_secret_until, d.first_tried_at
"""  # noqa: S608 - our own text


async def take(tx: Transaction, places: Mapping[UUID, int], at: datetime, lease: timedelta) -> list[Taken]:
    """Take what is due of endpoints, at most so many of each; nobody else takes it before the lease ends."""
    rows = await tx.rows(
        TAKE,
        {
            "endpoints": arrays.ids(places.keys()),
            "places": arrays.ints(places.values()),
            "at": at,
            "until": at + lease,
        },
    )
    return [
        Taken(
            as_delivery(row[:11]),
            Told(*row[11:17]),
            row[17],
            Secrets(bytes(row[18]), None if row[19] is None else bytes(row[19]), row[20]),
            row[21],
        )
        for row in rows
    ]


# What was taken anew meanwhile, as its lease had ended, is no more ours to judge, unless it was taken by the receiver.
_SETTLE: LiteralString = """
WITH settled AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(attempts)s::integer[], %(states)s::text[], %(due)s::timestamptz[],
                         %(at)s::timestamptz[], %(took)s::integer[], %(statuses)s::integer[], %(answers)s::text[],
                         %(errors)s::text[])
        AS one (delivery_id, attempt, state, due_at, at, took_ms, status, answer, error)
), logged AS (
    INSERT INTO webhook_attempts (delivery_id, attempt, at, took_ms, status, answer, error)
    SELECT delivery_id, attempt, at, took_ms, status, answer, error FROM settled
    ON CONFLICT (delivery_id, attempt) DO NOTHING
)
UPDATE webhook_deliveries AS d
SET state = one.state, due_at = one.due_at, settled_at = CASE WHEN one.state = 'pending' THEN NULL ELSE one.at END
FROM settled AS one
WHERE d.delivery_id = one.delivery_id AND d.state = 'pending'
  AND (d.attempts = one.attempt OR one.state = 'delivered')
"""
# Those that stand behind one that failed are not looked at before it is due; they go on at once when it is over.
_LINE_FOLLOWS: LiteralString = """
UPDATE webhook_deliveries AS d SET due_at = one.due_at
FROM unnest(%(endpoints)s::uuid[], %(lines)s::uuid[], %(positions)s::bigint[], %(due)s::timestamptz[])
    AS one (endpoint_id, line, position, due_at)
WHERE d.endpoint_id = one.endpoint_id AND d.line = one.line AND d.state = 'pending' AND d.position > one.position
"""


def settle(tx: Transaction, settled: Sequence[Settled]) -> None:
    """Write what came of attempts."""
    tx.write(
        _SETTLE,
        {
            "ids": arrays.ids([one.delivery.delivery_id for one in settled]),
            "attempts": arrays.ints([one.delivery.attempts for one in settled]),
            "states": arrays.texts([one.state for one in settled]),
            "due": arrays.instants([one.due_at for one in settled]),
            "at": arrays.instants([one.at for one in settled]),
            "took": arrays.ints([one.took_ms for one in settled]),
            "statuses": arrays.ints([one.status for one in settled]),
            "answers": arrays.texts([one.answer for one in settled]),
            "errors": arrays.texts([one.error for one in settled]),
        },
    )


def let_lines_follow(tx: Transaction, behind: Sequence[tuple[UUID, UUID, int, datetime]]) -> None:
    """Let those behind a delivery be due at an instant; given as (endpoint, line, position, due)."""
    tx.write(
        _LINE_FOLLOWS,
        {
            "endpoints": arrays.ids([one[0] for one in behind]),
            "lines": arrays.ids([one[1] for one in behind]),
            "positions": arrays.ints([one[2] for one in behind]),
            "due": arrays.instants([one[3] for one in behind]),
        },
    )


_COURSES: LiteralString = """
UPDATE webhook_endpoints AS w
SET failures = one.failures, failing_since = one.failing_since, next_try_at = one.next_try_at,
    delivered_at = coalesce(one.delivered_at, w.delivered_at)
FROM unnest(%s::uuid[], %s::integer[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
    AS one (endpoint_id, failures, failing_since, next_try_at, delivered_at)
WHERE w.endpoint_id = one.endpoint_id
"""


def write_courses(tx: Transaction, courses: Mapping[UUID, Course]) -> None:
    """Write how endpoints are doing."""
    tx.write(
        _COURSES,
        (
            arrays.ids(courses.keys()),
            arrays.ints([one.failures for one in courses.values()]),
            arrays.instants([one.failing_since for one in courses.values()]),
            arrays.instants([one.next_try_at for one in courses.values()]),
            arrays.instants([one.delivered_at for one in courses.values()]),
        ),
    )
