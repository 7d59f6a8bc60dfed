"""The events feed, read for as long as one likes, and what an event's data is."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

import msgspec

from regulars_client.asynchronous.events import AsyncEvents
from regulars_client.blocking.events import Events
from regulars_client.models import EVENT_DATA, EventsAnswer, PublicEvent

WAIT_SECONDS: Final = 20


def data_of(event: PublicEvent) -> msgspec.Struct | dict[str, Any]:
    """Return what an event tells, as the struct of its type; as it came if this version does not know the type."""
    kind = EVENT_DATA.get(event.type)
    return event.data if kind is None else msgspec.convert(event.data, kind)


def follow(
    events: Events,
    cursor: str | None,
    *,
    types: Sequence[str] = (),
    member_id: str | None = None,
    limit: int | None = None,
    until_idle: bool = False,
) -> Iterator[EventsAnswer]:
    """See `Regulars.follow_events`."""
    joined = ",".join(types) or None
    wait = 0 if until_idle else WAIT_SECONDS
    while True:
        batch = events.list(cursor=cursor, types=joined, member_id=member_id, limit=limit, wait=wait)
        if batch.events or batch.next_cursor != cursor:
            yield batch
        cursor = batch.next_cursor
        if until_idle and not batch.has_more:
            return


async def follow_async(
    events: AsyncEvents,
    cursor: str | None,
    *,
    types: Sequence[str] = (),
    member_id: str | None = None,
    limit: int | None = None,
    until_idle: bool = False,
) -> AsyncIterator[EventsAnswer]:
    """See `AsyncRegulars.follow_events`."""
    joined = ",".join(types) or None
    wait = 0 if until_idle else WAIT_SECONDS
    while True:
        batch = await events.list(cursor=cursor, types=joined, member_id=member_id, limit=limit, wait=wait)
        if batch.events or batch.next_cursor != cursor:
            yield batch
        cursor = batch.next_cursor
        if until_idle and not batch.has_more:
            return
