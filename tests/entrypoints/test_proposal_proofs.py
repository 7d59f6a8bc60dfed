"""What evidence is worth: a request names values, and nobody proves whose they are. What staff decided stays so."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from regulars.members.contracts import IdentityKind, IdentityValue
from tests.entrypoints.proposing import (
    CARD,
    EMAIL,
    PHONE,
    PROPOSALS,
    SHOP,
    Two,
    decide,
    listed,
    look,
    name_together,
    only,
    prove,
    two,
    uuid_of,
)
from tests.entrypoints.test_households import form
from tests.entrypoints.test_merging import Door, door
from tests.members.entering import Portal

__all__ = ["door"]  # the fixture
pytestmark = pytest.mark.anyio


async def who_is(door: Door, member: str) -> str:
    return str((await door.call("GET", f"/v1/members/{member}"))["member_id"])


async def with_order(door: Door, **identities: str) -> str:
    """Sign up somebody who holds an account."""
    member = await door.sign_up(**identities)
    await door.order(f"order-of-{member[-6:]}", member, 10_000)
    return member


@pytest.mark.parametrize("has", ["an account", "a name", "a household"])
async def test_whoever_types_an_address_does_not_get_into_the_account_behind_it(door: Door, has: str) -> None:
    """Mallory signs up by her phone, then once more with her phone and Fang's address, which nobody proves."""
    both = await two(door)  # first: Mallory's phone, other: Fang's address
    match has:
        case "an account":
            await door.order("B", both.other, 10_000)
            await prove(door, both.other)
        case "a name":
            await door.call("PATCH", f"/v1/members/{both.other}/profile", {"display_name": "Fang"})
        case _:
            await form(door, both.other)
    await name_together(door)
    assert (await only(door))["why"][-1]["rule"] == "proposal.unproved"

    assert await look(door) == 1

    found = await only(door)
    assert (found["why"][-1]["rule"], found["automatic_at"]) == ("proposal.unproved", None)
    in_chinese = {"Accept-Language": "zh"}
    told = (await door.client.get(f"{PROPOSALS}/{found['proposal_id']}", headers=in_chinese)).json()
    assert told["why"][-1]["sentence"].endswith("由员工决定。")
    portal = Portal(door.services.database, door.services.vault)
    opened = await portal.sign_in(IdentityValue(IdentityKind.PHONE, PHONE))
    assert opened.member_id == uuid_of(both.first)


@pytest.mark.parametrize("how", ["taken away", "blocked"])
async def test_the_rule_does_not_merge_by_a_value_that_counts_no_more(door: Door, how: str) -> None:
    """The till had typed Fang's phone with a stranger; the mistake is mended within the ten minutes."""
    both = await two(door, {"phone": PHONE, "card": CARD}, {"email": EMAIL})
    await name_together(door)
    if how == "taken away":
        shown = await door.call("GET", f"/v1/members/{both.first}")
        (phone,) = [one for one in shown["identities"] if one["kind"] == "phone"]
        await door.call("DELETE", f"/v1/members/{both.first}/identities/{phone['identity_id']}", status=None)
    else:
        kinds = (await door.call("GET", "/v1/identity-rules"))["in_force"]["kinds"]
        kinds[4]["blocked"] = ["*@home.example"]
        await door.call("PUT", "/v1/identity-rules", {"based_on": 0, "kinds": kinds, "reason": "a house's own address"})

    assert await look(door) == 1

    assert (await only(door))["why"][-1]["rule"] == "proposal.outdated"
    assert await who_is(door, both.other) == both.other


# --- decided of two, decided of whom they become part of --------------------------------------------------------------


async def dismissed(door: Door, _both: Two) -> None:
    await name_together(door)
    await decide(door, await only(door), "dismiss")


async def parted(door: Door, both: Two) -> None:
    merged = await door.merge(both.first, both.other)
    await door.undo(both.first, merged["merge_id"])


@pytest.mark.parametrize("how", [dismissed, parted])
@pytest.mark.parametrize("turned", [False, True])
async def test_what_was_decided_of_two_is_decided_of_whom_they_become_part_of(
    door: Door, how: Callable[[Door, Two], Awaitable[None]], *, turned: bool
) -> None:
    earlier = [await door.sign_up(card=f"RG1122334{number}") for number in (1, 2)] if turned else []
    both = await two(door)
    await how(door, both)
    later = earlier or [await door.sign_up(card=f"RG1122334{number}") for number in (1, 2)]
    for survivor, absorbed in zip(later, reversed(both) if turned else both, strict=True):
        await door.merge(survivor, absorbed)

        await name_together(door)  # the very same evidence

        opened = await listed(door, "?state=open")
        assert len(opened) == (0 if how is dismissed else 1)
        await look(door)
        if opened:
            assert (await only(door))["why"][-1]["rule"] == "proposal.parted"
    assert [await who_is(door, one) for one in both] == (list(reversed(later)) if turned else later)
    if how is dismissed:
        (one,) = await listed(door)
        assert (one["members"], one["seen_count"]) == ([*both], 3)
        told = (await door.call("GET", f"{PROPOSALS}/{one['proposal_id']}"))["evidence"]
        assert [(each["kind"], each["other_kind"], each["seen_count"]) for each in told] == [("phone", "email", 3)]
    assert await door.problems() == {}


async def test_what_only_staff_decide_is_passed_on_as_that(door: Door) -> None:
    """Dismissed, then opened again by stronger evidence."""
    both = await two(door, {"phone": PHONE, "card": CARD}, {"email": EMAIL, "external": SHOP})
    await dismissed(door, both)
    await name_together(door, ("phone", PHONE), ("external", SHOP))
    await look(door)
    assert (await only(door))["why"][-1]["rule"] == "proposal.parted"

    await door.merge(await door.sign_up(card="RG11223344"), both.first)

    found = await only(door)
    assert (found["why"][-1]["rule"], found["automatic_at"]) == ("proposal.parted", None)
    await look(door)
    assert await who_is(door, both.other) == both.other


async def test_what_is_passed_on_or_opens_again_waits_for_staff_as_long(door: Door) -> None:
    both = await two(door)
    await name_together(door)
    survivor = await door.sign_up(card=CARD)
    merged = await door.merge(survivor, both.first)
    assert (await only(door))["members"] == sorted([survivor, both.other])
    assert await look(door, after=timedelta(minutes=9)) == 0

    await door.undo(survivor, merged["merge_id"])

    found = await only(door)
    assert found["members"] == [both.first, both.other]
    assert found["why"][-1]["values"]["looks_at"] == found["automatic_at"] is not None
    assert await look(door, after=timedelta(minutes=9)) == 0
    assert await look(door) == 1
    assert await who_is(door, both.other) == both.first
