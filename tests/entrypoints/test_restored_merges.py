"""A backup of when two were one is restored after they were parted and one of them was erased.

All that such a restore knows of it: the key is destroyed, and the journal has a line.
"""

from datetime import timedelta
from uuid import UUID

import pytest

from regulars.entrypoints.privacy import PARTS
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue
from regulars.platform.clock import wall_now
from tests.entrypoints.proposing import EMAIL, listed, name_together, only
from tests.entrypoints.test_households import form, lives
from tests.entrypoints.test_merging import Door, door
from tests.entrypoints.test_parting import PHONE, both, exported, of, portal_of

pytestmark = pytest.mark.anyio
__all__ = ["door"]
SECRETS = ("13800138000", "62220000", "小方", "芳")


async def restored(door: Door, *erased: str) -> None:
    """Let the database meet a journal in which these are erased."""
    for one in erased:
        await door.services.vault.destroy(of(one))
    assert await members.apply_journal(door.services.database, door.services.vault, PARTS) == len(erased)
    assert await members.apply_journal(door.services.database, door.services.vault, PARTS) == 0


async def tell(door: Door, member: str, **names: str) -> None:
    await door.call("PATCH", f"/v1/members/{member}/profile", names)


async def found(door: Door, kind: str, value: str) -> int:
    body = {"kind": kind, "value": value, "market": "CN"}
    return (await door.client.post("/v1/members/lookup", json=body)).status_code


async def told_of(door: Door, *ids: str) -> list[str]:
    """Return which of the erased member's values are told in the clear, by everything that tells of others."""
    texts = []
    for one in ids:
        texts += [(await door.client.get(f"/v1/members/{one}{path}")).text for path in ("", "/messages", "/exports")]
        async with door.services.database.transaction() as tx:
            texts.append(str(await members.gather_now(tx, door.services.vault, PARTS, of(one))))
    return [secret for secret in SECRETS if any(secret in text.replace(" ", "") for text in texts)]


async def test_who_was_parted_and_erased_is_told_by_nobody(door: Door) -> None:
    survivor, absorbed = await both(door)
    await tell(door, survivor, display_name="Fang")
    await tell(door, absorbed, display_name="小方", given_name="芳")
    await door.order("A", absorbed, 120_000)
    await door.consent(absorbed, "given", "2025-01-01T00:00:00Z")
    await door.merge(survivor, absorbed)
    opened = await portal_of(door).sign_in(IdentityValue(IdentityKind.PHONE, PHONE))
    export = await exported(door, survivor)
    assert await told_of(door, survivor) == list(SECRETS)

    await restored(door, absorbed)

    assert await told_of(door, survivor) == []
    assert [await found(door, "phone", PHONE), await found(door, "card", "62220000")] == [404, 404]
    assert await found(door, "email", "fang@example.com") == 200
    assert (await door.client.get(export)).status_code == 404
    assert await portal_of(door).recognise(opened.token) is None
    assert (await door.client.get(f"/v1/members/{absorbed}")).status_code == 410
    shown = await door.call("GET", f"/v1/members/{survivor}")
    assert (shown["profile"]["display_name"], shown["profile"]["given_name"]) == ("Fang", None)
    assert await door.decided(survivor) == "withdrawn"  # nobody but the absorbed one had agreed
    (merge,) = (await door.call("GET", f"/v1/members/{survivor}/merges"))["merges"]
    assert (merge["state"], merge["undone_by"]) == ("undone", "journal")
    assert await door.problems() == {}
    again = await door.sign_up(phone=PHONE)  # the number is free
    assert await door.points(again) == (0, 0)


async def test_what_the_survivor_told_since_stays(door: Door) -> None:
    survivor, absorbed = await both(door)
    await tell(door, absorbed, display_name="小方", given_name="芳")
    await door.merge(survivor, absorbed)
    await tell(door, survivor, given_name="Fang")
    await door.call("POST", f"/v1/members/{survivor}/identities", {"kind": "card", "value": "88442211"}, status=201)

    await restored(door, absorbed)

    shown = await door.call("GET", f"/v1/members/{survivor}")
    assert (shown["profile"]["display_name"], shown["profile"]["given_name"]) == (None, "Fang")
    assert [one["value"] for one in shown["identities"]] == ["fang@example.com", "88442211"]


