"""Of `client.webhooks`.

Written from the API's description: `make client` does it anew.
"""

from datetime import datetime
from typing import Any

from msgspec import Struct


class AttemptAnswer(Struct, frozen=True, kw_only=True):
    """Part of `DeliveryInFull`."""

    attempt: int
    at: datetime
    took_ms: int
    status: int | None
    answer: str
    error: str


class DeliveryAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.webhooks.test`: send a webhook an event that means nothing."""

    delivery_id: str
    event_id: str
    type: str
    member_id: str | None
    position: int
    state: str
    attempts: int
    queued_at: datetime
    due_at: datetime | None
    settled_at: datetime | None


class DeliveriesAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.webhooks.list_deliveries`: read what was delivered, and what was not."""

    deliveries: list[DeliveryAnswer]
    has_more: bool
    next_cursor: str | None


class DeliveryInFull(Struct, frozen=True, kw_only=True):
    """The answer of `client.webhooks.get_delivery`: read a delivery with every attempt."""

    delivery_id: str
    event_id: str
    type: str
    member_id: str | None
    position: int
    state: str
    attempts: int
    queued_at: datetime
    due_at: datetime | None
    settled_at: datetime | None
    event: dict[str, Any]
    log: list[AttemptAnswer]


class ReplayedAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.webhooks.replay_deliveries`: send a range of events anew."""

    replayed: int
    dry_run: bool


class WebhookAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.webhooks.get`: read a webhook."""

    webhook_id: str
    url: str
    types: list[str]
    description: str
    state: str
    disabled_for: str | None
    disabled_at: datetime | None
    made_at: datetime
    old_secret_until: datetime | None
    failing_since: datetime | None
    delivered_at: datetime | None
    """When an event was last taken."""


class WebhookWithSecret(Struct, frozen=True, kw_only=True):
    """The answer of `client.webhooks.create`: have events delivered to an address."""

    webhook_id: str
    url: str
    types: list[str]
    description: str
    state: str
    disabled_for: str | None
    disabled_at: datetime | None
    made_at: datetime
    old_secret_until: datetime | None
    failing_since: datetime | None
    delivered_at: datetime | None
    """When an event was last taken."""
    secret: str


class WebhooksAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.webhooks.list`: list the webhooks."""

    webhooks: list[WebhookAnswer]
