"""A member takes everything along, then is erased: nothing readable is left, the books balance, the number is free.

The eighth journey of the domain, in Chinese and in English, on a phone and at a desk, looked at by axe on every page.
"""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from regulars.members import api as members
from regulars.members.contracts import Decision
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.db.database import Database
from regulars.platform.ids import parse_public_id
from tests.browser.chromium import Look, visiting
from tests.browser.club import Club, elsewhere, holds
from tests.browser.test_journeys import LOOKS, bought_online, sent_code, signed_in_on_the_phone, texts
from tests.browser.walking import Walk, found_by
from tests.entrypoints.commands import as_url, run
from tests.faults.product import until

NAME = "楚云深"


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_a_member_takes_everything_along_and_is_erased(
    chromium: Browser, club: Club, look: Look, pictures: Path
) -> None:
    _ = texts(look.language)
    number = LOOKS.index(look)
    phone, order_id, address = f"1390013980{number}", f"OWN-2026-{number}", f"chu{number}@home.example"
    member_id = joined(club, phone, order_id, address, look.language)
    secrets = (NAME, phone, f"{phone[:3]}****{phone[-4:]}", address)
    with visiting(chromium, club.address, look, bypass_csp=True) as own:
        home = Walk(own, pictures, look)
        page = signed_in_on_the_phone(home, phone)
        page.get_by_role("navigation").get_by_role("link", name=_("Profile"), exact=True).click()
        home.at("own-profile")
        agreed(club, home, member_id)
        everything_taken_along(home, order_id, look.language)
        asked_to_be_erased(home, address)

        erased(club, member_id)
        own.open("/portal/data")
        expect(page).to_have_url(f"{club.address}/portal/sign-in?next=/portal/data")
        home.at("own-signed-out")
        assert readable(page, secrets) == []
        own.open("/portal/goodbye")
        home.at("own-goodbye")
        nothing_left_in_the_console(chromium, club, look, member_id, secrets)

        own.open("/portal/sign-in")
        page.get_by_label(_("Phone number or e-mail")).fill(phone)
        page.keyboard.press("Enter")
        expect(page.get_by_label(_("Code"), exact=True)).to_be_focused()
        page.get_by_label(_("Code"), exact=True).fill(sent_code(own, phone))
        page.keyboard.press("Enter")
        page.wait_for_url("**/portal/sign-up")
        page.locator("main button.btn-primary").click()
        expect(page.locator("[data-code] svg")).to_be_visible()
        home.at("own-somebody-new")
        assert order_id not in own.open("/portal/orders").content()
    assert found_by(home) == []
    verified = run(
        {**os.environ, "DATABASE_URL": as_url(club.url), "REGULARS_HOME": str(club.home)}, "verify", "--json"
    )
    assert verified.returncode == 0, verified.stdout