async def test_what_went_on_along_a_chain_is_told_by_nobody(door: Door) -> None:
    survivor, absorbed = await both(door)
    third = await door.sign_up(email="third@example.com")
    await tell(door, absorbed, display_name="小方", given_name="芳")
    await tell(door, third, display_name="Third")
    await door.merge(survivor, absorbed)
    merged = await door.merge(third, survivor)
    assert await told_of(door, third) == list(SECRETS)

    await restored(door, absorbed)

    assert await told_of(door, third) == []
    assert await found(door, "email", "fang@example.com") == 200
    assert await door.problems() == {}
    await door.undo(third, merged["merge_id"])
    assert await told_of(door, third, survivor) == []
    assert (await door.call("GET", f"/v1/members/{survivor}"))["profile"]["display_name"] is None
    assert await door.problems() == {}


async def test_who_was_part_of_the_erased_one_is_found_by_their_own_again(door: Door) -> None:
    survivor, absorbed = await both(door)
    part = await door.sign_up(email="part@example.com")
    await door.merge(absorbed, part)
    await door.merge(survivor, absorbed)

    await restored(door, absorbed)

    assert await told_of(door, survivor, part) == []
    shown = await door.call("GET", f"/v1/members/{part}")
    assert (shown["member_id"], [one["value"] for one in shown["identities"]]) == (part, ["part@example.com"])
    shown = await door.call("GET", f"/v1/members/{survivor}")
    assert [one["value"] for one in shown["identities"]] == ["fang@example.com"]
    assert await door.problems() == {}


@pytest.mark.parametrize("goes_on", [False, True])
async def test_who_lives_has_books_of_their_own_again(door: Door, *, goes_on: bool) -> None:
    """Part of somebody who is erased, or of somebody who was part of a third, who lives: nothing new goes there."""
    survivor, absorbed = await both(door)
    part = await door.sign_up(email="part@example.com")
    for number, one in enumerate((part, absorbed, survivor)):
        await door.order(f"before-{number}", one, 10_000 * (number + 1))
    merged = await door.merge(absorbed, part)
    if goes_on:
        await door.merge(survivor, absorbed)
    await door.order("since", part, 50_000)

    await restored(door, absorbed)

    assert await door.points(part) == (100, 0)  # its own of before; what came since stays where it was earned
    await door.order("now", part, 70_000)
    assert await door.points(part) == (800, 0)
    assert await door.points(survivor) == ((800, 0) if goes_on else (300, 0))
    assert await door.problems() == {}
    async with door.services.database.transaction() as tx:  # a corruption: as if the books were still joined
        tx.write(
            "UPDATE member_books SET merged_into = %s, merged_by = %s WHERE member_id = %s",
            (of(absorbed), UUID(hex=merged["merge_id"].removeprefix("mrg_")), of(part)),
        )
    found = (await door.problems())["books that are part of others"]
    assert any("that was undone: what is booked for it goes there" in one for one in found)


async def test_who_was_part_of_an_erased_survivor_lives(door: Door) -> None:
    """What was handed over stands under the survivor's key, which is destroyed: it cannot be given back."""
    survivor, absorbed = await both(door)
    await door.merge(survivor, absorbed)

    await restored(door, survivor)

    shown = await door.call("GET", f"/v1/members/{absorbed}")
    assert (shown["member_id"], shown["identities"]) == (absorbed, [])
    assert (await door.client.get(f"/v1/members/{survivor}")).status_code == 410
    assert await door.problems() == {}


async def test_nobody_lives_by_the_place_of_who_was_erased(door: Door) -> None:
    """Nor is the household's name told, which came with the head."""
    survivor, absorbed = await both(door)
    wife, top = await door.sign_up(email="wife@example.com"), await door.sign_up(email="top@example.com")
    home = await form(door, absorbed, wife, name="方芳家")
    await door.merge(survivor, absorbed)
    await door.merge(top, survivor)
    assert await lives(door, home) == [(top, "head"), (wife, "member")]

    await restored(door, absorbed)

    assert (await door.call("GET", f"/v1/households/{home}"))["name"] is None
    assert await lives(door, home) == [(wife, "head")]
    assert await door.problems() == {}


