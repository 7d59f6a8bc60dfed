"""Two members become one over HTTP, in every room: found, read, bought for, returned for, erased; and two again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from regulars.commerce import api as commerce
from regulars.entrypoints.http import create_app
from regulars.entrypoints.privacy import PARTS
from regulars.entrypoints.wiring import checks, web
from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.platform.auth import service as keys
from regulars.platform.db.database import Database
from regulars.platform.ids import parse_public_id
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.commerce.shop import POLICY, STORES
from tests.members.people import define_markets

pytestmark = pytest.mark.anyio
Json = Any
ALL = {"email": "fang@example.com", "phone": "+8613800138000"}


@dataclass
class Door:
    """The API as somebody with every scope uses it."""

    services: Services
    client: httpx.AsyncClient
    _asked: list[str] = field(default_factory=list)

    async def call(self, method: str, path: str, body: Json = None, *, status: int | None = 200) -> Json:
        self._asked.append(path)
        headers = {"Idempotency-Key": f"key-{len(self._asked)}"} if method != "GET" else {}
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == status or (status is None and answer.is_success), answer.text
        return answer.json()

    async def sign_up(self, **identities: str) -> str:
        given = [{"kind": kind, "value": value} for kind, value in identities.items()]
        body = {"market": "CN", "channel": "store", "store_id": "367", "identities": given}
        return str((await self.call("POST", "/v1/members", body, status=201))["member_id"])

    async def order(self, order_id: str, member: str, total_minor: int, *, state: str = "paid") -> Json:
        body = {
            "member_id": member,
            "state": state,
            "channel": "store",
            "store_id": "367",
            "market": "CN",
            "total": {"amount_minor": total_minor, "currency": "CNY"},
            "lines": [
                {"line_id": "1", "sku": "s", "quantity": 2, "amount": {"amount_minor": total_minor, "currency": "CNY"}}
            ],
        }
        return await self.call("PUT", f"/v1/orders/{order_id}", body, status=None)

    async def points(self, member: str) -> tuple[int, int]:
        """Return balance and debt."""
        found = {one["wallet"]: one for one in (await self.call("GET", f"/v1/members/{member}/wallets"))["wallets"]}
        return found["points"]["balance"], found["points"]["debt"]

    async def merge(self, survivor: str, absorbed: str, *, dry_run: bool = False, status: int = 200) -> Json:
        body = {"absorb": absorbed, "reason": "one person", "dry_run": dry_run}
        return await self.call("POST", f"/v1/members/{survivor}/merges", body, status=status)

    async def undo(self, survivor: str, merge: str, *, dry_run: bool = False, status: int = 200) -> Json:
        body = {"reason": "two persons", "dry_run": dry_run}
        return await self.call("POST", f"/v1/members/{survivor}/merges/{merge}/undo", body, status=status)

    async def consent(self, member: str, decision: str, at: str) -> None:
        body = {
            "purpose": "marketing",
            "channel": "sms",
            "decision": decision,
            "wording_version": "w1",
            "where": "store",
            "effective_at": at,
        }
        await self.call("POST", f"/v1/members/{member}/consents", body, status=201)

    async def decided(self, member: str) -> str | None:
        found = (await self.call("GET", f"/v1/members/{member}/consents"))["in_force"]
        return next((one["decision"] for one in found if one["purpose"] == "marketing"), None)

    async def problems(self) -> dict[str, list[str]]:
        found = {}
        for check in checks():
            if check.quick:
                continue  # events under way and an unsealed audit log are no fault of what is tested here
            async with self.services.database.transaction() as tx:
                result = await check.run(tx)
            if not result.ok:
                found[check.name] = [str(one) for one in result.problems]
        return found


@pytest.fixture
async def door(database: Database, tmp_path: Path) -> AsyncIterator[Door]:
    await define_markets(database)
    async with database.transaction() as tx:
        await commerce.define_stores(tx, STORES)
        loyalty.define_standard_wallets(tx)
    async with database.transaction() as tx:
        await loyalty.activate_policy(tx, POLICY, tx.now - timedelta(days=800))
        _, token = await keys.create_key(tx, label="test", scopes=["admin"])
    services = Services(Settings(home=tmp_path, brand_name="北辰"), database, LocalVault(tmp_path / "vault"))
    headers = {"Authorization": f"Bearer {token}", "Regulars-Purpose": "merging members"}
    transport = httpx.ASGITransport(create_app(services, web(services)))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example", headers=headers) as client:
        yield Door(services, client)
    await services.drain()


async def test_the_old_id_phone_and_card_lead_to_the_survivor(door: Door) -> None:
    survivor = await door.sign_up(email="fang@example.com")
    absorbed = await door.sign_up(phone="+8613800138000", card="62220000")
    await door.order("A", absorbed, 120_000)
    await door.order("S", survivor, 10_000)
    looked = await door.merge(survivor, absorbed, dry_run=True)
    assert (looked["state"], looked["merge_id"], await door.points(absorbed)) == ("proposed", None, (1_200, 0))

    merged = await door.merge(survivor, absorbed)

    assert merged["identities"] == ["phone", "card"]
    assert {**merged, "merge_id": None, "state": "proposed", "recorded_at": None} == {**looked, "recorded_at": None}
    assert (merged["tier"]["survivor_before"], merged["tier"]["survivor_after"]) == ("regular", "silver")
    for value in (survivor, absorbed):
        shown = await door.call("GET", f"/v1/members/{value}")
        assert shown["member_id"] == survivor
        assert sorted(one["kind"] for one in shown["identities"]) == ["card", "email", "phone"]
        assert await door.points(value) == (1_300, 0)
        orders = (await door.call("GET", f"/v1/members/{value}/orders"))["orders"]
        assert {one["order_id"] for one in orders} == {"A", "S"}
        assert (await door.call("GET", f"/v1/members/{value}/tier"))["status"]["tier"] == "silver"
    for kind, value in (("phone", "13800138000"), ("card", "62220000"), ("email", "fang@example.com")):
        asked = {"kind": kind, "value": value, "market": "CN"}
        assert (await door.call("POST", "/v1/members/lookup", asked))["member_id"] == survivor
    assert await door.problems() == {}


async def test_tills_that_send_the_old_id_reach_the_survivor(door: Door) -> None:
    survivor, absorbed = await door.sign_up(email="fang@example.com"), await door.sign_up(phone="+8613800138000")
    await door.order("A", absorbed, 20_000)
    await door.merge(survivor, absorbed)

    new = await door.order("B", absorbed, 30_000)
    again = await door.order("A", absorbed, 20_000)
    fulfilled = await door.order("A", survivor, 20_000, state="fulfilled")
    posted = await door.call(
        "POST", f"/v1/members/{absorbed}/accruals", {"wallet": "points", "amount": 50, "reason": "gift"}, status=201
    )
    await door.consent(absorbed, "given", "2025-01-01T00:00:00Z")

    assert (new["member_id"], again["member_id"], fulfilled["state"]) == (survivor, absorbed, "fulfilled")
    assert posted["member_id"] == survivor
    assert await door.decided(survivor) == "given"
    assert await door.points(survivor) == (550, 0)
    half = {"return_id": "r1", "lines": [{"line_id": "1", "quantity": 1}]}
    back = await door.call("POST", "/v1/orders/A/returns", half, status=201)
    assert back["returned"]["amount_minor"] == 10_000
    assert await door.points(survivor) == (450, 0)
    await door.call("DELETE", f"/v1/members/{absorbed}/erasure", status=409)
    assert await door.problems() == {}


async def test_profile_and_consents_are_taken_over_and_restored(door: Door) -> None:
    survivor, absorbed = await door.sign_up(email="fang@example.com"), await door.sign_up(phone="+8613800138000")
    await door.call("PATCH", f"/v1/members/{survivor}/profile", {"display_name": "Fang"})
    await door.call("PATCH", f"/v1/members/{absorbed}/profile", {"display_name": "小方", "given_name": "芳"})
    await door.consent(survivor, "given", "2025-01-01T00:00:00Z")
    await door.consent(absorbed, "withdrawn", "2025-01-01T00:00:00Z")

    merged = await door.merge(survivor, absorbed)

    assert merged["filled"] == ["given_name"]
    assert [(one["decision"], one["before"]) for one in merged["consents"]] == [("withdrawn", "given")]
    profile = (await door.call("GET", f"/v1/members/{absorbed}"))["profile"]
    assert (profile["display_name"], profile["given_name"]) == ("Fang", "芳")
    assert await door.decided(survivor) == "withdrawn"

    undone = await door.undo(survivor, merged["merge_id"])

    assert (undone["cleared"], undone["identities"]) == (["given_name"], ["phone"])
    own, other = [await door.call("GET", f"/v1/members/{one}") for one in (survivor, absorbed)]
    assert (own["profile"]["display_name"], own["profile"]["given_name"]) == ("Fang", None)
    assert (other["member_id"], other["profile"]["given_name"]) == (absorbed, "芳")
    assert [one["value"] for one in other["identities"]] == ["+8613800138000"]
    assert (await door.decided(survivor), await door.decided(absorbed)) == ("given", "withdrawn")
    assert await door.problems() == {}


async def test_what_changed_since_stays(door: Door) -> None:
    survivor, absorbed = await door.sign_up(email="fang@example.com"), await door.sign_up(phone="+8613800138000")
    await door.call("PATCH", f"/v1/members/{absorbed}/profile", {"given_name": "芳"})
    await door.consent(absorbed, "given", "2025-01-01T00:00:00Z")
    merged = await door.merge(survivor, absorbed)
    await door.call("PATCH", f"/v1/members/{absorbed}/profile", {"given_name": "芳芳"})
    await door.consent(survivor, "withdrawn", "2025-02-01T00:00:00Z")

    undone = await door.undo(absorbed, merged["merge_id"])

    assert undone["cleared"] == []
    assert (await door.call("GET", f"/v1/members/{survivor}"))["profile"]["given_name"] == "芳芳"
    assert (await door.decided(survivor), await door.decided(absorbed)) == ("withdrawn", "withdrawn")
    assert await door.problems() == {}


async def test_refusals(door: Door) -> None:
    one, two, three = [await door.sign_up(external=f"x:{number}") for number in range(3)]
    american = {"market": "US", "channel": "online", "identities": [{"kind": "external", "value": "x:us"}]}
    abroad = (await door.call("POST", "/v1/members", american, status=201))["member_id"]
    await door.order("open", two, 1_000, state="placed")
    assert (await door.merge(one, one, status=422))["code"] == "merge_of_one"
    assert (await door.merge(one, abroad, status=409))["code"] == "merge_across_markets"
    assert (await door.merge(one, two, status=409))["code"] == "merge_waits_for_orders"
    assert (await door.merge(one, "mbr_" + "0" * 32, status=404))["code"] == "not_found"
    await door.order("open", two, 1_000, state="cancelled")
    await door.call("POST", f"/v1/members/{two}/erasure", {"reason": "asked for it"}, status=202)
    assert (await door.merge(one, two, status=409))["code"] == "merge_waits_for_erasure"
    await door.call("DELETE", f"/v1/members/{two}/erasure")
    first = await door.merge(two, three)
    second = await door.merge(one, two)
    assert (await door.merge(one, three, status=422))["code"] == "merge_of_one"
    assert (await door.undo(one, first["merge_id"], status=409))["code"] == "undo_out_of_order"
    assert (await door.undo(abroad, first["merge_id"], status=404))["code"] == "unknown_merge"
    assert [merge["state"] for merge in (await door.call("GET", f"/v1/members/{three}/merges"))["merges"]] == [
        "merged"
    ] * 2
    await door.undo(one, second["merge_id"])
    assert (await door.call("GET", f"/v1/members/{three}"))["member_id"] == two
    await door.undo(two, first["merge_id"])
    assert (await door.undo(two, first["merge_id"], status=409))["code"] == "merge_undone_before"
    assert (await door.call("GET", f"/v1/members/{three}"))["member_id"] == three
    assert await door.problems() == {}


async def test_erasing_the_survivor_erases_who_is_part_of_it(door: Door) -> None:
    survivor, absorbed = await door.sign_up(email="fang@example.com"), await door.sign_up(phone="+8613800138000")
    await door.order("A", absorbed, 20_000)
    merged = await door.merge(survivor, absorbed)
    await door.call("POST", f"/v1/members/{absorbed}/erasure", {"reason": "asked for it"}, status=202)
    services = door.services
    async with services.database.transaction() as tx:
        ((due,),) = await tx.rows("SELECT max(due_at) FROM erasures")

    assert await members.carry_out_due(services.database, services.vault, PARTS, at=due) == 2

    ids = [parse_public_id("mbr", one) for one in (survivor, absorbed)]
    assert await services.vault.keys_of([one for one in ids if one is not None]) == {}
    for one in (survivor, absorbed):
        await door.call("GET", f"/v1/members/{one}", status=410)
    assert (await door.undo(survivor, merged["merge_id"], status=410))["code"] == "member_gone"
    asked = {"kind": "phone", "value": "13800138000", "market": "CN"}
    await door.call("POST", "/v1/members/lookup", asked, status=404)
    assert await door.problems() == {}


async def test_everything_about_a_member_tells_of_who_is_part_of_it(door: Door) -> None:
    survivor, absorbed = await door.sign_up(email="fang@example.com"), await door.sign_up(phone="+8613800138000")
    await door.order("A", absorbed, 20_000)
    await door.merge(survivor, absorbed)
    asked = await door.call("POST", f"/v1/members/{absorbed}/exports", status=202)
    await members.gather_waiting(door.services.database, door.services.vault, PARTS)
    found = await door.call("GET", f"/v1/members/{survivor}/exports/{asked['export_id']}")
    orders = found["sections"]["orders"]
    assert [(one["membership"], one["order_id"]) for one in orders] == [(absorbed, "A")]
    assert {one["kind"] for one in found["sections"]["member_identities"]} == {"email", "phone"}
    assert [one["membership"] for one in found["sections"]["member_merges"]] == [absorbed]
