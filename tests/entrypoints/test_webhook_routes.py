"""Webhooks over HTTP: made, changed, tried out, replayed; the secret is shown to who asked, and kept sealed."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import Web
from regulars.platform.auth import service as auth
from regulars.platform.ids import new_id
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.webhooks.addresses import Guard
from regulars.platform.webhooks.routes import webhook_routes
from tests.platform.feeding import ANNE, BO, accrued, redeemed
from tests.platform.receiving import LOOPBACK, House, Receiver, answering, house, receiver

pytestmark = pytest.mark.anyio
__all__ = ["house", "receiver"]  # the fixtures


@pytest.fixture
async def client(house: House, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    services = Services(Settings(home=tmp_path, webhook_networks=LOOPBACK), house.database, house.vault)
    async with house.database.transaction() as tx:
        _, token = await auth.create_key(tx, label="test", scopes=["webhooks:read", "webhooks:write"])
    app = create_app(services, Web(routes=webhook_routes(services), hot=[]))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=headers) as made:
        yield made
    await services.drain()


async def send(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    body: Any = None,  # noqa: ANN401 - any JSON there is
    key: str = "",
) -> httpx.Response:
    return await client.request(method, path, json=body, headers={"Idempotency-Key": key or new_id().hex})


async def test_the_secret_is_shown_to_who_asked_and_kept_sealed(
    client: httpx.AsyncClient, house: House, receiver: Receiver
) -> None:
    body = {"url": receiver.url, "types": ["points.accrued"], "description": "The web shop"}
    made = await send(client, "POST", "/v1/webhooks", body, "k1")
    again = await send(client, "POST", "/v1/webhooks", body, "k1")
    webhook = made.json()
    path = f"/v1/webhooks/{webhook['webhook_id']}"
    rotated = (await send(client, "POST", f"{path}/rotate", {"overlap_hours": 1})).json()
    read = (await client.get(path)).json()
    await house.tell(accrued(ANNE, 1), redeemed(ANNE, 2))
    await house.courier.drain()

    assert (made.status_code, again.status_code, again.headers["idempotency-replayed"]) == (201, 201, "true")
    assert again.json() == webhook
    assert webhook["secret"].startswith("whsec_")
    assert webhook["secret"] != rotated["secret"]
    assert "secret" not in read
    assert read["old_secret_until"] == rotated["old_secret_until"] is not None
    (one,) = receiver.received
    for secret in (webhook["secret"], rotated["secret"]):
        assert Webhook(secret).verify(one.body, one.headers)["data"]["amount"] == 1
    async with house.database.transaction() as tx:
        for table in ("idempotency_answers", "webhook_endpoints", "audit_entries"):
            rows = str(await tx.rows(f"SELECT * FROM {table}"))
            assert "whsec_" not in rows, table
    at_once = (await send(client, "POST", f"{path}/rotate", {"overlap_hours": 0})).json()
    assert at_once["old_secret_until"] is None


async def test_a_webhook_is_changed_disabled_enabled_and_deleted(client: httpx.AsyncClient, receiver: Receiver) -> None:
    webhook = (await send(client, "POST", "/v1/webhooks", {"url": receiver.url})).json()
    path = f"/v1/webhooks/{webhook['webhook_id']}"
    changed = (await send(client, "PATCH", path, {"types": ["tier.lost", "order.paid"], "description": "x"})).json()
    disabled = (await send(client, "PATCH", path, {"state": "disabled"})).json()
    untried = await send(client, "POST", f"{path}/test")
    enabled = (await send(client, "PATCH", path, {"state": "active"})).json()
    listed = (await client.get("/v1/webhooks")).json()
    deleted = await send(client, "DELETE", path)

    assert (changed["url"], changed["types"], changed["description"]) == (
        receiver.url, ["order.paid", "tier.lost"], "x",
    )  # fmt: skip
    assert (disabled["state"], disabled["disabled_for"]) == ("disabled", "by_hand")
    assert (untried.status_code, untried.json()["code"]) == (409, "webhook_disabled")
    assert (enabled["state"], enabled["disabled_for"]) == ("active", None)
    assert [one["webhook_id"] for one in listed["webhooks"]] == [webhook["webhook_id"]]
    assert deleted.status_code == 200
    gone = [(await client.get(path)).status_code, (await send(client, "PATCH", path, {})).status_code]
    assert gone == [404, 404]


async def test_the_audit_log_says_which_webhook_was_how_before_and_is_now(
    client: httpx.AsyncClient, house: House, receiver: Receiver
) -> None:
    elsewhere = f"{receiver.url}?token=hidden"
    webhook_id = (await send(client, "POST", "/v1/webhooks", {"url": receiver.url})).json()["webhook_id"]
    path = f"/v1/webhooks/{webhook_id}"
    for change in ({"url": elsewhere}, {"types": ["tier.lost"], "description": "Anne's"}, {"state": "disabled"}, {}):
        assert (await send(client, "PATCH", path, change)).status_code == 200
    assert (await send(client, "PATCH", path, {"state": "active"})).status_code == 200
    assert (await send(client, "POST", f"{path}/replay", {"dry_run": True})).status_code == 200
    await send(client, "POST", f"{path}/rotate", {"overlap_hours": 0})
    await send(client, "DELETE", path)

    async with house.database.transaction() as tx:
        found = await tx.rows("SELECT action, subject, detail FROM audit_entries WHERE action LIKE '%%webhook%%'"
                              " OR action = 'replay_deliveries' ORDER BY entry_id")  # fmt: skip
    shown = f"{receiver.url}?…"
    assert {subject for _, subject, _ in found} == {webhook_id}
    assert [(action, detail) for action, _, detail in found] == [
        ("create_webhook", f"{receiver.url}; all types"),
        ("change_webhook", f"url {receiver.url} -> {shown}"),
        ("change_webhook", "types all -> tier.lost; description"),
        ("change_webhook", "active -> disabled"),
        ("change_webhook", "nothing"),
        ("change_webhook", "disabled -> active"),
        ("replay_deliveries", "0, only counted"),
        ("rotate_webhook_secret", "the old one ends at once"),
        ("delete_webhook", f"{shown}; tier.lost"),
    ]


async def test_deliveries_are_listed_and_sent_anew(client: httpx.AsyncClient, house: House, receiver: Receiver) -> None:
    receiver.always(answering(500, body=b"broken"))
    webhook = (await send(client, "POST", "/v1/webhooks", {"url": receiver.url})).json()
    path = f"/v1/webhooks/{webhook['webhook_id']}"
    await house.tell(accrued(ANNE, 1), redeemed(BO, 2), accrued(BO, 3))
    ping = (await send(client, "POST", f"{path}/test")).json()
    await house.courier.drain()

    async def listed(**query: str | int) -> list[dict[str, Any]]:
        answer = await client.get(f"{path}/deliveries", params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["deliveries"]
        return found

    every = await listed()
    lost = (await client.get(f"{path}/deliveries", params={"state": "fialed"})).json()
    assert (lost["code"], lost["data"]["choices"]) == ("not_a_choice", "failed, delivered, pending")
    first = (await client.get(f"{path}/deliveries", params={"limit": 3})).json()
    rest = await listed(cursor=first["next_cursor"])
    assert [one["type"] for one in every] == ["webhook.ping", "points.accrued", "points.redeemed", "points.accrued"]
    assert first["deliveries"] + rest == every
    assert [one["position"] for one in await listed(member_id=f"mbr_{BO.hex}", type="points.redeemed")] == [
        every[2]["position"]
    ]
    assert await listed(state="failed") == await listed(queued_until="2020-01-01T00:00:00Z") == []
    in_full = (await client.get(f"{path}/deliveries/{ping['delivery_id']}")).json()
    assert (in_full["event"]["type"], in_full["event"]["data"]) == (
        "webhook.ping", {"webhook_id": webhook["webhook_id"]},
    )  # fmt: skip
    assert [(one["status"], one["answer"], one["error"]) for one in in_full["log"]] == [(500, "broken", "answered 500")]
    under_way = await send(client, "POST", f"{path}/deliveries/{ping['delivery_id']}/replay")
    assert (under_way.status_code, under_way.json()["code"]) == (409, "delivery_under_way")

    receiver.behave = None
    house.watch.later(minutes=1)
    await house.courier.drain()
    counted = await send(client, "POST", f"{path}/replay", {"states": ["delivered"], "dry_run": True})
    replayed = await send(client, "POST", f"{path}/replay", {"states": ["delivered"]}, "again")
    same = await send(client, "POST", f"{path}/replay", {"states": ["delivered"]}, "again")
    await house.courier.drain()
    one = await send(client, "POST", f"{path}/deliveries/{ping['delivery_id']}/replay")
    assert [answer.json()["replayed"] for answer in (counted, replayed, same)] == [4, 4, 4]
    assert (one.status_code, one.json()["state"]) == (200, "pending")
    await house.courier.drain()
    assert len(receiver.received) == 4 - 1 + 4 + 4 + 1


async def test_what_cannot_be_is_refused(client: httpx.AsyncClient, house: House, receiver: Receiver) -> None:
    webhook = (await send(client, "POST", "/v1/webhooks", {"url": receiver.url})).json()
    path = f"/v1/webhooks/{webhook['webhook_id']}"
    refused = [
        await send(client, "POST", "/v1/webhooks", {"url": "http://8.8.8.8/hooks"}),
        await send(client, "POST", "/v1/webhooks", {"url": "gopher://8.8.8.8/"}),
        await send(client, "POST", "/v1/webhooks", {"url": receiver.url, "types": ["order.eaten"]}),
        await send(client, "PATCH", path, {"url": "https://10.0.0.1/"}),
        await send(client, "POST", f"{path}/rotate", {"overlap_hours": 169}),
        await client.get(f"{path}/deliveries", params={"cursor": "x"}),
        await client.get(f"{path}/deliveries", params={"member_id": "x"}),
        await client.get(f"{path}/deliveries/whd_{'0' * 32}"),
        await client.get("/v1/webhooks/whe_1"),
    ]
    assert [(one.status_code, one.json()["code"]) for one in refused] == [
        (422, "webhook_url_not_allowed"),
        (422, "webhook_url_impossible"),
        (422, "unknown_webhook_type"),
        (422, "webhook_url_not_allowed"),
        (422, "out_of_range"),
        (422, "delivery_cursor_unreadable"),
        (422, "member_id_unreadable"),
        (404, "not_found"),
        (404, "not_found"),
    ]
    async with house.database.transaction() as tx:
        tx.write(
            "INSERT INTO webhook_endpoints (endpoint_id, url, description, types, state, created_at, sealed_secret)"
            " SELECT gen_random_uuid(), '', '', '{}', 'active', now(), '' FROM generate_series(1, 47)"
        )
    full = await send(client, "POST", "/v1/webhooks", {"url": receiver.url})
    assert (full.status_code, full.json()["code"]) == (409, "too_many_webhooks")


async def test_a_repeated_request_gives_its_first_answer_wherever_names_lead_by_now(
    client: httpx.AsyncClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"url": receiver.url.replace("127.0.0.1", "localhost")}
    first = await send(client, "POST", "/v1/webhooks", body, "k")
    path = f"/v1/webhooks/{first.json()['webhook_id']}"
    change = await send(client, "PATCH", path, body, "c")

    async def nobody(*_: object) -> list[object]:
        raise OSError

    monkeypatch.setattr(Guard, "resolve", nobody)
    again = [await send(client, "POST", "/v1/webhooks", body, "k"), await send(client, "PATCH", path, body, "c")]
    other = await send(client, "POST", "/v1/webhooks", body, "another")

    assert [one.status_code for one in (first, change, *again)] == [201, 200, 201, 200]
    assert again[0].json() == first.json()
    assert (other.status_code, other.json()["code"]) == (422, "webhook_host_unknown")


async def test_a_secret_signs_for_as_long_as_was_said(
    client: httpx.AsyncClient, house: House, receiver: Receiver
) -> None:
    made = (await send(client, "POST", "/v1/webhooks", {"url": receiver.url})).json()
    path = f"/v1/webhooks/{made['webhook_id']}/rotate"
    first = await send(client, "POST", path, {"overlap_hours": 24})
    second = await send(client, "POST", path, {"overlap_hours": 24})
    await house.tell(accrued(ANNE, 1))
    await house.courier.drain()
    (got,) = receiver.received

    for secret in (made["secret"], first.json()["secret"]):
        Webhook(secret).verify(got.body, got.headers)
    assert (second.status_code, second.json()["code"]) == (409, "secret_rotation_under_way")

    third = await send(client, "POST", path, {"overlap_hours": 0})
    await house.tell(accrued(ANNE, 2))
    await house.courier.drain()
    Webhook(third.json()["secret"]).verify(receiver.received[1].body, receiver.received[1].headers)
    for secret in (made["secret"], first.json()["secret"]):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(receiver.received[1].body, receiver.received[1].headers)
