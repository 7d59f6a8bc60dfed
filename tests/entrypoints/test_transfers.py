"""Points from member to member over HTTP: by key and by reference, refused with values, explained, taken back."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from regulars.entrypoints.http import create_app
from regulars.entrypoints.privacy import PARTS
from regulars.entrypoints.wiring import web
from regulars.loyalty import api as loyalty
from regulars.loyalty.policy.contracts import TransferPolicy
from regulars.members import api as members
from regulars.platform.auth import service as keys
from regulars.platform.db.database import Database
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.commerce.shop import POLICY
from tests.entrypoints.proposing import decide, name_together, only, uuid_of
from tests.entrypoints.proposing import two as proposed
from tests.entrypoints.test_merging import Door
from tests.members.people import define_markets

pytestmark = pytest.mark.anyio
Json = Any
WHY = {"reason": "a mistake"}


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


async def test_pages_skip_nothing_where_both_are_one_now(door: Door) -> None:
    one, two = await people(door)
    for amount in (10, 20):
        await door.call("POST", f"/v1/members/{one}/transfers", {"to": two, "amount": amount}, status=201)
    await door.merge(one, two)
    whole = (await door.call("GET", f"/v1/members/{one}/transfers"))["transfers"]
    assert sorted([(row["amount"], row["side"]) for row in whole]) == [
        (10, "given"),
        (10, "received"),
        (20, "given"),
        (20, "received"),
    ]
    paged, cursor = [], ""
    while True:
        page = await door.call("GET", f"/v1/members/{one}/transfers?limit=1{cursor}")
        paged += page["transfers"]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert paged == whole
    wrong = await door.call("GET", f"/v1/members/{one}/transfers?cursor={whole[0]['transfer_id']}", status=422)
    assert wrong["errors"][0]["pointer"] == "/query/cursor"


async def test_what_was_given_while_merged_is_taken_back_by_the_id_that_gave_it(door: Door) -> None:
    one, two = await people(door)
    survivor = await door.sign_up(external="three:3")
    merged = await door.merge(survivor, one)
    given = await door.call("POST", f"/v1/members/{one}/transfers", {"to": two, "amount": 10}, status=201)
    await door.undo(survivor, merged["merge_id"])
    path = f"/v1/members/{one}/transfers/{given['transfer_id']}/reverse"
    assert (await door.call("POST", f"/v1/members/{two}{path[len(f'/v1/members/{one}') :]}", WHY, status=404))["code"]

    taken = await door.call("POST", path, WHY)

    assert (taken["member_id"], taken["returned"], await door.points(two)) == (survivor, 10, (0, 0))
    assert (await door.call("POST", path, WHY, status=409))["code"] == "transfer_reversed_before"
    assert await door.problems() == {}


async def test_both_are_told_that_it_was_taken_back_and_neither_by_whom(door: Door) -> None:
    one, two = await people(door)
    given = await door.call("POST", f"/v1/members/{one}/transfers", {"to": two, "amount": 40}, status=201)
    spent = {"wallet": "points", "amount": 30, "reason": "shop"}
    await door.call("POST", f"/v1/members/{two}/redemptions", spent, status=201)
    await door.call("POST", f"/v1/members/{one}/transfers/{given['transfer_id']}/reverse", WHY)
    told = {}
    for member in (one, two):
        async with door.services.database.transaction() as tx:
            found = await members.gather_now(tx, door.services.vault, PARTS, uuid_of(member))
        (told[member],) = found.sections["point_transfer_reversals"]
    units = ("returned", "covered", "shortfall", "expired")
    assert [[told[member].get(unit) for unit in units] for member in (one, two)] == [
        [40, None, None, 0],
        [10, 0, 30, 0],
    ]
    assert all(set(row) & {"actor", "member_id"} == set() for row in told.values())


async def test_what_is_only_tried_is_not_written_down_as_done(door: Door) -> None:
    one, two = await people(door)
    given = await door.call("POST", f"/v1/members/{one}/transfers", {"to": two, "amount": 10}, status=201)
    path = f"/v1/members/{one}/transfers/{given['transfer_id']}/reverse"
    await door.call("POST", path, {**WHY, "dry_run": True})
    await proposed(door)
    await name_together(door)
    await decide(door, await only(door), "confirm", dry_run=True)
    await door.merge(one, two, dry_run=True)
    looked = await actions(door)
    merged = await door.merge(one, two)
    await door.undo(one, merged["merge_id"], dry_run=True)

    assert {"preview_transfer_reversal", "preview_merge_proposal", "preview_merge"} <= looked
    assert looked & {"reverse_transfer", "confirm_merge_proposal", "merge_members"} == set()
    done = await actions(door)
    assert done - looked == {"merge_members", "preview_merge_undoing"}


async def actions(door: Door) -> set[str]:
    async with door.services.database.transaction() as tx:
        return {action for (action,) in await tx.rows("SELECT action FROM audit_entries")}
