"""Couriers are killed while receivers are slow, dead or lie: nothing is lost, each member's events come in order."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from regulars.platform.webhooks import service
from tests.faults.product import product_at, until_true
from tests.faults.rounds import MEMBERS, rounds_on
from tests.faults.shop import prepare
from tests.faults.test_clock_steps import until_answered
from tests.faults.test_kills import start_apart
from tests.faults.victims import WORKER
from tests.platform.receiving import OK, Received, Receiver, answering, receiving

pytestmark = [pytest.mark.anyio, pytest.mark.faults]

TYPES = ["points.accrued", "points.redeemed"]
LIES_SHARE = 0.1
LEASE_SECONDS = 90  # for so long nobody else takes what a courier that was killed had under way
DELIVERED_SECONDS = 3 * LEASE_SECONDS
SLOW_SECONDS = 0.2

WRITTEN = """
SELECT event_id, member_id FROM outbox WHERE type IN ('PointsAccrued', 'PointsRedeemed') AND seq > %s ORDER BY seq
"""
UNDELIVERED = """
SELECT count(*) FROM webhook_deliveries AS d JOIN webhook_endpoints AS e USING (endpoint_id)
WHERE d.state <> 'delivered' AND e.url = ANY (%s)
"""


@asynccontextmanager
async def receivers(random: Random) -> AsyncIterator[dict[str, Receiver]]:
    """Give one that answers well, one that takes its time, and one that says no to what it took, or breaks off."""
    async with receiving() as good, receiving() as slow, receiving() as lying:

        async def take_time(_: Received, writer: asyncio.StreamWriter) -> None:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), SLOW_SECONDS)
            writer.write(OK)

        async def lie(_: Received, writer: asyncio.StreamWriter) -> None:
            if random.random() >= LIES_SHARE:
                writer.write(OK)
            elif random.random() < 0.5:
                writer.write(answering(500))
            else:
                writer.write(OK[:-1])
                writer.close()

        slow.behave, lying.behave = take_time, lie
        yield {"good": good, "slow": slow, "lying": lying}


async def test_nothing_is_lost_and_each_members_events_come_in_order(tmp_path: Path) -> None:
    settings = {"REGULARS_WEBHOOK_NETWORKS": "127.0.0.0/8"}
    async with receiving() as gone:
        dead = gone.url  # nobody listens there any more
    with product_at(tmp_path, settings=settings) as product:
        shop = await prepare(product, MEMBERS)
        start_apart(product)
        async with receivers(Random(1)) as listening, rounds_on(product, seed=1) as rounds:
            await rounds.check_drained()  # what was before is told nobody
            await make(shop.url, product.home, [*[one.url for one in listening.values()], dead])
            first = asked(shop.url, "SELECT coalesce(max(seq), 0) FROM outbox")[0][0]

            async def meanwhile(is_over: Callable[[], bool]) -> None:
                await until_answered(rounds, rounds.load.acknowledged(), is_over)
                await until_true(lambda: is_over() or listening["good"].received)
                product.programs[WORKER].kill()
                await until_answered(rounds, rounds.load.acknowledged(), is_over)

            await rounds.check(await rounds.send(meanwhile))
            written = asked(shop.url, WRITTEN, first)
            expected = [f"evt_{event_id.hex}" for event_id, _ in written]
            urls = [one.url for one in listening.values()]
            await until_true(lambda: not asked(shop.url, UNDELIVERED, urls)[0][0], seconds=DELIVERED_SECONDS)
    assert len(written) > MEMBERS
    member_of = {f"evt_{event_id.hex}": member_id for event_id, member_id in written}
    for name, receiver in listening.items():
        firsts = list(dict.fromkeys(one.headers["webhook-id"] for one in receiver.received))
        assert set(firsts) == set(expected), f"{name}: lost, or never written"
        assert by_member(firsts, member_of) == by_member(expected, member_of), f"{name}: out of order"
    assert not gone.received
    assert len(listening["lying"].received) > len(written), "nobody lied"


def by_member(events: list[str], member_of: dict[str, Any]) -> dict[Any, list[str]]:
    """Return each member's events, in the order in which they stand."""
    found = defaultdict(list)
    for event in events:
        found[member_of[event]].append(event)
    return dict(found)


async def make(url: str, home: Path, urls: list[str]) -> None:
    """Make an endpoint for each address, by nobody's key: what the load's key did is counted."""
    vault = LocalVault(home / "vault")
    try:
        async with Database(url, pool_size=1) as database, database.transaction(actor="tests") as tx:
            for one in urls:
                await service.create(tx, vault, one, "", TYPES)
    finally:
        vault.close()


def asked(url: str, question: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Ask the product's database."""
    with psycopg.connect(url) as connection:
        return connection.execute(question.encode(), parameters).fetchall()
