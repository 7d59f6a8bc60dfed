"""SQL of the relay: pages of the outbox, marks of handled events, parked events."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.snapshots import IN_WINDOW, Window
from regulars.platform.db.transaction import Transaction
from regulars.platform.outbox.contracts import ParkedEvent, ParkedState


class Recorded(NamedTuple):
    """A row of the outbox."""

    seq: int
    event_id: UUID
    type: str
    member_id: UUID | None
    recorded_at: datetime
    payload: str
    traceparent: str | None


class Held(NamedTuple):
    """A row of the outbox that did not get through, and how often it failed."""

    handler: str
    attempts: int
    recorded: Recorded


class Setback(NamedTuple):
    """What is to be noted of an event that did not get through."""

    seq: int
    member_id: UUID | None
    state: ParkedState
    attempts: int
    next_attempt_at: datetime | None
    error: str


_PAGE: LiteralString = (
    """
SELECT seq, event_id, type, member_id, recorded_at, payload, traceparent
FROM outbox
WHERE seq > %(last_seq)s AND seq <= %(end_seq)s AND NOT type = ANY (%(unheeded)s::text[])
"""
    + IN_WINDOW
    + "ORDER BY seq LIMIT %(limit)s"
)


async def read_page(tx: Transaction, window: Window, unheeded: Iterable[str], limit: int) -> list[Recorded]:
    """Return the next rows of a window, in order, at most `limit`, but those of types that nobody reacts to."""
    parameters = window._asdict() | {"unheeded": arrays.texts(unheeded), "limit": limit}
    return [Recorded(*row) for row in await tx.rows(_PAGE, parameters)]


_MARK: LiteralString = """
INSERT INTO handled_events (event_id, handler) SELECT event_id, %s FROM unnest(%s::uuid[]) AS event_id
ON CONFLICT (event_id, handler) DO NOTHING RETURNING event_id
"""


async def mark_handled(tx: Transaction, handler: str, event_ids: Iterable[UUID]) -> set[UUID]:
    """Mark events as handled and return those that were not yet."""
    return {event_id for (event_id,) in await tx.rows(_MARK, (handler, arrays.ids(event_ids)))}


_FORGET_MARKS: LiteralString = """
WITH old AS (SELECT event_id, handler FROM handled_events WHERE event_id < %s ORDER BY event_id LIMIT %s),
gone AS (DELETE FROM handled_events AS h USING old
         WHERE (h.event_id, h.handler) = (old.event_id, old.handler) RETURNING 1)
SELECT count(*) FROM gone
"""


async def forget_handled(tx: Transaction, before: UUID, limit: int) -> int:
    """Remove marks of events whose ids are older than `before`, at most `limit`; return how many."""
    return int((await tx.rows(_FORGET_MARKS, (before, limit)))[0][0])


# Of the oldest rows those that every reader has passed. The newest row of all stays, whatever its age: who has read
# everything is known by it. A row with a place among parked events is still to be handed out.
_FORGET_EVENTS: LiteralString = """
WITH oldest AS (
    SELECT seq, event_id, transaction_id FROM outbox AS o
    WHERE NOT EXISTS (SELECT 1 FROM parked_events AS p WHERE p.seq = o.seq)
    ORDER BY seq LIMIT %(limit)s
), gone AS (
    DELETE FROM outbox AS o USING oldest
    WHERE o.seq = oldest.seq AND oldest.event_id < %(before)s AND o.seq < (SELECT max(seq) FROM outbox)
      AND EXISTS (SELECT 1 FROM relay_cursors WHERE reader = %(reader)s)
      AND NOT EXISTS (
          SELECT 1 FROM relay_cursors AS c
          WHERE c.log = 'outbox' AND NOT pg_visible_in_snapshot(oldest.transaction_id, c.last_snapshot)
      )
    RETURNING 1
)
SELECT count(*) FROM gone
"""


async def forget_events(tx: Transaction, before: UUID, reader: str, limit: int) -> int:
    """Delete events with ids older than `before`, at most `limit`, that every reader has passed; return how many."""
    return int((await tx.rows(_FORGET_EVENTS, {"before": before, "reader": reader, "limit": limit}))[0][0])


# --- parked ---------------------------------------------------------------------------------------------------

_HELD_MEMBERS: LiteralString = """
SELECT DISTINCT handler, member_id FROM parked_events
WHERE handler = ANY (%s::text[]) AND member_id = ANY (%s::uuid[])
"""


async def held_members(tx: Transaction, handlers: Iterable[str], member_ids: Iterable[UUID]) -> list[tuple[str, UUID]]:
    """Return which of the members have an event that has not got through a handler, and which handler."""
    rows = await tx.rows(_HELD_MEMBERS, (arrays.texts(handlers), arrays.ids(member_ids)))
    return [(handler, member_id) for handler, member_id in rows]


# The events that are due, and those that stand behind them.
_DUE: LiteralString = """
WITH due AS (
    SELECT handler, member_id, seq FROM parked_events
    WHERE reader = %(reader)s AND state = 'retrying' AND next_attempt_at <= %(at)s
      AND handler = ANY (%(handlers)s::text[])
    ORDER BY next_attempt_at, seq LIMIT %(limit)s
), rows AS (
    SELECT handler, seq FROM due
    UNION
    SELECT p.handler, p.seq FROM due JOIN parked_events AS p
        ON p.handler = due.handler AND p.member_id = due.member_id AND p.state = 'waiting' AND p.seq > due.seq
)
SELECT p.handler, p.attempts, o.seq, o.event_id, o.type, o.member_id, o.recorded_at, o.payload, o.traceparent
FROM rows JOIN parked_events AS p USING (handler, seq) JOIN outbox AS o USING (seq)
ORDER BY o.seq LIMIT %(limit)s
"""


async def read_due(tx: Transaction, reader: str, handlers: Iterable[str], at: datetime, limit: int) -> list[Held]:
    """Return events to be tried again at `at` with those waiting behind them, in order, at most `limit`."""
    parameters = {"reader": reader, "handlers": arrays.texts(handlers), "at": at, "limit": limit}
    return [Held(row[0], row[1], Recorded(*row[2:])) for row in await tx.rows(_DUE, parameters)]


_PARK: LiteralString = """
INSERT INTO parked_events (handler, seq, reader, member_id, state, attempts, next_attempt_at, error, parked_at)
SELECT %s, seq, %s, member_id, state, attempts, next_attempt_at, error, %s
FROM unnest(%s::bigint[], %s::uuid[], %s::text[], %s::integer[], %s::timestamptz[], %s::text[])
    AS new (seq, member_id, state, attempts, next_attempt_at, error)
