"""Looks through the id of somebody who is part of another: they are found at whose data was told, by whatever id."""

from typing import Any

import pytest

from regulars.entrypoints.privacy import PARTS
from regulars.members import api as members
from tests.entrypoints.test_merging import Door, door
from tests.entrypoints.test_parting import both, of

pytestmark = pytest.mark.anyio
__all__ = ["door"]
HOWS = ["read_personal_data", "read_messages", "read_export"]


async def looks(door: Door, member: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await door.call("GET", f"/v1/personal-reads?member_id={member}"))["looks"]
    return found


async def look(door: Door, member: str, how: str) -> None:
    path = f"/v1/members/{member}"
    if how == "read_messages":
        path += "/messages"
    elif how == "read_export":
        asked = await door.call("POST", f"{path}/exports", None, status=202)
        assert await members.gather_waiting(door.services.database, door.services.vault, PARTS) == 1
        path += f"/exports/{asked['export_id']}"
    await door.call("GET", path)


@pytest.mark.parametrize("how", HOWS)
async def test_a_look_is_found_at_whose_data_was_told(door: Door, how: str) -> None:
    survivor, absorbed = await both(door)
    merged = await door.merge(survivor, absorbed)

    await look(door, absorbed, how)

    (found,) = await looks(door, survivor)
    assert (found["action"], found["subject"]) == (how, survivor)
    assert found["detail"].endswith(f"as {absorbed}")
    assert await looks(door, absorbed) == [found]  # the id means the survivor
    await door.undo(survivor, merged["merge_id"])
    assert [await looks(door, one) for one in (survivor, absorbed)] == [[found], []]


@pytest.mark.parametrize("how", HOWS)
async def test_a_look_by_the_own_id_names_no_other(door: Door, how: str) -> None:
    survivor, absorbed = await both(door)
    await door.merge(survivor, absorbed)

    await look(door, survivor, how)

    (found,) = await looks(door, survivor)
    assert "mbr_" not in found["detail"]


async def test_looks_of_before_the_merge_are_listed_with_the_survivor_s(door: Door) -> None:
    survivor, absorbed = await both(door)
    for member in (absorbed, survivor):
        await look(door, member, "read_personal_data")
    merged = await door.merge(survivor, absorbed)
    await look(door, survivor, "read_personal_data")

    assert [one["subject"] for one in await looks(door, survivor)] == [survivor, survivor, absorbed]
    assert await looks(door, absorbed) == await looks(door, survivor)
    paged = await door.call("GET", f"/v1/personal-reads?member_id={survivor}&limit=2")
    rest = await door.call("GET", f"/v1/personal-reads?member_id={survivor}&cursor={paged['next_cursor']}")
    assert [*paged["looks"], *rest["looks"]] == await looks(door, survivor)
    await door.undo(survivor, merged["merge_id"])
    assert [one["subject"] for one in await looks(door, absorbed)] == [absorbed]


async def test_the_history_of_consents_is_the_survivor_s_by_the_old_id_too(door: Door) -> None:
    survivor, absorbed = await both(door)
    await door.consent(absorbed, "given", "2025-01-01T00:00:00Z")
    await door.consent(survivor, "withdrawn", "2025-02-01T00:00:00Z")
    await door.merge(survivor, absorbed)

    told = [await door.call("GET", f"/v1/members/{one}/consents/history") for one in (survivor, absorbed)]

    assert told[0]["history"] == told[1]["history"]
    assert [one["decision"] for one in told[0]["history"]] == ["withdrawn"]
    assert (await door.call("GET", f"/v1/members/{absorbed}/consents"))["history"] == told[1]["history"]


async def test_everything_is_gathered_of_whom_an_old_id_means(door: Door) -> None:
    survivor, absorbed = await both(door)
    await door.merge(survivor, absorbed)
    vault = door.services.vault
    told = []
    for one in (survivor, absorbed):
        async with door.services.database.transaction() as tx:
            told.append(await members.gather_now(tx, vault, PARTS, of(one)))

    assert [one.member_id for one in told] == [survivor, survivor]
    assert told[0].sections["member_identities"] == told[1].sections["member_identities"]
