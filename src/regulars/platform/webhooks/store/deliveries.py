"""SQL of deliveries: written set-based, read as a log, replayed, forgotten."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Rows, Transaction
from regulars.platform.webhooks.contracts import NO_MEMBER, Attempt, Chosen, Delivery, Told


class Fresh(NamedTuple):
    """A delivery to be written."""

    delivery_id: UUID
    endpoint_id: UUID
    event_id: UUID
    type: str
    member_id: UUID | None


_COLUMNS: LiteralString = """
d.delivery_id, d.endpoint_id, d.event_id, d.type, d.line, d.position, d.state, d.attempts, d.queued_at, d.due_at,
d.settled_at
"""


def as_delivery(row: Sequence[Any]) -> Delivery:
    """Read a row of `columns`."""
    return Delivery._make([*row[:4], None if row[4] == NO_MEMBER else row[4], *row[5:]])


def columns() -> LiteralString:
    """Return what `as_delivery` reads, of a table called d."""
    return _COLUMNS


_INSERT_EVENTS: LiteralString = """
INSERT INTO webhook_events (event_id, type, member_id, recorded_at, data, traceparent)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::timestamptz[], %s::text[], %s::text[])
ON CONFLICT (event_id) DO NOTHING
"""
# Numbered in the order given: the order of the relay.
_INSERT: LiteralString = """
INSERT INTO webhook_deliveries (
    delivery_id, endpoint_id, event_id, type, line, position, state, attempts, queued_at, due_at
)
SELECT delivery_id, endpoint_id, event_id, type, line, nextval('webhook_position_seq'), 'pending', 0, %(at)s, %(at)s
FROM (
    SELECT * FROM unnest(%(ids)s::uuid[], %(endpoints)s::uuid[], %(events)s::uuid[], %(types)s::text[],
                         %(lines)s::uuid[]) WITH ORDINALITY
        AS fresh (delivery_id, endpoint_id, event_id, type, line, number)
    ORDER BY number
) AS ordered
ON CONFLICT (event_id, endpoint_id) DO NOTHING
"""


def write(tx: Transaction, told: Sequence[Told], fresh: Sequence[Fresh], at: datetime) -> None:
    """Write events and their deliveries, due at `at`; what was written before stays as it is."""
    tx.write(
        _INSERT_EVENTS,
        (
            arrays.ids([one.event_id for one in told]),
            arrays.texts([one.type for one in told]),
            arrays.ids([one.member_id for one in told]),
            arrays.instants([one.recorded_at for one in told]),
            arrays.texts([one.data for one in told]),
            arrays.texts([one.traceparent for one in told]),
        ),
    )
    tx.write(
        _INSERT,
        {
            "at": at,
            "ids": arrays.ids([one.delivery_id for one in fresh]),
            "endpoints": arrays.ids([one.endpoint_id for one in fresh]),
            "events": arrays.ids([one.event_id for one in fresh]),
            "types": arrays.texts([one.type for one in fresh]),
            "lines": arrays.ids([one.member_id or NO_MEMBER for one in fresh]),
        },
    )


# --- the log --------------------------------------------------------------------------------------------------------

_HIGHEST = 2**62


def _conditions(chosen: Chosen) -> LiteralString:
    """Return what is asked of a delivery called d, and nothing else: one plan for any values finds the right index."""
    conditions: list[LiteralString] = [
        "d.endpoint_id = %(endpoint)s AND d.position BETWEEN %(first)s AND %(last)s",
        *(["d.type = %(type)s"] if chosen.type is not None else []),
        *(["d.line = %(line)s"] if chosen.member_id is not None else []),
        *(["d.queued_at >= %(since)s"] if chosen.since is not None else []),
        *(["d.queued_at <= %(until)s"] if chosen.until is not None else []),
    ]
    if chosen.states == ("failed",):
        conditions.append("d.state = 'failed'")  # as their index says it
    elif chosen.states:
        conditions.append("d.state = ANY (%(states)s::text[])")
    return " AND ".join(conditions)


def _parameters(endpoint_id: UUID, chosen: Chosen) -> dict[str, Any]:
    return {
        "endpoint": endpoint_id,
        "states": arrays.texts(chosen.states),
        "type": chosen.type,
        "line": chosen.member_id,
        "since": chosen.since,
        "until": chosen.until,
        "first": 0 if chosen.first is None else chosen.first,
        "last": _HIGHEST if chosen.last is None else chosen.last,
    }


async def listed(tx: Transaction, endpoint_id: UUID, chosen: Chosen, limit: int) -> list[Delivery]:
    """Return deliveries of an endpoint, the latest first, at most `limit`."""
    text: LiteralString = f"""
    SELECT {_COLUMNS} FROM webhook_deliveries AS d WHERE {_conditions(chosen)} ORDER BY d.position DESC LIMIT %(limit)s
    """  # noqa: S608 - our own text
    rows = await tx.rows(text, _parameters(endpoint_id, chosen) | {"limit": limit})
    return [as_delivery(row) for row in rows]


async def find(tx: Transaction, endpoint_id: UUID, delivery_id: UUID) -> tuple[Delivery, Told] | None:
    """Return a delivery and its event."""
    text: LiteralString = f"""
    SELECT {_COLUMNS}, e.event_id, e.type, e.member_id, e.recorded_at, e.data
    FROM webhook_deliveries AS d JOIN webhook_events AS e USING (event_id)
    WHERE d.delivery_id = %s AND d.endpoint_id = %s
    """  # noqa: S608 - our own text
    rows = await tx.rows(text, (delivery_id, endpoint_id))
    return (as_delivery(rows[0][:11]), Told(*rows[0][11:])) if rows else None


async def attempts(tx: Transaction, delivery_ids: Sequence[UUID]) -> dict[UUID, list[Attempt]]:
    """Return the attempts of deliveries, in order."""
    text: LiteralString = """
    SELECT delivery_id, attempt, at, took_ms, status, answer, error FROM webhook_attempts
    WHERE delivery_id = ANY (%s::uuid[]) ORDER BY delivery_id, attempt
    """
    found: dict[UUID, list[Attempt]] = {}
    for delivery_id, *rest in await tx.rows(text, (arrays.ids(delivery_ids),)):
        found.setdefault(delivery_id, []).append(Attempt(*rest))
    return found


async def replay(tx: Transaction, endpoint_id: UUID, chosen: Chosen, at: datetime, limit: int) -> int:
    """Let deliveries that are over be sent anew, at most `limit`; return how many."""
    text: LiteralString = f"""
    UPDATE webhook_deliveries AS d
    SET state = 'pending', due_at = %(at)s, first_tried_at = NULL, settled_at = NULL
    FROM (
        SELECT d.delivery_id FROM webhook_deliveries AS d
        WHERE {_conditions(chosen)} AND d.state <> 'pending' LIMIT %(limit)s
    ) AS chosen
    WHERE d.delivery_id = chosen.delivery_id AND d.state <> 'pending'
    RETURNING d.delivery_id
    """  # noqa: S608 - our own text
    return len(await tx.rows(text, _parameters(endpoint_id, chosen) | {"at": at, "limit": limit}))


async def count(tx: Transaction, endpoint_id: UUID, chosen: Chosen, limit: int) -> int:
    """Return how many deliveries `replay` would take, up to `limit`."""
    text: LiteralString = f"""
    SELECT count(*) FROM (
        SELECT 1 FROM webhook_deliveries AS d
        WHERE {_conditions(chosen)} AND d.state <> 'pending' LIMIT %(limit)s
    ) AS chosen
    """  # noqa: S608 - our own text
    return int((await tx.rows(text, _parameters(endpoint_id, chosen) | {"limit": limit}))[0][0])


def replay_one(tx: Transaction, delivery_id: UUID, at: datetime) -> None:
    """Let a delivery that is over be sent anew."""
    text: LiteralString = """
    UPDATE webhook_deliveries SET state = 'pending', due_at = %s, first_tried_at = NULL, settled_at = NULL
    WHERE delivery_id = %s AND state <> 'pending'
    """
    tx.write(text, (at, delivery_id))


# --- retention ------------------------------------------------------------------------------------------------------

# Of an endpoint that is no more, everything goes.
_FORGET: LiteralString = """
WITH gone AS (
    DELETE FROM webhook_deliveries USING (
        SELECT delivery_id FROM webhook_deliveries AS d
        WHERE (delivery_id < %(before)s AND state <> 'pending' AND settled_at < %(settled)s)
           OR NOT EXISTS (SELECT 1 FROM webhook_endpoints AS e WHERE e.endpoint_id = d.endpoint_id)
        LIMIT %(limit)s
    ) AS old WHERE webhook_deliveries.delivery_id = old.delivery_id
    RETURNING webhook_deliveries.delivery_id
), attempts AS (
    DELETE FROM webhook_attempts USING gone WHERE webhook_attempts.delivery_id = gone.delivery_id
)
SELECT count(*) FROM gone
"""
_FORGET_EVENTS: LiteralString = """
DELETE FROM webhook_events USING (
    SELECT event_id FROM webhook_events AS e
    WHERE event_id < %(before)s
      AND NOT EXISTS (SELECT 1 FROM webhook_deliveries AS d WHERE d.event_id = e.event_id)
    LIMIT %(limit)s
) AS old WHERE webhook_events.event_id = old.event_id
RETURNING webhook_events.event_id
"""


async def forget(tx: Transaction, before: UUID, settled: datetime, limit: int) -> int:
    """Delete deliveries with older ids that ended before `settled`, and those of endpoints that are no more."""
    rows: Rows = await tx.rows(_FORGET, {"before": before, "settled": settled, "limit": limit})
    return int(rows[0][0])


async def forget_events(tx: Transaction, before: UUID, limit: int) -> int:
    """Delete events with older ids that no delivery tells any more."""
    return len(await tx.rows(_FORGET_EVENTS, {"before": before, "limit": limit}))


async def count_lost(tx: Transaction) -> int:
    """Return how many deliveries wait whose event is not there."""
    text: LiteralString = """
    SELECT count(*) FROM webhook_deliveries AS d
    WHERE state = 'pending' AND NOT EXISTS (SELECT 1 FROM webhook_events AS e WHERE e.event_id = d.event_id)
    """
    return int((await tx.rows(text))[0][0])
