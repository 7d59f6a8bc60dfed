"""What callers send and get about webhooks."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from regulars.platform.ids import public_id
from regulars.platform.public_events.catalogue import EVENT_PREFIX, MEMBER_PREFIX
from regulars.platform.webhooks.contracts import (
    DELIVERY_PREFIX,
    ENDPOINT_PREFIX,
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
)

WebhookId = Annotated[str, Meta(examples=["whe_0190f0c27c5a7cc58f8c1d2e3f405162"])]
DeliveryId = Annotated[str, Meta(examples=["whd_0190f0c27c5a7cc58f8c1d2e3f405162"])]
Url = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=2000,
        description="https; http where the operator allows the network.",
        examples=["https://shop.example/hooks"],
    ),
]
Description = Annotated[str, Meta(max_length=200, examples=["The web shop"])]
Types = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=64)]],
    Meta(max_length=64, description="Names of events; none for all of them.", examples=[["order.paid"]]),
]
OverlapHours = Annotated[int, Meta(ge=0, le=168, description="For how long the secret before signs as well.")]
Position = Annotated[int, Meta(ge=0, le=2**62)]


class WebhookBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook to be made."""

    url: Url
    types: Types = []
    description: Description = ""


class WebhookChanges(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be changed of a webhook; what is left out stays."""

    url: Url | UnsetType = UNSET
    types: Types | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    state: Literal["active", "disabled"] | UnsetType = UNSET


class RotateBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long both secrets sign."""

    overlap_hours: OverlapHours = 24


class ReplayBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which deliveries are sent anew: by when they were queued or by position, both ends included."""

    queued_from: Annotated[datetime, Meta(tz=True)] | None = None
    queued_until: Annotated[datetime, Meta(tz=True)] | None = None
    first_position: Position | None = None
    last_position: Position | None = None
    type: Annotated[str, Meta(max_length=64)] | None = None
    states: Annotated[list[Literal["delivered", "failed"]], Meta(min_length=1, max_length=2)] = msgspec.field(
        default_factory=lambda: ["failed"]
    )
    dry_run: Annotated[bool, Meta(description="Only tell how many there are.")] = False


class WebhookAnswer(Struct, frozen=True, kw_only=True):
    """A webhook. No types: all events. `disabled_for`: by_hand, gone (it answered 410), failing (for five days)."""

    webhook_id: WebhookId
    url: str
    types: list[str]
    description: str
    state: EndpointState
    disabled_for: str | None
    disabled_at: datetime | None
    made_at: datetime
    old_secret_until: datetime | None
    failing_since: datetime | None
    delivered_at: Annotated[datetime | None, Meta(description="When an event was last taken.")]


class WebhookWithSecret(WebhookAnswer, frozen=True, kw_only=True):
    """A webhook, and the secret that is shown this once: with it the receiver checks signatures."""

    secret: Annotated[str, Meta(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]


class WebhooksAnswer(Struct, frozen=True, kw_only=True):
    """Every webhook, the oldest first."""

    webhooks: list[WebhookAnswer]


class AttemptAnswer(Struct, frozen=True, kw_only=True):
    """One attempt: the status of the answer (null: none came), how it begins, what went wrong."""

    attempt: int
    at: datetime
    took_ms: int
    status: int | None
    answer: str
    error: str


class DeliveryAnswer(Struct, frozen=True, kw_only=True):
    """A delivery of one event. `position` orders those of a webhook; `due_at` is when it is tried next."""

    delivery_id: DeliveryId
    event_id: str
    type: str
    member_id: str | None
    position: int
    state: DeliveryState
    attempts: int
    queued_at: datetime
    due_at: datetime | None
    settled_at: datetime | None


class DeliveryInFull(DeliveryAnswer, frozen=True, kw_only=True):
    """A delivery with the event as it is sent, and every attempt."""

    event: dict[str, Any]
    log: list[AttemptAnswer]


class DeliveriesAnswer(Struct, frozen=True, kw_only=True):
    """Deliveries, the latest first."""

    deliveries: list[DeliveryAnswer]
    has_more: bool
    next_cursor: str | None


class ReplayedAnswer(Struct, frozen=True, kw_only=True):
    """How many deliveries are sent anew."""

    replayed: int
    dry_run: bool


def webhook_fields(endpoint: Endpoint) -> dict[str, Any]:
    """Return what is told of an endpoint."""
    return {
        "webhook_id": public_id(ENDPOINT_PREFIX, endpoint.endpoint_id),
        "url": endpoint.url,
        "types": endpoint.types,
        "description": endpoint.description,
        "state": EndpointState(endpoint.state),
        "disabled_for": endpoint.disabled_for,
        "disabled_at": endpoint.disabled_at,
        "made_at": endpoint.created_at,
        "old_secret_until": endpoint.old_secret_until,
        "failing_since": endpoint.failing_since,
        "delivered_at": endpoint.delivered_at,
    }


def webhook_answer(endpoint: Endpoint) -> WebhookAnswer:
    """Write an endpoint."""
    return WebhookAnswer(**webhook_fields(endpoint))


def _delivery_fields(delivery: Delivery) -> dict[str, Any]:
    return {
        "delivery_id": public_id(DELIVERY_PREFIX, delivery.delivery_id),
        "event_id": public_id(EVENT_PREFIX, delivery.event_id),
        "type": delivery.type,
        "member_id": None if delivery.member_id is None else public_id(MEMBER_PREFIX, delivery.member_id),
        "position": delivery.position,
        "state": DeliveryState(delivery.state),
        "attempts": delivery.attempts,
        "queued_at": delivery.queued_at,
        "due_at": delivery.due_at,
        "settled_at": delivery.settled_at,
    }


def delivery_answer(delivery: Delivery) -> DeliveryAnswer:
    """Write a delivery."""
    return DeliveryAnswer(**_delivery_fields(delivery))


def delivery_in_full(delivery: Delivery, body: bytes, attempts: list[Attempt]) -> DeliveryInFull:
    """Write a delivery with what is sent and how it went."""
    return DeliveryInFull(
        **_delivery_fields(delivery),
        event=msgspec.json.decode(body),
        log=[AttemptAnswer(**attempt._asdict()) for attempt in attempts],
    )
