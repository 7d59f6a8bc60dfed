"""The envelope of public events (CloudEvents 1.0, JSON format)."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType


class PublicEvent(Struct, frozen=True, kw_only=True):
    """A fact, as it is told outside: a CloudEvent in JSON, without personal data.

    `id` is the same however often the event comes. `subject` is the member's id; what is about no member has none.
    `time` is when the programme learned of it. What `data` holds depends on `type`: see `webhooks`.
    """

    specversion: Literal["1.0"] = "1.0"
    id: Annotated[str, Meta(examples=["evt_0190f0c27c5a7cc58f8c1d2e3f405162"])]
    source: Annotated[str, Meta(examples=["https://club.example"])]
    type: Annotated[str, Meta(examples=["order.paid"])]
    subject: str | UnsetType = UNSET
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    data: dict[str, Any]