def agreed(club: Club, home: Walk, member_id: str) -> None:
    """Agree to offers by e-mail, and confirm it by the letter's link."""
    _ = texts(home.look.language)
    page = home.visit.page
    page.get_by_role("link", name=_("What you agree to")).click()
    home.at("own-consents")
    page.get_by_role("switch", name=f"{_('Offers and news')} · {_('By e-mail')}").click()
    expect(page.get_by_text(_("Waits for your confirmation"))).to_be_visible()
    home.at("own-consents-waiting")
    home.visit.open(f"/portal/confirm-consent/{letter(club, member_id)}")
    home.at("own-confirm-consent")
    page.get_by_role("button", name=_("Yes, I agree")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(_("Thank you, it is confirmed"))
    home.at("own-consent-confirmed")
    home.visit.open("/portal/consents")
    page.locator("main details summary").first.click()
    home.at("own-consents-agreed")


def everything_taken_along(home: Walk, order_id: str, language: str) -> None:
    """Have everything gathered, and take it in both forms."""
    _ = texts(language)
    page = home.visit.open("/portal/data")
    home.at("own-data")
    page.get_by_role("button", name=_("Gather everything")).click()
    page.wait_for_load_state()

    def ready() -> bool:
        page.goto(f"{home.visit.address}/portal/data")
        return page.locator("a[href$='/json']").count() == 1

    until(ready)
    home.at("own-data-ready")
    told: dict[str, Any] = json.loads(taken(page, "a[href$='/json']"))
    shown = taken(page, "a[href$='/html']")
    assert told["sections"]["member_profiles"][0]["display_name"] == NAME
    assert [one["order_id"] for one in told["sections"]["orders"]] == [order_id]
    assert {one["decision"] for one in told["sections"]["consents"]} == {"requested", "given"}
    assert NAME in shown
    assert order_id in shown


def taken(page: Page, selector: str) -> str:
    """Download what a link leads to."""
    with page.expect_download() as download:
        page.locator(selector).click()
    return Path(download.value.path()).read_text(encoding="utf-8")


def asked_to_be_erased(home: Walk, address: str) -> None:
    """Read what it means, prove who it is by a fresh code, type the word."""
    _ = texts(home.look.language)
    page = home.visit.open("/portal/data/erasure")
    expect(page.locator("main")).to_contain_text(_("Orders stay, without your name"))
    expect(page.locator("main")).to_contain_text(_("What was delivered cannot be called back"))
    assert page.locator("main dl [data-why]").count() == page.locator("main dl dt").count() > 0, "why beside each loss"
    home.at("own-erasure")
    page.get_by_role("button", name=_("Send me a code, to be erased")).click()
    expect(page.get_by_label(_("Code"), exact=True)).to_be_visible()
    page.get_by_label(_("Code"), exact=True).fill(sent_code(home.visit, address))
    page.locator("main input[name=confirmation]").fill("no")
    home.visit.expected_statuses.add(422)
    page.get_by_role("button", name=_("Have me erased")).click()
    expect(page.get_by_text(_("Please type the word as it stands there."))).to_be_visible()
    home.at("own-erasure-refused")
    page.locator("main input[name=confirmation]").fill(_("ERASE"))
    page.get_by_role("button", name=_("Have me erased")).click()
    expect(page.get_by_role("button", name=_("I want to stay"))).to_be_visible()
    home.at("own-erasure-waiting")


def nothing_left_in_the_console(
    chromium: Browser, club: Club, look: Look, member_id: str, secrets: tuple[str, ...]
) -> None:
    """Staff find a number with its books, and nobody."""
    with visiting(chromium, club.address, look, bypass_csp=True) as desk:
        holds(desk, staff=club.staff(Role.OWNER, look.language))
        pages = [
            f"/console/members/{member_id}",
            f"/console/members/{member_id}/timeline",
            f"/console/members/{member_id}/orders",
            "/console/members",
            "/console/messages",
            "/outbox",
        ]
        for path in pages:
            assert readable(desk.open(path), secrets) == [], path


def readable(page: Page, secrets: tuple[str, ...]) -> list[str]:
    """Return which of somebody's data stands on a page."""
    content = page.content()
    return [secret for secret in secrets if secret in content]


def joined(club: Club, phone: str, order_id: str, address: str, language: str) -> str:
    """Let a web shop sign somebody up who buys something, and tells a name and an e-mail address."""
    member_id = bought_online(club, phone, order_id, language)
    headers = {"Authorization": f"Bearer {club.key}", "Idempotency-Key": f"own-{phone}"}
    path = f"{club.address}/v1/members/{member_id}"
    answers = [
        httpx.post(f"{path}/identities", json={"kind": "email", "value": address}, headers=headers),
        httpx.patch(
            f"{path}/profile", json={"display_name": NAME}, headers={"Authorization": headers["Authorization"]}
        ),
    ]
    assert [one.is_success for one in answers] == [True, True], [one.text for one in answers]
    return member_id


def letter(club: Club, member_id: str) -> str:
    """Return what a letter carries that asks somebody to confirm a consent, once the worker has written its own."""
    with psycopg.connect(club.url, autocommit=True) as connection:
        there = "SELECT 1 FROM messages WHERE recipient_id = %s AND kind = 'confirm_consent'"
        until(lambda: connection.execute(there, (member_id.partition("_")[2],)).fetchone())

    async def written() -> str:
        found = parse_public_id("mbr", member_id)
        assert found is not None
        async with Database(club.url, pool_size=1) as database, database.transaction() as tx:
            _, history = await members.consents(tx, found, as_of=tx.now)
            (asked,) = [one for one in history if one.decision is Decision.REQUESTED]
            letter = await members.letter_to_confirm(tx, found, asked.consent_id)
        assert letter is not None
        return letter.token

    return elsewhere(written())


def erased(club: Club, member_id: str) -> None:
    """Let the time be over in which a mind is changed, and wait until the worker has erased the member."""
    found = member_id.partition("_")[2]
    with psycopg.connect(club.url, autocommit=True) as connection:
        connection.execute("UPDATE erasures SET due_at = now() - interval '1 second' WHERE member_id = %s", (found,))
        gone = "SELECT 1 FROM members WHERE member_id = %s AND status = 'erased'"
        until(lambda: connection.execute(gone, (found,)).fetchone())
