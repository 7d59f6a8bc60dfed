"""The secret of a webhook is rotated several times at once; and once more with the lock taken away."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from regulars.platform.db.transaction import Transaction
from regulars.platform.webhooks import service
from regulars.platform.webhooks.contracts import Endpoint
from regulars.platform.webhooks.errors import SecretRotationUnderWay
from regulars.platform.webhooks.signing import open_secret, shown
from regulars.platform.webhooks.store import endpoints
from tests.platform.feeding import ANNE, accrued
from tests.platform.receiving import House, Received, Receiver, house, receiver

__all__ = ["house", "receiver"]

pytestmark = pytest.mark.anyio

AT_ONCE = 4


async def rotated(house: House, endpoint_id: UUID, ready: asyncio.Barrier) -> str | None:
    """Return the new secret; None if another rotation came first."""
    async with house.database.transaction(actor="cli") as tx:
        await tx.rows("SELECT 1")
        await ready.wait()
        try:
            made = await service.rotate(tx, house.vault, endpoint_id, timedelta(hours=1))
        except SecretRotationUnderWay:
            return None
    return shown(open_secret(house.vault, endpoint_id, made.sealed))


def verifies(secret: str, one: Received) -> bool:
    try:
        Webhook(secret).verify(one.body, one.headers)
    except WebhookVerificationError:
        return False
    return True


async def told_and_good(house: House, receiver: Receiver) -> tuple[int, int]:
    """Rotate several times at once; return how many secrets were given out in all, and by how many is signed."""
    endpoint_id, first = await house.endpoint(receiver.url)
    ready = asyncio.Barrier(AT_ONCE)
    others = await asyncio.gather(*[rotated(house, endpoint_id, ready) for _ in range(AT_ONCE)])
    await house.tell(accrued(ANNE, 1))
    await house.courier.drain()
    (one,) = receiver.received
    told = [first, *filter(None, others)]
    return len(told), sum([verifies(secret, one) for secret in told])


async def test_of_rotations_at_once_one_is_done_and_every_secret_that_was_given_signs(
    house: House, receiver: Receiver
) -> None:
    assert await told_and_good(house, receiver) == (2, 2)


async def test_without_the_lock_secrets_that_were_given_sign_nothing(
    house: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control."""
    find, read = endpoints.find, asyncio.Barrier(AT_ONCE)

    async def unheld(tx: Transaction, endpoint_id: UUID, *, hold: bool = False) -> Endpoint | None:
        found = await find(tx, endpoint_id)
        if hold:
            await read.wait()  # nobody writes before all have read
        return found

    monkeypatch.setattr(endpoints, "find", unheld)

    assert await told_and_good(house, receiver) == (1 + AT_ONCE, 2)
