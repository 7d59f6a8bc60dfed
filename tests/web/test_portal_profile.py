"""What members tell and decide in their profile: a name, and a birthday once."""

import httpx
import pytest

from regulars.members import api as members
from regulars.members.contracts import Birthday, Calendar, ChangeProfile, ProfileChange
from regulars.platform.services import Services
from tests.web.membership import Membership
from tests.web.test_portal import words
from tests.web.visitors import brings

pytestmark = pytest.mark.anyio

PROFILE = "/portal/profile"


@pytest.fixture
async def membership(services: Services) -> Membership:
    return await Membership(services).begin()


async def post(browser: httpx.AsyncClient, membership: Membership, path: str, data: dict[str, str]) -> httpx.Response:
    """Send a form as Li, who is new."""
    cookies = await membership.cookies(membership.li)
    return await browser.post(f"{PROFILE}/{path}", data=data, headers=brings(cookies))


async def shown(browser: httpx.AsyncClient, membership: Membership) -> httpx.Response:
    """Return Li's profile."""
    return await browser.get(PROFILE, headers=brings(await membership.cookies(membership.li)))


async def birthday(membership: Membership) -> Birthday | None:
    """Return what is kept of Li's birthday."""
    services = membership.services
    async with services.database.transaction() as tx:
        profiles = await members.read_profiles(tx, services.vault, [membership.li], clear=True)
    return profiles[membership.li].birthday if membership.li in profiles else None


# --- birthdays ----------------------------------------------------------------------------------------------------


async def test_a_birthday_is_told_once(browser: httpx.AsyncClient, membership: Membership) -> None:
    empty = await shown(browser, membership)
    told = await post(browser, membership, "birthday", {"month": "5", "day": "17", "year": "1990", "calendar": "solar"})
    again = await post(browser, membership, "birthday", {"month": "6", "day": "1", "calendar": "solar"})
    page = await shown(browser, membership)

    assert "not told yet" in words(empty)
    assert 'action="/portal/profile/birthday"' in empty.text
    assert (told.status_code, told.headers["location"]) == (303, PROFILE)
    assert again.status_code == 409
    assert await birthday(membership) == Birthday(month=5, day=17, year=1990)
    assert "Birthday 1990-05-17" in words(page)
    assert 'action="/portal/profile/birthday"' not in page.text


async def test_a_lunar_birthday_needs_no_year(browser: httpx.AsyncClient, membership: Membership) -> None:
    told = await post(browser, membership, "birthday", {"month": "8", "day": "15", "calendar": "lunar"})

    assert told.status_code == 303
    assert await birthday(membership) == Birthday(month=8, day=15, calendar=Calendar.LUNAR)
    assert "08-15 (lunar calendar)" in words(await shown(browser, membership))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"month": "2", "day": "30"}, "There is no such day"),
        ({"month": "13", "day": "1"}, "12 is the most"),
        ({"month": "may", "day": "1"}, "whole number"),
        ({"month": "5", "day": "1", "year": "2999"}, "There is no such day"),
        ({"month": "5"}, "Please fill this in."),
    ],
)
async def test_a_birthday_that_cannot_be_is_refused_and_may_be_told_again(
    browser: httpx.AsyncClient, membership: Membership, typed: dict[str, str], said: str
) -> None:
    refused = await post(browser, membership, "birthday", {"calendar": "solar", **typed})

    assert (refused.status_code, said in words(refused)) == (422, True), words(refused)
    assert await birthday(membership) is None


async def test_care_may_change_a_birthday_that_is_fixed_for_its_member(
    browser: httpx.AsyncClient, membership: Membership
) -> None:
    await post(browser, membership, "birthday", {"month": "5", "day": "17", "calendar": "solar"})
    services = membership.services
    async with services.database.transaction(actor="key:care") as tx:
        change = ProfileChange(birthday=Birthday(month=5, day=18))
        await members.change_profile(tx, services.vault, ChangeProfile(member_id=membership.li, change=change))

    assert await birthday(membership) == Birthday(month=5, day=18)


async def test_who_gave_a_name_elsewhere_is_not_asked_for_one(
    browser: httpx.AsyncClient, membership: Membership
) -> None:
    services = membership.services
    empty = await browser.get("/portal", headers=brings(await membership.cookies(membership.li)))
    async with services.database.transaction(actor="key:till") as tx:
        change = ProfileChange(given_name="Lei", family_name="Li")
        await members.change_profile(tx, services.vault, ChangeProfile(member_id=membership.li, change=change))
    card = await browser.get("/portal", headers=brings(await membership.cookies(membership.li)))
    profile = await shown(browser, membership)

    asked = "Tell us what we may call you"
    assert (asked in words(empty), asked in words(card)) == (True, False)
    assert 'value="Lei Li"' in profile.text


async def test_what_nobody_confirmed_leads_to_a_code(browser: httpx.AsyncClient, membership: Membership) -> None:
    """Also for who is signed in, whom the page of signing in sends home else."""
    page = await shown(browser, membership)
    headers = brings(await membership.cookies(membership.li))
    confirming = await browser.get("/portal/sign-in?confirm=1&next=/portal/profile", headers=headers)
    home = await browser.get("/portal/sign-in", headers=headers)

    assert 'href="/portal/sign-in?confirm=1' in page.text
    assert (confirming.status_code, home.status_code) == (200, 303)
    assert "Confirm a number or address" in words(confirming)
