"""Households over HTTP: formed and changed, repeated, merged with their members and parted again, exported."""

from typing import Any

import pytest

from regulars.entrypoints.privacy import PARTS
from regulars.members import api as members
from tests.entrypoints.test_merging import Door, door

pytestmark = pytest.mark.anyio
__all__ = ["door"]
Json = Any
WHY = "they said so"


async def people(door: Door, count: int) -> list[str]:
    return [await door.sign_up(external=f"home:{number}") for number in range(count)]


async def form(door: Door, head: str, *others: str, name: str | None = None) -> str:
    body = {"head": head, "members": others, "name": name, "reason": WHY}
    return str((await door.call("POST", "/v1/households", body, status=201))["household_id"])


async def lives(door: Door, home: str) -> list[tuple[str, str]]:
    found = await door.call("GET", f"/v1/households/{home}")
    return [(one["member_id"], one["role"]) for one in found["members"]]


async def act(door: Door, home: str, what: str, member: str | None = None, *, status: int = 200) -> Json:
    body = {"reason": WHY} if member is None else {"reason": WHY, "member": member}
    return await door.call("POST", f"/v1/households/{home}/{what}", body, status=status)


async def test_the_api_of_households(door: Door) -> None:
    one, two, three = await people(door, 3)
    home = await form(door, one, two, name="王府")
    await act(door, home, "members", three)
    await act(door, home, "head", two)
    await act(door, home, f"members/{one}/remove")
    await door.call("PATCH", f"/v1/households/{home}", {"name": "The Wangs", "reason": WHY})

    shown = await door.call("GET", f"/v1/households/{home}")
    assert (shown["name"], shown["head"], shown["state"]) == ("The Wangs", two, "standing")
    assert await lives(door, home) == [(two, "head"), (three, "member")]
    first = await door.call("GET", f"/v1/households/{home}/changes?limit=4")
    rest = await door.call("GET", f"/v1/households/{home}/changes?limit=100&cursor={first['next_cursor']}")
    kinds = [change["kind"] for change in (*first["changes"], *rest["changes"])]
    assert kinds[::-1] == ["formed", "joined", "joined", "joined", "head_changed", "left", "renamed"]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert {change["reason"] for change in rest["changes"]} == {WHY}
    stays = await door.call("GET", f"/v1/members/{one}/households")
    assert [(stay["household_id"], stay["role"]) for stay in stays["households"]] == [(home, None)]

    other = await form(door, one)
    listed = await door.call("GET", "/v1/households?limit=1")
    more = await door.call("GET", f"/v1/households?limit=1&cursor={listed['next_cursor']}")
    assert [page["households"][0]["household_id"] for page in (listed, more)] == [other, home]
    assert more["has_more"] is False
    assert (await act(door, home, "members", one, status=409))["code"] == "in_another_household"
    assert (await act(door, home, "dissolve"))["state"] == "dissolved"
    assert (await act(door, home, "members", three, status=409))["code"] == "household_dissolved"
    gone = await door.call("GET", "/v1/households?dissolved=true")
    assert [found["household_id"] for found in gone["households"]] == [home]
    assert await door.problems() == {}


async def test_a_household_is_formed_once_and_no_stored_answer_holds_its_name(door: Door) -> None:
    (one,) = await people(door, 1)
    body = {"head": one, "name": "王府", "reason": WHY}
    headers = {"Idempotency-Key": "once"}
    first = await door.client.post("/v1/households", json=body, headers=headers)
    again = await door.client.post("/v1/households", json=body, headers=headers)
    other = await door.client.post("/v1/households", json={**body, "name": "李府"}, headers=headers)

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert first.content == again.content
    assert "王府" not in first.text
    assert (first.json()["has_name"], again.headers["Idempotency-Replayed"]) == (True, "true")
    assert len((await door.call("GET", "/v1/households"))["households"]) == 1