async def test_the_household_of_who_lived_alone_is_no_more(door: Door) -> None:
    survivor, absorbed = await both(door)
    home = await form(door, absorbed, name="方芳家")
    await door.merge(survivor, absorbed)

    await restored(door, absorbed)

    shown = await door.call("GET", f"/v1/households/{home}")
    assert (shown["name"], shown["state"], shown["members"]) == (None, "dissolved", [])
    assert await door.problems() == {}


async def test_a_name_that_passed_on_when_the_head_was_merged_goes_with_who_is_erased(door: Door) -> None:
    survivor, absorbed = await both(door)
    wife = await door.sign_up(email="wife@example.com")
    home, own = await form(door, absorbed, wife, name="方芳家"), await form(door, survivor, name="Fang")
    await door.merge(survivor, absorbed)

    await restored(door, absorbed)

    assert [(await door.call("GET", f"/v1/households/{one}"))["name"] for one in (home, own)] == [None, "Fang"]
    assert [await lives(door, one) for one in (home, own)] == [[(wife, "head")], [(survivor, "head")]]
    assert await door.problems() == {}


async def test_who_was_part_of_an_erased_one_lives_where_they_did(door: Door) -> None:
    survivor, absorbed = await both(door)
    wife = await door.sign_up(email="wife@example.com")
    home = await form(door, wife, absorbed, name="方芳家")
    await door.merge(survivor, absorbed)

    await restored(door, survivor)

    assert (await door.call("GET", f"/v1/households/{home}"))["name"] == "方芳家"
    assert await lives(door, home) == [(wife, "head"), (absorbed, "member")]
    assert await door.problems() == {}


async def test_what_an_erased_survivor_held_keeps_nobody_s_points_back(door: Door) -> None:
    survivor, absorbed = await both(door)
    gift = {"wallet": "points", "amount": 100, "reason": "gift"}
    await door.call("POST", f"/v1/members/{absorbed}/accruals", gift, status=201)
    await door.merge(survivor, absorbed)
    spent = {"wallet": "points", "amount": 50, "reason": "shop"}
    await door.call("POST", f"/v1/members/{survivor}/redemptions", spent, status=201)
    deadline = (wall_now() + timedelta(days=2)).isoformat()
    kept = {"amount": 30, "purpose": "workshop", "reference": "w-1", "deadline": deadline}
    await door.call("POST", f"/v1/members/{survivor}/holds", kept, status=201)

    await restored(door, survivor)

    await door.call("POST", f"/v1/members/{absorbed}/accruals", gift, status=201)
    assert await door.points(absorbed) == (200, 0)  # the erased one owes what it had spent
    assert await door.problems() == {}


@pytest.mark.parametrize("chain", [False, True])
async def test_no_proposal_is_left_that_speaks_of_who_was_erased(door: Door, *, chain: bool) -> None:
    survivor, absorbed = await both(door)
    other, top = await door.sign_up(email=EMAIL), await door.sign_up(email="top@example.com")
    await name_together(door, ("phone", PHONE), ("email", EMAIL))
    await door.merge(survivor, absorbed)
    if chain:
        await door.merge(top, survivor)
    assert (await only(door))["members"] == sorted([top if chain else survivor, other])

    await restored(door, absorbed)

    assert await listed(door, "?state=open") == []
    assert await door.problems() == {}


async def test_both_erased_are_erased(door: Door) -> None:
    survivor, absorbed = await both(door)
    await door.merge(survivor, absorbed)

    await restored(door, survivor, absorbed)

    assert [(await door.client.get(f"/v1/members/{one}")).status_code for one in (survivor, absorbed)] == [410, 410]
    assert await found(door, "phone", PHONE) == 404
    assert await door.problems() == {}


async def test_a_value_that_came_back_at_another_member_is_found(door: Door) -> None:
    survivor, absorbed = await both(door)
    await door.merge(survivor, absorbed)
    async with door.services.database.transaction() as tx:
        kept = await tx.rows("SELECT * FROM member_identities WHERE kind = 'card'")
    await restored(door, absorbed)

    async with door.services.database.transaction() as tx:  # a corruption
        tx.write(f"INSERT INTO member_identities VALUES ({', '.join(['%s'] * len(kept[0]))})", kept[0])

    (problem,) = (await door.problems())["erased members"]
    assert "a value at another member" in problem
