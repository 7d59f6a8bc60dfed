"""What every domain event is: an immutable fact in the past tense, without personal data."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class Event(Struct, frozen=True, kw_only=True):
    """A fact about one member (or none). Events of one member reach every handler in the order they happened.

    `recorded_at` is the programme's instant at which the fact was learned (UTC).
    """

    member_id: UUID | None
    recorded_at: datetime
