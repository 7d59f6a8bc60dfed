"""SQL of the outbox."""

from collections.abc import Sequence
from typing import Any, LiteralString

import msgspec

from regulars.domain_events.base import Event
from regulars.platform.db import arrays
from regulars.platform.ids import new_ids_in_hex

_encode = msgspec.json.Encoder().encode

INSERT_EVENTS: LiteralString = """
INSERT INTO outbox (traceparent, event_id, type, member_id, recorded_at, payload)
SELECT %s::text, told.* FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::timestamptz[], %s::text[]) AS told
"""
# The same where they are of one type and one instant, as those of one batch mostly are.
INSERT_ALIKE: LiteralString = """
INSERT INTO outbox (traceparent, type, recorded_at, event_id, member_id, payload)
SELECT %s::text, %s::text, %s::timestamptz, told.* FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS told
"""


def insert_events(events: Sequence[Event], traceparent: str | None) -> tuple[LiteralString, tuple[Any, ...]]:
    """Return the statement that appends events in the given order; `traceparent` says what they came of."""
    alike = {(type(event).__name__, event.recorded_at) for event in events}
    if len(alike) == 1:
        return INSERT_ALIKE, (
            traceparent,
            *alike.pop(),
            arrays.texts(new_ids_in_hex(len(events))),
            arrays.ids([event.member_id for event in events]),
            arrays.documents([_encode(event) for event in events]),
        )
    return INSERT_EVENTS, (
        traceparent,
        arrays.texts(new_ids_in_hex(len(events))),
        arrays.texts([type(event).__name__ for event in events]),
        arrays.ids([event.member_id for event in events]),
        arrays.instants([event.recorded_at for event in events]),
        arrays.documents([_encode(event) for event in events]),
    )
