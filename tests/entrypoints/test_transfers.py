"""Points from member to member over HTTP: by key and by reference, refused with values, explained, taken back."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import web
from regulars.loyalty import api as loyalty
from regulars.loyalty.policy.contracts import TransferPolicy
from regulars.platform.auth import service as keys
from regulars.platform.db.database import Database
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.commerce.shop import POLICY
from tests.entrypoints.test_merging import Door
from tests.members.people import define_markets

pytestmark = pytest.mark.anyio
Json = Any


@pytest.fixture
async def door(database: Database, tmp_path: Path) -> AsyncIterator[Door]:
    await define_markets(database)
    allowed = replace(POLICY, transfers=TransferPolicy(among="anyone", given_per_month=60))
    async with database.transaction() as tx:
        loyalty.define_standard_wallets(tx)
    async with database.transaction() as tx:
        await loyalty.activate_policy(tx, allowed, tx.now - timedelta(days=800))
        _, token = await keys.create_key(tx, label="test", scopes=["admin"])
    services = Services(Settings(home=tmp_path), database, LocalVault(tmp_path / "vault"))
    headers = {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(create_app(services, web(services)))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example", headers=headers) as client:
        yield Door(services, client)
    await services.drain()


async def people(door: Door) -> tuple[str, str]:
    one, two = await door.sign_up(external="one:1"), await door.sign_up(external="two:2")
    body = {"wallet": "points", "amount": 100, "reason": "gift"}
    await door.call("POST", f"/v1/members/{one}/accruals", body, status=201)
    return one, two


async def test_points_are_given_once_refused_with_values_and_taken_back(door: Door) -> None:
    one, two = await people(door)
    path, body = f"/v1/members/{one}/transfers", {"to": two, "amount": 40, "reason": "Happy birthday"}
    looked = await door.call("POST", path, {**body, "dry_run": True}, status=201)
    assert (looked["transfer_id"], looked["amount"], await door.points(two)) == (None, 40, (0, 0))
    keyed = [await door.client.post(path, json=body, headers={"Idempotency-Key": "gift"}) for _ in range(2)]
    assert [answer.status_code for answer in keyed] == [201, 201]
    assert keyed[0].content == keyed[1].content
    given = keyed[0].json()
    named = {**body, "amount": 5, "reference": "gift:2"}
    first, again = [await door.call("POST", path, named, status=201) for _ in range(2)]
    assert first == again
    reused = await door.call("POST", path, {**named, "amount": 6}, status=422)
    assert reused["code"] == "reference_reused"
    assert (await door.points(one), await door.points(two)) == ((55, 0), (45, 0))

    over = await door.call("POST", path, {**body, "amount": 20}, status=409)
    assert (over["code"], over["data"]["limit"], over["data"]["left"]) == ("given_this_month_limit", 60, 15)
    assert (await door.call("POST", path, {**body, "to": one}, status=422))["code"] == "transfer_to_oneself"
    reserved = await door.call("POST", path, {**body, "reference": "transfer:x"}, status=422)
    assert reserved["code"] == "reference_reserved"

    listed = await door.call("GET", f"/v1/members/{two}/transfers?limit=1")
    assert (listed["has_more"], listed["transfers"][0]["side"], listed["transfers"][0]["other"]) == (
        True,
        "received",
        one,
    )
    reverse = f"{path}/{given['transfer_id']}/reverse"
    looked = await door.call("POST", reverse, {"reason": "a mistake", "dry_run": True})
    taken = await door.call("POST", reverse, {"reason": "a mistake"})
    assert {**looked, "recorded_at": "", "dry_run": False} == {**taken, "recorded_at": ""}
    assert (taken["returned"], taken["shortfall"], await door.points(one)) == (40, 0, (95, 0))
    before = await door.call("POST", reverse, {"reason": "a mistake"}, status=409)
    assert before["code"] == "transfer_reversed_before"
    assert await door.problems() == {}


async def test_a_transfer_and_its_lot_say_why_and_where_they_came_from(door: Door) -> None:
    one, two = await people(door)
    await door.call("POST", f"/v1/members/{one}/transfers", {"to": two, "amount": 40}, status=201)
    line = (await door.call("GET", f"/v1/members/{two}/statement"))["lines"][0]
    why = await door.call("GET", f"/v1/members/{two}/transfers/{line['transfer_id']}/explain")
    assert why["reasons"][0]["rule"] == "moved.in.transfer"
    assert why["reasons"][0]["sentence"] == "40 points were given by another member."
    (lot,) = (await door.call("GET", f"/v1/members/{two}/lots"))["lots"]
    lineage = await door.call("GET", f"/v1/members/{two}/lots/{lot['lot_id']}/lineage")
    assert lineage["origin"]["from_member"] == one
    explained = await door.call("GET", f"/v1/members/{two}/lots/{lot['lot_id']}/explain")
    assert explained["reasons"]


async def test_finance_sees_nothing_come_or_go(door: Door) -> None:
    one, two = await people(door)
    await door.call("POST", f"/v1/members/{one}/transfers", {"to": two, "amount": 40}, status=201)
    async with door.services.database.transaction() as tx:
        rows = await tx.rows(
            "SELECT kind, sum(CASE WHEN credit_account %% 100 = 0 THEN amount ELSE -amount END)::bigint "
            "FROM ledger_transfers GROUP BY 1 ORDER BY 1"
        )
    assert rows == [("accrue", 100), ("move_in", 40), ("move_out", -40)]