ON CONFLICT (handler, seq) DO UPDATE
SET state = excluded.state, attempts = excluded.attempts, next_attempt_at = excluded.next_attempt_at,
    error = excluded.error
"""


def park(tx: Transaction, reader: str, handler: str, setbacks: Collection[Setback], at: datetime) -> None:
    """Note events that did not get through, at the wall clock's `at`."""
    tx.write(
        _PARK,
        (
            handler,
            reader,
            at,
            arrays.ints([setback.seq for setback in setbacks]),
            arrays.ids([setback.member_id for setback in setbacks]),
            arrays.texts([setback.state for setback in setbacks]),
            arrays.ints([setback.attempts for setback in setbacks]),
            arrays.instants([setback.next_attempt_at for setback in setbacks]),
            arrays.texts([setback.error for setback in setbacks]),
        ),
    )


def release(tx: Transaction, handler: str, seqs: Iterable[int]) -> None:
    """Take events off the list: they got through, or somebody gave them up."""
    tx.write("DELETE FROM parked_events WHERE handler = %s AND seq = ANY (%s::bigint[])", (handler, arrays.ints(seqs)))


_MOVE_UP: LiteralString = """
UPDATE parked_events AS p SET state = 'retrying', next_attempt_at = %(at)s
FROM (
    SELECT handler, member_id, min(seq) AS seq FROM parked_events
    WHERE handler = %(handler)s AND member_id = ANY (%(members)s::uuid[])
    GROUP BY handler, member_id
) AS foremost
WHERE p.handler = foremost.handler AND p.seq = foremost.seq AND p.state = 'waiting'
"""


def move_up(tx: Transaction, handler: str, member_ids: Iterable[UUID], at: datetime) -> None:
    """Let the foremost event of each member be tried at `at`, if it only waited."""
    tx.write(_MOVE_UP, {"handler": handler, "members": arrays.ids(member_ids), "at": at})


_PARKED: LiteralString = """
SELECT p.reader, p.handler, p.seq, o.event_id, o.type, p.member_id, p.state, p.attempts, p.next_attempt_at, p.error,
       p.parked_at
FROM parked_events AS p JOIN outbox AS o USING (seq)
"""


def _parked(rows: Iterable[Sequence[object]]) -> list[ParkedEvent]:
    fields = ParkedEvent.__struct_fields__
    return [ParkedEvent(**dict(zip(fields, row, strict=True))) for row in rows]  # type: ignore[arg-type] # as selected


async def list_parked(
    tx: Transaction, *, handler: str | None, states: Sequence[ParkedState], after: tuple[int, str], limit: int
) -> list[ParkedEvent]:
    """Return events that did not get through, in order, after that one (number, handler), at most `limit`."""
    condition = """WHERE p.state = ANY (%(states)s) AND (p.seq, p.handler) > (%(after_seq)s, %(after_handler)s)
        AND (p.handler = %(handler)s::text OR %(handler)s::text IS NULL) ORDER BY p.seq, p.handler LIMIT %(limit)s"""
    parameters = {"handler": handler, "states": list(states), "limit": limit}
    parameters |= {"after_seq": after[0], "after_handler": after[1]}
    return _parked(await tx.rows(_PARKED + condition, parameters))


async def find_parked(tx: Transaction, handler: str, seq: int) -> ParkedEvent | None:
    """Return one event that did not get through."""
    return next(
        iter(_parked(await tx.rows(_PARKED + "WHERE p.handler = %s AND p.seq = %s", (handler, seq)))),
        None,
    )


_REPLAY: LiteralString = """
UPDATE parked_events SET state = 'retrying', attempts = 0, next_attempt_at = %(at)s
WHERE state = ANY (%(states)s) AND (handler = %(handler)s::text OR %(handler)s::text IS NULL)
  AND (seq = %(seq)s::bigint OR %(seq)s::bigint IS NULL)
RETURNING handler, seq
"""


async def replay(
    tx: Transaction, *, handler: str | None, seq: int | None, states: Sequence[ParkedState], at: datetime
) -> list[tuple[str, int]]:
    """Let events be tried anew at `at`, as if for the first time; return which."""
    parameters = {"handler": handler, "seq": seq, "states": list(states), "at": at}
    return [(name, found) for name, found in await tx.rows(_REPLAY, parameters)]


async def count_parked(tx: Transaction, reader: str) -> dict[str, int]:
    """Return state → how many events."""
    rows = await tx.rows("SELECT state, count(*) FROM parked_events WHERE reader = %s GROUP BY state", (reader,))
    return dict(rows)


async def find_event_id(tx: Transaction, seq: int) -> UUID | None:
    """Return the id of the event with this number."""
    rows = await tx.rows("SELECT event_id FROM outbox WHERE seq = %s", (seq,))
    return rows[0][0] if rows else None
