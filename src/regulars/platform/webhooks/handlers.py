"""Reaction to every fact that is told outside: a delivery for each endpoint that wants it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import new_id
from regulars.platform.outbox.contracts import Delivered
from regulars.platform.outbox.liveness import lasting
from regulars.platform.public_events.catalogue import BY_CLASS_NAME
from regulars.platform.public_events.telling import ALL_CLASS_NAMES, class_names, data_of
from regulars.platform.webhooks.contracts import Told
from regulars.platform.webhooks.store import deliveries, endpoints
from regulars.platform.webhooks.store.deliveries import Fresh

_encode = msgspec.json.Encoder().encode


async def wanted(tx: Transaction) -> frozenset[str]:
    """Return the event classes that any active endpoint wants."""
    found: set[str] = set()
    for _, types in await endpoints.wanted(tx):
        found.update(class_names(types) if types else ALL_CLASS_NAMES)
    return frozenset(found)


@lasting(wanted)
async def announce(tx: Transaction, events: Sequence[Delivered[Any]]) -> None:
    """Write a delivery for each event and endpoint, and each event's data once."""
    wanting = [(endpoint_id, frozenset(types)) for endpoint_id, types in await endpoints.wanted(tx)]
    told: list[Told] = []
    fresh: list[Fresh] = []
    for event_id, event in events:
        name = BY_CLASS_NAME[type(event).__name__].name
        to = [endpoint_id for endpoint_id, types in wanting if not types or name in types]
        if to:
            data = _encode(data_of(event)).decode()
            told.append(Told(event_id, name, event.member_id, event.recorded_at, data, tx.traceparent))
            fresh += [Fresh(new_id(), endpoint_id, event_id, name, event.member_id) for endpoint_id in to]
    if fresh:
        deliveries.write(tx, told, fresh, wall_now())
