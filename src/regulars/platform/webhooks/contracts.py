"""Endpoints, and what is delivered to them."""

from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from regulars.platform.db.transaction import Transaction

ENDPOINT_PREFIX: Final = "whe"
DELIVERY_PREFIX: Final = "whd"
PING: Final = "webhook.ping"
NO_MEMBER: Final = UUID(int=0)  # the line of what is about no member


class EndpointState(StrEnum):
    """Whether events are delivered to an endpoint."""

    ACTIVE = "active"
    DISABLED = "disabled"


class DisabledFor(StrEnum):
    """Why an endpoint is disabled: by somebody, because it answered 410, or because nothing got through for days."""

    BY_HAND = "by_hand"
    GONE = "gone"
    FAILING = "failing"


class DeliveryState(StrEnum):
    """How a delivery stands. `pending`: not taken yet, or to be tried again; `failed`: given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Endpoint(NamedTuple):
    """A row of webhook_endpoints, but for its secrets. Instants are the wall clock's; no types: all of them."""

    endpoint_id: UUID
    url: str
    description: str
    types: list[str]
    state: str
    disabled_for: str | None
    disabled_at: datetime | None
    created_at: datetime
    old_secret_until: datetime | None
    failures: int
    failing_since: datetime | None
    next_try_at: datetime | None
    delivered_at: datetime | None


class TellDisabled(Protocol):
    """Tells whoever may mend it that an endpoint was disabled; written by a room above, wired by entrypoints."""

    async def __call__(self, tx: Transaction, endpoint: Endpoint, reason: DisabledFor, at: datetime) -> None:
        """Tell it, in the transaction that disables it."""


class Secrets(NamedTuple):
    """The sealed secrets of an endpoint; the old one is good until an instant."""

    sealed: bytes
    sealed_old: bytes | None
    old_until: datetime | None


class Delivery(NamedTuple):
    """A row of webhook_deliveries. `position` orders those of one endpoint; instants are the wall clock's."""

    delivery_id: UUID
    endpoint_id: UUID
    event_id: UUID
    type: str
    member_id: UUID | None
    position: int
    state: str
    attempts: int
    queued_at: datetime
    due_at: datetime | None
    settled_at: datetime | None


class Attempt(NamedTuple):
    """One attempt: what was answered (None: nothing), how the answer begins, what went wrong."""

    attempt: int
    at: datetime
    took_ms: int
    status: int | None
    answer: str
    error: str


class Told(NamedTuple):
    """An event as webhooks keep it; `data` is JSON, `traceparent` says what it came of, where that was traced."""

    event_id: UUID
    type: str
    member_id: UUID | None
    recorded_at: datetime
    data: str
    traceparent: str | None = None


class Taken(NamedTuple):
    """A delivery that a courier has taken on lease, with all it needs to send it."""

    delivery: Delivery
    told: Told
    url: str
    secrets: Secrets
    first_tried_at: datetime


class Standing(NamedTuple):
    """How an endpoint's deliveries stand: how many wait, since when the oldest has waited, how many were given up."""

    pending: int
    oldest_queued_at: datetime | None
    failed: int


class Chosen(NamedTuple):
    """Deliveries of an endpoint, by what they are; None: whatever it is. Positions and instants are inclusive ends."""

    states: tuple[str, ...] = ()
    type: str | None = None
    member_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    first: int | None = None
    last: int | None = None
