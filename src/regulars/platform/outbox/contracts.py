"""What handlers are given, and what a person is shown of events that did not get through."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

from msgspec import Struct

from regulars.domain_events.base import Event
from regulars.platform.db.transaction import Transaction

EventT_co = TypeVar("EventT_co", bound=Event, covariant=True)


class Delivered(NamedTuple, Generic[EventT_co]):
    """An event as the relay hands it over; `event_id` is the same however often it comes."""

    event_id: UUID
    event: EventT_co


Handler = Callable[[Transaction, Sequence[Delivered[Any]]], Awaitable[None]]
"""Takes all events of its types of one page, in order for each member, and writes their effects set-based."""

Reactions = Mapping[type[Event], Sequence[Handler]]

ParkedState = Literal["retrying", "parked", "waiting"]


class ParkedEvent(Struct, frozen=True, kw_only=True):
    """An event that one handler has not got through.

    `retrying`: it failed and is tried again at `next_attempt_at` (wall clock). `parked`: it failed too often and
    waits for a person. `waiting`: it stands behind an earlier event of the same member. `error` names the kind of
    failure and the place in our code, never the data.
    """

    reader: str
    handler: str
    seq: int
    event_id: UUID
    type: str
    member_id: UUID | None
    state: ParkedState
    attempts: int
    next_attempt_at: datetime | None
    error: str
    parked_at: datetime


class Backlog(Struct, frozen=True, kw_only=True):
    """What a reader of the outbox has still before it. Counts are events; the age is in seconds of the wall clock."""

    reader: str
    unread: int
    oldest_unread_seconds: float | None
    retrying: int
    waiting: int
    parked: int

    @property
    def is_drained(self) -> bool:
        """True when every event has been handled or lies parked for a person to decide."""
        return not (self.unread or self.retrying)
