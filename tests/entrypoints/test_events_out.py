"""The events feed over HTTP: facts as others see them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from regulars.domain_events.commerce import OrderReturned
from regulars.domain_events.loyalty import PolicyInForce
from regulars.domain_events.members import ConsentRequested, MemberMerged
from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import Web
from regulars.platform.auth import service as auth
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.event_feed import service, store, waiting
from regulars.platform.event_feed.contracts import FeedPage, Wanted
from regulars.platform.event_feed.routes import feed_routes
from regulars.platform.event_feed.waiting import Pulse
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.platform.feeding import ANNE, BO, NOON, accrued, redeemed
from tests.platform.relaying import publish

pytestmark = pytest.mark.anyio

A, B = f"mbr_{ANNE.hex}", f"mbr_{BO.hex}"


@pytest.fixture
async def client(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    services = Services(
        Settings(home=tmp_path, public_url="https://club.example"), database, LocalVault(tmp_path / "vault")
    )
    async with database.transaction() as tx:
        _, token = await auth.create_key(tx, label="test", scopes=["events:read"])
    app = create_app(services, Web(routes=feed_routes(services), hot=[]))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=headers) as made:
        yield made


async def ask(client: httpx.AsyncClient, **query: str | int) -> dict[str, Any]:
    answer = await client.get("/v1/events", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_facts_are_told_in_one_envelope_with_public_ids(client: httpx.AsyncClient, database: Database) -> None:
    await publish(
        database,
        OrderReturned(
            member_id=ANNE, recorded_at=NOON, order_id="o-1", return_id="R-1", store_id=None, returned_minor=1999,
            points_given_back=0, points_clawed_back=19, growth_reversed=19, currency="CNY", occurred_at=NOON,
        ),
        ConsentRequested(
            member_id=ANNE, recorded_at=NOON, consent_id=BO, purpose="marketing", channel="email",
            wording_version="1", letter=1,
        ),
        MemberMerged(member_id=ANNE, recorded_at=NOON, into=BO, merge_id=ANNE),
        PolicyInForce(member_id=None, recorded_at=NOON, version=2, active_from=NOON + timedelta(days=1)),
    )  # fmt: skip
    answer = await ask(client)

    returned, merged, policy = answer["events"]
    assert answer["has_more"] is False
    assert returned.pop("id").startswith("evt_")
    assert returned == {
        "specversion": "1.0",
        "source": "https://club.example",
        "type": "order.returned",
        "subject": A,
        "time": "2026-05-01T12:00:00Z",
        "datacontenttype": "application/json",
        "data": {
            "member_id": A,
            "order_id": "o-1",
            "return_id": "R-1",
            "store_id": None,
            "returned": {"amount_minor": 1999, "currency": "CNY"},
            "points_given_back": 0,
            "points_clawed_back": 19,
            "growth_reversed": 19,
            "market": "",
            "occurred_at": "2026-05-01T12:00:00Z",
            "store_name": None,
            "to_debt": 0,
            "money_back": None,
        },
    }
    assert (merged["type"], merged["data"]["into"], merged["data"]["merge_id"]) == (
        "member.merged", B, f"mrg_{ANNE.hex}",
    )  # fmt: skip
    assert "subject" not in policy
    assert policy["data"] == {"member_id": None, "version": 2, "active_from": "2026-05-02T12:00:00Z"}


async def test_pages_go_on_and_narrow(client: httpx.AsyncClient, database: Database) -> None:
    await publish(database, accrued(ANNE, 1), redeemed(BO, 2), accrued(BO, 3))
    first = await ask(client, limit=2)
    rest = await ask(client, cursor=first["next_cursor"])
    none = await ask(client, cursor=rest["next_cursor"])
    narrowed = await ask(client, types="points.redeemed,tier.lost")
    hers = await ask(client, member_id=B, types="points.accrued")
    since = await ask(client, cursor="now")

    def numbers(answer: dict[str, Any]) -> list[int]:
        return [event["data"]["amount"] for event in answer["events"]]

    assert [numbers(one) for one in (first, rest, none, narrowed, hers, since)] == [[1, 2], [3], [], [2], [3], []]
    assert [one["has_more"] for one in (first, rest, none)] == [True, False, False]
    ids = [event["id"] for event in first["events"] + rest["events"]]
    assert [event["id"] for event in (await ask(client))["events"]] == ids
    await publish(database, accrued(ANNE, 4))
    assert numbers(await ask(client, cursor=since["next_cursor"])) == [4]


async def test_what_cannot_be_read_is_refused(client: httpx.AsyncClient, database: Database) -> None:
    await publish(database, accrued(ANNE, 1))
    old = (await ask(client))["next_cursor"]
    async with database.transaction() as tx:
        tx.write("DELETE FROM outbox")
    found = [
        (answer.status_code, answer.json()["code"])
        for query in (
            {"cursor": "x"},
            {"types": "order.paid,order.eaten"},
            {"member_id": "mbr_1"},
            {"limit": "501"},
            {"wait": "21"},
            {"cursor": old},
        )
        for answer in [await client.get("/v1/events", params=query)]
    ]

    assert found == [
        (422, "event_cursor_unreadable"),
        (422, "unknown_event_type"),
        (422, "member_id_unreadable"),
        (422, "out_of_range"),
        (422, "out_of_range"),
        (410, "event_cursor_outdated"),
    ]


async def test_who_waits_is_told_when_something_comes(client: httpx.AsyncClient, database: Database) -> None:
    cursor = (await ask(client, cursor="now"))["next_cursor"]
    waiting = [asyncio.create_task(ask(client, cursor=cursor, wait=20)) for _ in range(3)]
    elsewhere = asyncio.create_task(ask(client, cursor=cursor, wait=1, types="tier.lost"))
    await asyncio.sleep(0)
    await publish(database, accrued(ANNE, 1))

    answers = await asyncio.gather(*waiting)
    nothing = await elsewhere

    assert [[event["data"]["amount"] for event in answer["events"]] for answer in answers] == [[1]] * 3
    assert (nothing["events"], nothing["has_more"]) == ([], False)


async def test_who_waits_alone_reads_when_something_came_and_not_before(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    read_feed, has_news = service.read_feed, store.has_news

    async def counted_read(
        tx: Transaction, cursor: str | None, wanted: Wanted, source: str, *, look_at: int = service.LOOK_AT
    ) -> FeedPage:
        done.append("read")
        return await read_feed(tx, cursor, wanted, source, look_at=look_at)

    async def counted_look(tx: Transaction, last: str) -> tuple[str, bool]:
        done.append("look")
        return await has_news(tx, last)

    cursor = (await ask(client, cursor="now"))["next_cursor"]
    monkeypatch.setattr(service, "read_feed", counted_read)
    monkeypatch.setattr(store, "has_news", counted_look)
    assert (await ask(client, cursor=cursor, wait=1))["events"] == []

    assert done.count("read") == 1
    assert 1 <= done.count("look") <= 6  # one each fifth of a second


async def test_who_joins_a_look_hears_what_came_before_it_and_after_their_own(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two who wait the first read after an event that it does not want, the second before."""
    monkeypatch.setattr(waiting, "BETWEEN_LOOKS_SECONDS", 60.0)
    pulse = Pulse(database)
    async with database.transaction() as tx:
        (before,) = (await tx.rows("SELECT pg_current_snapshot()::text"))[0]
    beats = pulse.beats
    await publish(database, accrued(ANNE, 1))
    async with database.transaction() as tx:
        (after,) = (await tx.rows("SELECT pg_current_snapshot()::text"))[0]
    first = asyncio.create_task(pulse.wait(pulse.beats, 60, after))
    await asyncio.sleep(0)

    assert await pulse.wait(beats, 60, before) is True
    first.cancel()