async def test_a_survivor_without_a_household_takes_the_place_over(door: Door) -> None:
    survivor, absorbed, wife = await people(door, 3)
    home = await form(door, absorbed, wife, name="王府")
    looked = await door.merge(survivor, absorbed, dry_run=True)
    assert looked["household"] == {"household_id": home, "takes_over": True}
    assert await lives(door, home) == [(absorbed, "head"), (wife, "member")]

    merged = await door.merge(survivor, absorbed)

    assert merged["household"] == looked["household"]
    assert await lives(door, home) == [(survivor, "head"), (wife, "member")]
    assert (await door.call("GET", f"/v1/households/{home}"))["name"] == "王府"
    for either in (survivor, absorbed):
        stays = (await door.call("GET", f"/v1/members/{either}/households"))["households"]
        assert [(stay["household_id"], stay["role"]) for stay in stays] == [(home, "head")]
    assert await door.problems() == {}

    undone = await door.undo(survivor, merged["merge_id"])

    assert undone["household"] == {"household_id": home, "takes_over": True}
    assert await lives(door, home) == [(absorbed, "head"), (wife, "member")]
    assert (await door.call("GET", f"/v1/households/{home}"))["name"] == "王府"
    stays = (await door.call("GET", f"/v1/members/{absorbed}/households"))["households"]
    assert [(stay["household_id"], stay["until"]) for stay in stays] == [(home, None)]
    assert await door.problems() == {}


async def test_a_survivor_with_a_household_keeps_it(door: Door) -> None:
    survivor, absorbed, wife = await people(door, 3)
    own, home = await form(door, survivor), await form(door, absorbed, wife)

    merged = await door.merge(survivor, absorbed)

    assert merged["household"] == {"household_id": home, "takes_over": False}
    assert (await lives(door, own), await lives(door, home)) == ([(survivor, "head")], [(wife, "head")])
    await door.undo(survivor, merged["merge_id"])
    assert await lives(door, own) == [(survivor, "head")]
    assert await lives(door, home) == [(absorbed, "head"), (wife, "member")]
    assert await door.problems() == {}


async def test_a_household_that_a_merge_ended_stands_again(door: Door) -> None:
    survivor, absorbed = await people(door, 2)
    await form(door, survivor)
    alone = await form(door, absorbed, name="王府")
    merged = await door.merge(survivor, absorbed)
    assert (await door.call("GET", f"/v1/households/{alone}"))["state"] == "dissolved"

    await door.undo(survivor, merged["merge_id"])

    shown = await door.call("GET", f"/v1/households/{alone}")
    assert (shown["state"], shown["head"], shown["name"]) == ("standing", absorbed, "王府")
    assert await door.problems() == {}


async def test_both_of_one_household_become_one_there(door: Door) -> None:
    survivor, absorbed, child = await people(door, 3)
    home = await form(door, absorbed, survivor, child)
    merged = await door.merge(survivor, absorbed)
    assert await lives(door, home) == [(survivor, "head"), (child, "member")]

    await door.undo(survivor, merged["merge_id"])

    assert sorted(await lives(door, home)) == sorted([(absorbed, "head"), (survivor, "member"), (child, "member")])
    assert await door.problems() == {}


async def test_what_was_decided_since_a_merge_stays(door: Door) -> None:
    survivor, absorbed, wife = await people(door, 3)
    home = await form(door, absorbed, wife)
    merged = await door.merge(survivor, absorbed)
    await act(door, home, f"members/{absorbed}/remove")  # under the old id: it is the survivor who leaves

    undone = await door.undo(survivor, merged["merge_id"])

    assert undone["household"] is None
    assert await lives(door, home) == [(wife, "head")]
    assert await door.problems() == {}


async def test_a_chain_of_merges_gives_the_place_back_step_by_step(door: Door) -> None:
    one, two, three, wife = await people(door, 4)
    home = await form(door, one, wife)
    first = await door.merge(two, one)
    second = await door.merge(three, two)
    assert await lives(door, home) == [(three, "head"), (wife, "member")]
    await door.undo(three, second["merge_id"])
    assert await lives(door, home) == [(two, "head"), (wife, "member")]
    await door.undo(two, first["merge_id"])
    assert await lives(door, home) == [(one, "head"), (wife, "member")]
    assert await door.problems() == {}


async def test_an_export_tells_of_ones_own_places_and_of_nobody_else(door: Door) -> None:
    one, two = await people(door, 2)
    home = await form(door, one, two, name="王府")
    asked = await door.call("POST", f"/v1/members/{two}/exports", status=202)
    mine = await door.call("POST", f"/v1/members/{one}/exports", status=202)
    await members.gather_waiting(door.services.database, door.services.vault, PARTS)
    found = (await door.call("GET", f"/v1/members/{two}/exports/{asked['export_id']}"))["sections"]
    own = (await door.call("GET", f"/v1/members/{one}/exports/{mine['export_id']}"))["sections"]

    assert (found["households"], len(found["household_members"])) == ([], 1)
    assert [(change["kind"], change["is_head"]) for change in found["household_changes"]] == [("joined", False)]
    assert [change["name"] for change in own["households"]] == ["王府"]
    assert one.removeprefix("mbr_") not in repr(found["household_changes"]).replace("-", "")
    assert home
