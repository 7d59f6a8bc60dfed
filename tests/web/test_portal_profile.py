"""What members tell and decide in their profile: a birthday once, each consent a fact of its own."""

import re

import httpx
import pytest

from regulars.members import api as members
from regulars.members.contracts import (
    Birthday,
    Calendar,
    ChangeProfile,
    ConsentChannel,
    ConsentGiven,
    Decision,
    ProfileChange,
    Purpose,
)
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


async def decisions(membership: Membership) -> list[tuple[str, ...]]:
    """Return every decision that Li made."""
    async with membership.services.database.transaction() as tx:
        _, history = await members.consents(tx, membership.li, as_of=tx.now)
    return [(one.purpose, one.channel, one.decision, one.wording_version, one.where) for one in history]


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


# --- consents -----------------------------------------------------------------------------------------------------


def switches(page: httpx.Response) -> dict[tuple[str, str], tuple[dict[str, str], bool]]:
    """Return the forms of the switches by purpose and way, and whether each is on."""
    found = {}
    for form in re.findall(r'<form method="post" action="/portal/profile/consents".*?</form>', page.text, re.DOTALL):
        fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
        found[fields["purpose"], fields["channel"]] = fields, 'aria-checked="true"' in form
    return found


async def test_each_switch_is_a_fact_in_the_words_that_were_seen(
    browser: httpx.AsyncClient, membership: Membership
) -> None:
    before = await shown(browser, membership)
    offered = switches(before)
    given, _ = offered["marketing", "email"]
    refused, _ = offered["service", "email"]
    answers = [await post(browser, membership, "consents", fields) for fields in (given, given, refused)]
    after = await shown(browser, membership)
    back, _ = switches(after)["marketing", "email"]
    await post(browser, membership, "consents", back)
    last = await shown(browser, membership)

    assert {key: on for key, (_, on) in offered.items()} == {
        ("service", "email"): True,
        ("marketing", "email"): False,
        ("marketing", "sms"): False,
        ("profiling", "any"): False,
        ("research", "email"): False,
    }
    assert "Send me offers and news by e-mail." in words(before)
    assert "not agreed to" in words(before)
    assert [one.status_code for one in answers] == [303] * 3
    assert await decisions(membership) == [
        ("marketing", "email", "given", "sign-up-email-2026-11", "online"),
        ("service", "email", "withdrawn", "profile-service-email-2026-11", "online"),
        ("marketing", "email", "withdrawn", "sign-up-email-2026-11", "online"),
    ], "sent twice is decided once"
    assert "agreed on" in words(after)
    assert "not since" in words(last)
    assert await membership_events(membership) == 3


async def membership_events(membership: Membership) -> int:
    """Return how many facts of consent were published."""
    async with membership.services.database.transaction() as tx:
        asked = "SELECT count(*) FROM outbox WHERE type = 'ConsentChanged' AND member_id = %s"
        ((count,),) = await tx.rows(asked, (membership.li,))
    return int(count)


@pytest.mark.parametrize(
    "wrong",
    [
        {"wording_version": "of-last-year"},
        {"purpose": "sharing", "channel": "any"},
        {"purpose": "marketing", "channel": "post"},
    ],
)
async def test_nothing_is_agreed_to_that_was_not_offered(
    browser: httpx.AsyncClient, membership: Membership, wrong: dict[str, str]
) -> None:
    fields, _ = switches(await shown(browser, membership))["marketing", "email"]
    answer = await post(browser, membership, "consents", {**fields, **wrong})

    assert answer.status_code == 422
    assert await decisions(membership) == []


async def test_nonsense_decides_nothing(browser: httpx.AsyncClient, membership: Membership) -> None:
    answers = [await post(browser, membership, "consents", data) for data in ({}, {"purpose": "x", "channel": "email"})]

    assert [one.status_code for one in answers] == [404, 404]
    assert await decisions(membership) == []


async def test_what_was_agreed_to_in_a_shop_can_be_taken_back_here(
    browser: httpx.AsyncClient, membership: Membership
) -> None:
    shop = ConsentGiven(
        member_id=membership.li,
        purpose=Purpose.SHARING,
        channel=ConsentChannel.ANY,
        decision=Decision.GIVEN,
        wording_version="paper-form-7",
        where="store",
        actor="key:till",
    )
    async with membership.services.database.transaction() as tx:
        await members.record_consents(tx, [shop])
    fields, on = switches(await shown(browser, membership))["sharing", "any"]
    await post(browser, membership, "consents", fields)

    assert on
    assert (await decisions(membership))[-1] == ("sharing", "any", "withdrawn", "paper-form-7", "online")
    assert ("sharing", "any") not in switches(await shown(browser, membership))
