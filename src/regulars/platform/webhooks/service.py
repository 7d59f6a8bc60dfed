"""Verbs of webhooks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.ids import derived_id, new_id
from regulars.platform.public_events.catalogue import BY_NAME
from regulars.platform.vault.contracts import Vault
from regulars.platform.webhooks.contracts import (
    Attempt,
    Chosen,
    Delivery,
    DeliveryState,
    DisabledFor,
    Endpoint,
    EndpointState,
    Standing,
    Told,
)
from regulars.platform.webhooks.errors import (
    DeliveryUnderWay,
    SecretRotationUnderWay,
    TooManyToReplay,
    TooManyWebhooks,
    UnknownWebhookType,
    WebhookDisabled,
)
from regulars.platform.webhooks.signing import draw, seal_secret
from regulars.platform.webhooks.store import deliveries, endpoints
from regulars.platform.webhooks.store.deliveries import Fresh
from regulars.platform.webhooks.telling import ping

ENDPOINTS_AT_MOST: Final = 48
REPLAYED_AT_MOST: Final = 100_000
_FORGET_AT_ONCE: Final = 5_000


class Made(NamedTuple):
    """An endpoint with its secret, sealed: it is opened where it is shown, and nowhere else."""

    endpoint: Endpoint
    sealed: bytes


class Changed(NamedTuple):
    """An endpoint before and after."""

    before: Endpoint
    after: Endpoint


class Changes(NamedTuple):
    """What is to be changed of an endpoint; None: as it is."""

    url: str | None = None
    description: str | None = None
    types: tuple[str, ...] | None = None
    state: EndpointState | None = None


def check_types(names: Sequence[str]) -> None:
    """Refuse types that there are none of. Raises UnknownWebhookType (422)."""
    for at, name in enumerate(names):
        if name not in BY_NAME:
            raise UnknownWebhookType(pointer=f"/types/{at}", type=name[:64])


async def create(tx: Transaction, vault: Vault, url: str, description: str, types: Sequence[str]) -> Made:
    """Add an endpoint, whose address was judged. Raises UnknownWebhookType (422), TooManyWebhooks (409)."""
    check_types(types)
    if await endpoints.hold_all(tx) >= ENDPOINTS_AT_MOST:
        raise TooManyWebhooks(limit=ENDPOINTS_AT_MOST)
    endpoint_id = new_id()
    sealed = seal_secret(vault, endpoint_id, draw())
    endpoints.insert(
        tx, endpoint_id, url=url, description=description, types=sorted(set(types)), at=wall_now(), sealed=sealed
    )
    return Made(await find(tx, endpoint_id), sealed)


async def find(tx: Transaction, endpoint_id: UUID) -> Endpoint:
    """Return an endpoint. Raises NotFound (404)."""
    found = await endpoints.find(tx, endpoint_id)
    if found is None:
        raise NotFound
    return found


async def _hold(tx: Transaction, endpoint_id: UUID) -> Endpoint:
    found = await endpoints.find(tx, endpoint_id, hold=True)
    if found is None:
        raise NotFound
    return found


async def disabled_as_failing(tx: Transaction) -> int:
    """Return how many endpoints were disabled because nothing got through, and are not mended yet."""
    return await endpoints.disabled_as_failing(tx)


async def every(tx: Transaction) -> list[Endpoint]:
    """Return every endpoint, the oldest first."""
    return await endpoints.every(tx)


async def standings(tx: Transaction) -> dict[UUID, Standing]:
    """Return how every endpoint's deliveries stand."""
    return await endpoints.standings(tx)


async def change(tx: Transaction, endpoint_id: UUID, changes: Changes) -> Changed:
    """Change an endpoint; enabling forgets what failed. Raises NotFound (404), UnknownWebhookType (422)."""
    found = await _hold(tx, endpoint_id)
    if changes.types is not None:
        check_types(changes.types)
    endpoints.change(
        tx,
        endpoint_id,
        found.url if changes.url is None else changes.url,
        found.description if changes.description is None else changes.description,
        found.types if changes.types is None else sorted(set(changes.types)),
    )
    if changes.state is EndpointState.ACTIVE:
        endpoints.enable(tx, endpoint_id)
    elif changes.state is EndpointState.DISABLED:
        endpoints.disable(tx, endpoint_id, DisabledFor.BY_HAND.value, wall_now())
    return Changed(found, await find(tx, endpoint_id))


async def delete(tx: Transaction, endpoint_id: UUID) -> Endpoint:
    """Delete an endpoint with its secrets; its log goes with the next cleaning. Raises NotFound (404)."""
    found = await _hold(tx, endpoint_id)
    endpoints.delete(tx, endpoint_id)
    return found


