"""What members agree to in the portal: each consent a fact of its own, confirmed by a letter where it has to be."""

import re

import httpx
import pytest

from regulars.members import api as members
from regulars.members.contracts import (
    AddIdentity,
    ConsentChannel,
    ConsentGiven,
    Decision,
    IdentityKind,
    IdentityValue,
    Purpose,
)
from regulars.platform.services import Services
from tests.web.membership import Membership
from tests.web.test_portal import words
from tests.web.visitors import brings

pytestmark = pytest.mark.anyio

CONSENTS = "/portal/consents"
Switch = tuple[dict[str, str], bool]


@pytest.fixture
async def membership(services: Services) -> Membership:
    membership = await Membership(services).begin()
    async with services.database.transaction() as tx:
        address = IdentityValue(IdentityKind.EMAIL, "li@home.example")
        await members.add_identity(tx, services.vault, AddIdentity(member_id=membership.li, identity=address))
    return membership


async def post(
    browser: httpx.AsyncClient, membership: Membership, data: dict[str, str], path: str = CONSENTS
) -> httpx.Response:
    """Send a form as Li."""
    return await browser.post(path, data=data, headers=brings(await membership.cookies(membership.li)))


async def shown(browser: httpx.AsyncClient, membership: Membership) -> httpx.Response:
    """Return what Li agrees to."""
    return await browser.get(CONSENTS, headers=brings(await membership.cookies(membership.li)))


def switches(page: httpx.Response) -> dict[tuple[str, str], Switch]:
    """Return the forms of the switches by purpose and way, and whether each is on."""
    found = {}
    for form in re.findall(r'<form method="post" action="/portal/consents".*?</form>', page.text, re.DOTALL):
        fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
        found[fields["purpose"], fields["channel"]] = fields, 'aria-checked="true"' in form
    return found


async def decisions(membership: Membership) -> list[tuple[str, ...]]:
    """Return every decision that Li made."""
    async with membership.services.database.transaction() as tx:
        _, history = await members.consents(tx, membership.li, as_of=tx.now)
    return [(one.purpose, one.channel, one.decision, one.wording_version, one.where) for one in history]


async def letter(membership: Membership) -> str:
    """Return what the letter carries that asks Li to confirm."""
    async with membership.services.database.transaction() as tx:
        _, history = await members.consents(tx, membership.li, as_of=tx.now)
        asked = [one for one in history if one.decision is Decision.REQUESTED][-1]
        written = await members.letter_to_confirm(tx, membership.li, asked.consent_id)
    assert written is not None
    return written.token


async def may_send(membership: Membership) -> bool:
    async with membership.services.database.transaction() as tx:
        return bool(await members.may_send(tx, [membership.li], Purpose.MARKETING, ConsentChannel.EMAIL))


async def test_each_switch_is_a_fact_in_the_words_that_were_seen(
    browser: httpx.AsyncClient, membership: Membership
) -> None:
    before = await shown(browser, membership)
    offered = switches(before)
    given, _ = offered["research", "email"]
    refused, _ = offered["service", "email"]
    answers = [await post(browser, membership, fields) for fields in (given, given, refused)]
    after = await shown(browser, membership)
    back, _ = switches(after)["research", "email"]
    await post(browser, membership, back)
    last = await shown(browser, membership)

    assert {key: on for key, (_, on) in offered.items()} == {
        ("service", "email"): True,
        ("marketing", "email"): False,
        ("marketing", "sms"): False,
        ("profiling", "any"): False,
        ("research", "email"): False,
    }
    assert "Ask me by e-mail now and then what I think." in words(before)
    assert "not decided yet" in words(before)
    assert [one.status_code for one in answers] == [303] * 3
    assert await decisions(membership) == [
        ("research", "email", "given", "profile-research-email-2026-11", "online"),
        ("service", "email", "withdrawn", "profile-service-email-2026-11", "online"),
        ("research", "email", "withdrawn", "profile-research-email-2026-11", "online"),
    ], "sent twice is decided once"
    assert "agreed on" in words(after)
    assert "not since" in words(last)
    assert "2 decisions so far" in words(last)
    assert "by you · in your account · Wording profile-research-email-2026-11" in words(last)


