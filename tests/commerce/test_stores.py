"""Stores and markets over HTTP."""

import pytest

from tests.commerce.shop import Shop, line, order, problem

pytestmark = pytest.mark.anyio


async def test_a_store_is_defined_renamed_read_and_listed(shop: Shop) -> None:
    new = await shop.send("PUT", "/v1/stores/500", {"market": "CN", "name": "Sanlitun"})
    assert (new.status_code, new.json()) == (201, {"store_id": "500", "market": "CN", "name": "Sanlitun"})
    renamed = await shop.send("PUT", "/v1/stores/500", {"market": "CN", "name": "三里屯"})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "三里屯")
    assert await shop.read("/v1/stores/500") == renamed.json()
    found, cursor = [], ""
    while True:
        page = await shop.read(f"/v1/stores?limit=2{cursor}")
        found += [each["store_id"] for each in page["stores"]]
        cursor = f"&cursor={page['next_cursor']}"
        if not page["has_more"]:
            break
    assert found == ["367", "406", "500", "9"]
    member = await shop.member()
    assert (await shop.put("A1", order(member, line("tea", 1), store_id="500"))).status_code == 201


async def test_bad_stores_are_refused_and_nothing_changes(shop: Shop) -> None:
    before = await shop.contents()
    body = {"market": "CN", "name": "x"}
    moved = await shop.send("PUT", "/v1/stores/9", body)
    assert problem(moved) == (422, "store_in_another_market", "/market")
    assert problem(await shop.send("PUT", "/v1/stores/7", body | {"market": "XX"})) == (
        422,
        "unknown_market",
        "/market",
    )
    for store_id in ("%00", "a:b", "a" * 65):
        bad = await shop.send("PUT", f"/v1/stores/{store_id}", body)
        assert problem(bad) == (422, "store_id_impossible", "/path/store_id")
        assert problem(await shop.client.get(f"/v1/stores/{store_id}"))[:2] == (404, "not_found")
    assert problem(await shop.send("PUT", "/v1/stores/7", body | {"name": ""}))[1:] == ("wrong_length", "/name")
    assert problem(await shop.client.get("/v1/stores?cursor=IiI="))[1:] == ("cursor_unreadable", "/query/cursor")
    assert problem(await shop.client.get("/v1/stores/7"))[:2] == (404, "not_found")
    assert await shop.contents() == before


async def test_the_markets_are_listed(shop: Shop) -> None:
    found = await shop.read("/v1/markets")
    assert [(each["code"], each["currency"], each["time_zone"]) for each in found["markets"]] == [
        ("CN", "CNY", "Asia/Shanghai"),
        ("US", "USD", "America/New_York"),
    ]
