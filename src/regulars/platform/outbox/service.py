"""What a person does about events that did not get through, and how far the relay is behind."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.clock import wall_now
from regulars.platform.db import snapshots
from regulars.platform.db.snapshots import OUTBOX
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import Conflict, NotFound
from regulars.platform.ids import derived_id
from regulars.platform.outbox.contracts import Backlog, ParkedEvent, ParkedState
from regulars.platform.outbox.relay import REACTIONS_READER
from regulars.platform.outbox.store import relayed

ALL_STATES: tuple[ParkedState, ...] = ("parked", "retrying", "waiting")


async def list_parked(
    tx: Transaction,
    *,
    handler: str | None = None,
    states: Sequence[ParkedState] = ALL_STATES,
    after: tuple[int, str] = (0, ""),
    limit: int = 100,
) -> list[ParkedEvent]:
    """Return events that have not got through, in the order they happened, at most `limit`.

    `after` is the number and the handler of the last one that is known already.
    """
    return await relayed.list_parked(tx, handler=handler, states=states, after=after, limit=limit)


async def find_parked(tx: Transaction, handler: str, seq: int) -> ParkedEvent:
    """Return one event that has not got through. Raises NotFound."""
    event = await relayed.find_parked(tx, handler, seq)
    if event is None:
        raise NotFound
    return event


async def replay_parked(tx: Transaction, handler: str, seq: int, *, reason: str) -> ParkedEvent:
    """Let one event be tried again at once, with all its attempts anew.

    Raises NotFound, and Conflict for an event that waits behind another one of its member: replay that one.
    """
    event = await _lock(tx, handler, seq)
    if event.state == "waiting":
        raise Conflict
    await relayed.replay(tx, handler=handler, seq=seq, states=("parked", "retrying"), at=wall_now())
    _audit(tx, "replay_parked_event", event, reason)
    return event


async def replay_all_parked(tx: Transaction, *, handler: str | None = None, reason: str) -> int:
    """Let every parked event (of one handler) be tried again at once; return how many."""
    replayed = await relayed.replay(tx, handler=handler, seq=None, states=("parked",), at=wall_now())
    if replayed:
        entry = AuditEntry(
            actor=tx.actor,
            action="replay_parked_events",
            subject=handler or "all handlers",
            reason=reason,
            request_id=tx.request_id,
            detail=f"{len(replayed)} events",
        )
        tx.audit(entry)
    return len(replayed)


async def discard_parked(tx: Transaction, handler: str, seq: int, *, reason: str) -> ParkedEvent:
    """Give one event up for this handler; those waiting behind it go on. Raises NotFound."""
    event = await _lock(tx, handler, seq)
    await relayed.mark_handled(tx, handler, [event.event_id])
    relayed.release(tx, handler, [seq])
    if event.member_id is not None:
        relayed.move_up(tx, handler, [event.member_id], wall_now())
    _audit(tx, "discard_parked_event", event, reason)
    return event


async def backlog(tx: Transaction, reader: str = REACTIONS_READER) -> Backlog:
    """Return how far a reader of the outbox is behind."""
    unread, first = await snapshots.count_unread(tx, reader, OUTBOX)
    counts = await relayed.count_parked(tx, reader)
    return Backlog(
        reader=reader,
        unread=unread,
        oldest_unread_seconds=await _age_seconds(tx, first) if first is not None else None,
        retrying=counts.get("retrying", 0),
        waiting=counts.get("waiting", 0),
        parked=counts.get("parked", 0),
    )


async def forget_handled(tx: Transaction, before: datetime, *, at_most: int) -> bool:
    """Remove marks of events written before this instant of the wall clock; True if there may be more.

    Keep them for longer than a backup may be old that you would restore.
    """
    return await relayed.forget_handled(tx, _first_id(before), at_most) == at_most


async def forget_events(tx: Transaction, before: datetime, *, at_most: int) -> bool:
    """Delete events written before this instant of the wall clock; True if there may be more.

    What a reader has before it stays, and so does what did not get through, and the newest of all.
    """
    return await relayed.forget_events(tx, _first_id(before), REACTIONS_READER, at_most) == at_most


def _first_id(at: datetime) -> UUID:
    """Return what is at most every id that is made from that instant on."""
    return UUID(int=derived_id(at, "").int >> 80 << 80)


async def _lock(tx: Transaction, handler: str, seq: int) -> ParkedEvent:
    """Return the event, with the relay standing still: it must not put others behind one that goes away."""
    event = await relayed.find_parked(tx, handler, seq)
    if event is not None:
        await snapshots.hold(tx, event.reader)
        event = await relayed.find_parked(tx, handler, seq)
    if event is None:
        raise NotFound
    return event


async def _age_seconds(tx: Transaction, seq: int) -> float | None:
    event_id = await relayed.find_event_id(tx, seq)
    if event_id is None:
        return None
    written_at = datetime.fromtimestamp((event_id.int >> 80) / 1000, UTC)
    return max(0.0, (wall_now() - written_at).total_seconds())


def _audit(tx: Transaction, action: str, event: ParkedEvent, reason: str) -> None:
    tx.audit(
        AuditEntry(
            actor=tx.actor,
            action=action,
            subject=str(event.event_id),
            reason=reason,
            request_id=tx.request_id,
            detail=f"{event.handler} {event.type} after {event.attempts} attempts: {event.error}",
        )
    )
