"""What a delivery says: the event's envelope, the same bytes however often it is sent."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from regulars.platform.ids import public_id
from regulars.platform.public_events.catalogue import EVENT_PREFIX, MEMBER_PREFIX
from regulars.platform.webhooks.contracts import ENDPOINT_PREFIX, PING, Told


class _Envelope(Struct, frozen=True, kw_only=True):
    """A PublicEvent whose data is written already."""

    specversion: str = "1.0"
    id: str
    source: str
    type: str
    subject: str | UnsetType = UNSET
    time: datetime
    datacontenttype: str = "application/json"
    data: msgspec.Raw


_encode: Final = msgspec.json.Encoder().encode


def message_id_of(told: Told) -> str:
    """Return the id of an event, as `webhook-id` and the envelope give it."""
    return public_id(EVENT_PREFIX, told.event_id)


def body_of(told: Told, source: str) -> bytes:
    """Return the bytes that are sent and signed."""
    return _encode(
        _Envelope(
            id=message_id_of(told),
            source=source,
            type=told.type,
            subject=UNSET if told.member_id is None else public_id(MEMBER_PREFIX, told.member_id),
            time=told.recorded_at,
            data=msgspec.Raw(told.data.encode()),
        )
    )


def ping(event_id: UUID, endpoint_id: UUID, at: datetime) -> Told:
    """Return the event by which an endpoint is tried out."""
    data = _encode({"webhook_id": public_id(ENDPOINT_PREFIX, endpoint_id)}).decode()
    return Told(event_id, PING, None, at, data)