async def rotate(tx: Transaction, vault: Vault, endpoint_id: UUID, overlap: timedelta) -> Made:
    """Draw a new secret; the one before signs beside it for so long.

    With an overlap there are two secrets at most: a third would end one that somebody was told is good. Raises NotFound
    (404), SecretRotationUnderWay (409).
    """
    found, now = await _hold(tx, endpoint_id), wall_now()
    if overlap and found.old_secret_until is not None and found.old_secret_until > now:
        raise SecretRotationUnderWay(until=found.old_secret_until.isoformat(timespec="seconds"))
    sealed = seal_secret(vault, endpoint_id, draw())
    endpoints.rotate(tx, endpoint_id, sealed, now + overlap if overlap else None)
    return Made(await find(tx, endpoint_id), sealed)


async def send_ping(tx: Transaction, endpoint_id: UUID) -> Delivery:
    """Let an endpoint be sent an event that means nothing. Raises NotFound (404), WebhookDisabled (409)."""
    await _require_active(tx, endpoint_id)
    told = ping(new_id(), endpoint_id, tx.now)
    fresh = Fresh(new_id(), endpoint_id, told.event_id, told.type, None)
    deliveries.write(tx, [told], [fresh], wall_now())
    return (await find_delivery(tx, endpoint_id, fresh.delivery_id))[0]


async def list_deliveries(tx: Transaction, endpoint_id: UUID, chosen: Chosen, limit: int) -> list[Delivery]:
    """Return deliveries of an endpoint, the latest first. Raises NotFound (404)."""
    await find(tx, endpoint_id)
    return await deliveries.listed(tx, endpoint_id, chosen, limit)


async def find_delivery(tx: Transaction, endpoint_id: UUID, delivery_id: UUID) -> tuple[Delivery, Told]:
    """Return a delivery with its event. Raises NotFound (404)."""
    found = await deliveries.find(tx, endpoint_id, delivery_id)
    if found is None:
        raise NotFound
    return found


async def attempts_of(tx: Transaction, found: Sequence[Delivery]) -> dict[UUID, list[Attempt]]:
    """Return the attempts of deliveries, in order."""
    return await deliveries.attempts(tx, [one.delivery_id for one in found])


async def replay_one(tx: Transaction, endpoint_id: UUID, delivery_id: UUID) -> Delivery:
    """Let a delivery that is over be sent anew.

    Raises NotFound (404), WebhookDisabled, DeliveryUnderWay (409).
    """
    await _require_active(tx, endpoint_id)
    found, _ = await find_delivery(tx, endpoint_id, delivery_id)
    if found.state == DeliveryState.PENDING:
        raise DeliveryUnderWay
    deliveries.replay_one(tx, delivery_id, wall_now())
    return (await find_delivery(tx, endpoint_id, delivery_id))[0]


async def replay_range(tx: Transaction, endpoint_id: UUID, chosen: Chosen) -> int:
    """Let every chosen delivery that is over be sent anew, in its order; return how many.

    Raises NotFound (404), WebhookDisabled, TooManyToReplay (409).
    """
    await _require_active(tx, endpoint_id)
    replayed = await deliveries.replay(tx, endpoint_id, chosen, wall_now(), REPLAYED_AT_MOST + 1)
    if replayed > REPLAYED_AT_MOST:
        raise TooManyToReplay(limit=REPLAYED_AT_MOST)
    return replayed


async def count_to_replay(tx: Transaction, endpoint_id: UUID, chosen: Chosen) -> int:
    """Return how many `replay_range` would send anew. Raises what it raises."""
    await _require_active(tx, endpoint_id)
    found = await deliveries.count(tx, endpoint_id, chosen, REPLAYED_AT_MOST + 1)
    if found > REPLAYED_AT_MOST:
        raise TooManyToReplay(limit=REPLAYED_AT_MOST)
    return found


async def forget_old(tx: Transaction, kept: timedelta) -> bool:
    """Delete deliveries that ended so long ago (wall clock), their attempts and events; True if there may be more."""
    until = wall_now() - kept
    oldest = _oldest(until)
    gone = [
        await deliveries.forget(tx, oldest, until, _FORGET_AT_ONCE),
        await deliveries.forget_events(tx, oldest, _FORGET_AT_ONCE),
    ]
    return _FORGET_AT_ONCE in gone


async def count_lost(tx: Transaction) -> int:
    """Return how many deliveries wait whose event is not there: none, unless somebody tampered."""
    return await deliveries.count_lost(tx)


async def _require_active(tx: Transaction, endpoint_id: UUID) -> None:
    if (await _hold(tx, endpoint_id)).state != EndpointState.ACTIVE:
        raise WebhookDisabled


def _oldest(before: datetime) -> UUID:
    """Return what is less than every id from that instant on."""
    return UUID(int=derived_id(before, "").int >> 80 << 80)