async def test_offers_by_e_mail_wait_for_the_letter(browser: httpx.AsyncClient, membership: Membership) -> None:
    fields, _ = switches(await shown(browser, membership))["marketing", "email"]
    await post(browser, membership, fields)
    waiting = await shown(browser, membership)
    link = f"/portal/confirm-consent/{await letter(membership)}"
    asked = [await browser.get(link), await browser.head(link), await browser.get(link)]
    before = await may_send(membership)
    confirmed = await browser.post(link)
    again = await browser.post(link)
    agreed = await shown(browser, membership)

    assert "Waits for your confirmation" in words(waiting)
    assert "A letter went to l***@home.example." in words(waiting)
    assert before is False, "looking confirms nothing"
    assert "Send me offers and news by e-mail." in words(asked[0])
    assert [one.status_code for one in (asked[0], confirmed, again)] == [200] * 3
    assert "Thank you, it is confirmed" in words(confirmed)
    assert await may_send(membership)
    assert [one[2] for one in await decisions(membership)] == ["requested", "given"]
    assert switches(agreed)["marketing", "email"][1] is True
    assert "by you · by the link in a letter" in words(agreed)


async def test_what_waits_is_taken_back_or_sent_again(browser: httpx.AsyncClient, membership: Membership) -> None:
    fields, _ = switches(await shown(browser, membership))["marketing", "email"]
    await post(browser, membership, fields)
    link = f"/portal/confirm-consent/{await letter(membership)}"
    page = await shown(browser, membership)
    (again,) = re.findall(r'action="(/portal/consents/cns_[0-9a-f]{32}/letter)"', page.text)
    early = await post(browser, membership, {}, again)
    told = await browser.get(CONSENTS, headers=brings(await membership.cookies(membership.li) | dict(early.cookies)))
    back, _ = switches(page)["marketing", "email"]
    await post(browser, membership, back)
    late = await browser.post(link)
    over = await post(browser, membership, {}, again)
    said = await browser.get(CONSENTS, headers=brings(await membership.cookies(membership.li) | dict(over.cookies)))

    assert "Too many attempts. Wait" in told.text
    assert back["on"] == "false"
    assert (late.status_code, "This link is no longer good" in late.text) == (404, True)
    assert "Nothing waits to be confirmed here" in said.text
    assert not await may_send(membership)


async def test_nobody_asks_for_letters_of_somebody_else(browser: httpx.AsyncClient, membership: Membership) -> None:
    fields, _ = switches(await shown(browser, membership))["marketing", "email"]
    await post(browser, membership, fields)
    (again,) = re.findall(
        r'action="(/portal/consents/cns_[0-9a-f]{32}/letter)"', (await shown(browser, membership)).text
    )
    wang = brings(await membership.cookies(membership.wang))
    answer = await browser.post(again, data={}, headers=wang)
    async with membership.services.database.transaction() as tx:
        assert await tx.rows("SELECT letters FROM consent_requests") == [(1,)]
    assert answer.status_code == 303


async def test_without_an_address_nothing_is_offered_that_needs_one(
    browser: httpx.AsyncClient, membership: Membership
) -> None:
    page = await browser.get(CONSENTS, headers=brings(await membership.cookies(membership.wang)))

    assert ("marketing", "email") not in switches(page)
    assert "This needs an e-mail address, and we know none of yours." in words(page)


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
    answer = await post(browser, membership, {**fields, **wrong})

    assert answer.status_code == 303
    assert await decisions(membership) == []


async def test_nonsense_decides_nothing(browser: httpx.AsyncClient, membership: Membership) -> None:
    answers = [await post(browser, membership, data) for data in ({}, {"purpose": "x", "channel": "email"})]

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
        language="en",
        wording="Share with our partners what I buy.",
    )
    async with membership.services.database.transaction() as tx:
        await members.record_consents(tx, [shop])
    page = await shown(browser, membership)
    fields, on = switches(page)["sharing", "any"]
    await post(browser, membership, fields)

    assert on
    assert "“Share with our partners what I buy.”" in words(page)
    assert (await decisions(membership))[-1] == ("sharing", "any", "withdrawn", "paper-form-7", "online")
    assert ("sharing", "any") not in switches(await shown(browser, membership))
