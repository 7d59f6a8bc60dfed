"""Messages over HTTP, and the whole way through a running worker."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from regulars.engagement.channels.stopping import stop_token
from regulars.engagement.routes import routes
from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import Place, Web
from regulars.entrypoints.worker import work_at
from regulars.platform.auth import service as auth
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from tests.engagement.post_office import PostOffice, order

pytestmark = pytest.mark.anyio


async def client_of(office: PostOffice, *scopes: str) -> httpx.AsyncClient:
    services = Services(office.settings, office.database, office.vault)
    async with office.database.transaction() as tx:
        _, token = await auth.create_key(tx, label="test", scopes=list(scopes), expires_at=None)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(services, Web(routes(services), []))),
        base_url="http://test",
        headers={"Authorization": f"Bearer {token}", "Regulars-Purpose": "care ticket"},
    )


async def read(client: httpx.AsyncClient, member: str, body: Any, key: str = "k1") -> httpx.Response:  # noqa: ANN401 - any JSON value
    return await client.post(f"/v1/members/{member}/messages/read", json=body, headers={"Idempotency-Key": key})


async def test_messages_are_listed_with_what_they_say_and_each_look_is_noted(office: PostOffice) -> None:
    member_id = await office.member()
    await office.apply(order(member_id))
    await office.write()
    member = public_id("mbr", member_id)
    async with await client_of(office, "members:personal") as client:
        first = (await client.get(f"/v1/members/{member}/messages", params={"limit": 1})).json()
        rest = (await client.get(f"/v1/members/{member}/messages", params={"cursor": first["next_cursor"]})).json()
        bad = await client.get(f"/v1/members/{member}/messages", params={"cursor": "x"})
        nobody = await client.get("/v1/members/mbr_" + "0" * 32 + "/messages")

    listed = {one["channel"]: one for one in [*first["messages"], *rest["messages"]]}
    assert (first["has_more"], rest["has_more"], rest["next_cursor"], first["unread"]) == (True, False, None, 1)
    assert listed["email"]["address"] == "w***@example.com"
    assert listed["inbox"]["subject"] == "感谢您在 Beichen 购物，获得 299 积分"
    assert listed["inbox"]["figures"][0] == {"label": "合计", "value": "¥299.00"}
    assert (bad.status_code, bad.json()["code"], nobody.status_code) == (422, "message_cursor_unreadable", 404)
    noted = await office.rows("SELECT action, subject FROM audit_entries WHERE action = 'read_messages'")
    assert noted == [("read_messages", member)] * 2


async def test_reading_is_marked_once_however_often_it_is_sent(office: PostOffice) -> None:
    member_id = await office.member(email=None)
    await office.apply(order(member_id, "1", 1_000), order(member_id, "2", 1_000))
    await office.write()
    member = public_id("mbr", member_id)
    messages = [public_id("msg", message.ref.message_id) for message in await office.messages()]
    async with await client_of(office, "members:write") as client:
        first = await read(client, member, {"message_ids": messages[:1]})
        again = await read(client, member, {"message_ids": messages[:1]})
        rest = await read(client, member, {"up_to": messages[-1]}, "k2")
        bad = await read(client, member, {"message_ids": ["msg_1"]}, "k3")
        refused = await client.get(f"/v1/members/{member}/messages")

    assert (first.status_code, first.json()) == (200, {"marked": 1, "unread": 1})
    assert (again.json(), again.headers["Idempotency-Replayed"]) == ({"marked": 1, "unread": 1}, "true")
    assert rest.json() == {"marked": 1, "unread": 0}
    assert (bad.status_code, refused.status_code) == (404, 403)


async def test_one_click_stops_notices_and_looking_does_not(office: PostOffice) -> None:
    member_id = await office.member()
    token = stop_token(office.vault, member_id)
    async with await client_of(office, "members:read") as client:
        del client.headers["Authorization"]
        looked = await client.get(f"/stop/{token}")
        forged = await client.post(f"/stop/{token[:-2]}AA", data={"List-Unsubscribe": "One-Click"})
        assert await office.rows("SELECT count(*) FROM consents") == [(0,)]
        stopped = await client.post(f"/stop/{token}", data={"List-Unsubscribe": "One-Click"})

    assert (looked.status_code, forged.status_code, stopped.status_code) == (405, 404, 200)
    assert await office.rows("SELECT purpose, channel, decision, actor FROM consents") == [
        ("service", "email", "withdrawn", "member")
    ]


async def test_a_worker_does_it_all(office: PostOffice, tmp_path: Path) -> None:
    stop = asyncio.Event()
    place = Place(office.database.url, office.database.url)
    working = asyncio.create_task(work_at(place, replace(office.settings, home=tmp_path), stop))
    member_id = await office.member()
    await office.apply(order(member_id))
    async with asyncio.timeout(20):
        while [message.ref.state.value for message in await office.messages()] != ["sent", "sent"]:
            await asyncio.sleep(0.02)
    stop.set()
    await asyncio.wait_for(working, 15)

    assert [message.ref.answer for message in await office.messages()] == ["development outbox", ""]
