"""The feed as the client follows it: what is there, what comes while it waits, and a cursor to go on from."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from regulars_client import AsyncRegulars, Invalid, Regulars, data_of
from regulars_client.models import IdentityBody, PointsAccruedData, PublicEvent
from tests.client.serving import Product


@pytest.fixture(scope="module")
def fang(product: Product) -> Iterator[tuple[Regulars, str]]:
    with Regulars(product.url, api_key=product.api_key) as client:
        card = IdentityBody(kind="card", value="BC-000999")
        yield client, client.members.sign_up(market="CN", channel="store", identities=[card]).member_id


def amounts(events: list[PublicEvent]) -> list[int]:
    told = [data_of(event) for event in events]
    return [one.amount for one in told if isinstance(one, PointsAccruedData)]


def test_batches_go_on_from_a_cursor_and_end_where_nothing_is(fang: tuple[Regulars, str]) -> None:
    client, member = fang
    for amount in (1, 2, 3):
        client.ledger.accrue(member, amount=amount, reason="Gift")
    kind = ["points.accrued"]

    first = next(client.follow_events(types=kind, member_id=member, limit=2, until_idle=True))
    rest = list(client.follow_events(first.next_cursor, types=kind, member_id=member, limit=2, until_idle=True))
    again = list(client.follow_events(rest[-1].next_cursor, types=kind, member_id=member, until_idle=True))

    assert amounts(first.events) == [1, 2]
    assert amounts([event for batch in rest for event in batch.events]) == [3]
    assert [event for batch in again for event in batch.events] == []


def test_what_comes_while_one_waits_is_told_at_once(product: Product, fang: tuple[Regulars, str]) -> None:
    client, member = fang
    now = client.events.list(cursor="now").next_cursor

    def give() -> None:
        client.ledger.accrue(member, amount=70, reason="Gift")

    async def first_of_the_loop() -> list[PublicEvent]:
        async with AsyncRegulars(product.url, api_key=product.api_key) as waiting:
            async for batch in waiting.follow_events(now, types=["points.accrued"], member_id=member):
                if batch.events:
                    return batch.events
        return []

    giving = threading.Timer(0.2, give)
    giving.start()
    awaited = asyncio.run(first_of_the_loop())
    giving.join()
    waited = next(batch.events for batch in client.follow_events(now, types=["points.accrued"]) if batch.events)

    assert amounts(awaited) == amounts(waited) == [70]
    assert awaited[0].id == waited[0].id


def test_a_cursor_that_is_none_is_refused(fang: tuple[Regulars, str]) -> None:
    client, _ = fang
    with pytest.raises(Invalid) as refused:
        next(client.follow_events("nonsense"))
    assert "cursor" in refused.value.code
