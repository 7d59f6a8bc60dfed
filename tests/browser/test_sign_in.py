"""Signing in, in a real browser: every page of it in every look, an invitation to its end, and by keyboard alone."""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from regulars.commerce import api as commerce
from regulars.commerce.contracts import Store
from regulars.platform.auth.staff import service
from regulars.platform.auth.staff.contracts import NewAccount
from regulars.platform.auth.staff.hashing import PasswordHashing
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.db.database import Database
from regulars.platform.markets.service import define_market
from tests.browser.chromium import Look, Visit, visiting
from tests.members.people import CN, US

PASSWORD = "correct horse battery"
OWNERS = {"en": "owner@beichen.example", "zh": "wang.fang@beichen.example"}
LOOKS = [
    Look(390, "light", "en"),
    Look(390, "dark", "zh"),
    Look(820, "dark", "en"),
    Look(820, "light", "zh"),
    Look(1440, "light", "zh"),
    Look(1440, "dark", "en"),
]
SUBMIT = "main button.btn-primary"


@pytest.fixture(scope="package")
def people(address: str, product_database_url: str) -> Callable[[], str]:
    """Let an owner sign in by password; the function returned gives the token of a fresh invitation."""
    assert address

    async def begin() -> None:
        hashed = await PasswordHashing(kib=8, rounds=1, lanes=1).hash(PASSWORD)
        async with Database(product_database_url) as database, database.transaction(actor="test") as tx:
            await define_market(tx, CN)
            await define_market(tx, US)
            await commerce.define_stores(tx, [Store("367", "CN", "Nanjing Road"), Store("9", "US", "Broadway")])
            for language, email in OWNERS.items():
                wish = NewAccount(email=email, name="Wang Fang", roles=(Role.OWNER,), language=language)
                await service.add_demo_account(tx, wish, hashed)

    async def invite() -> str:
        async with Database(product_database_url) as database, database.transaction(actor="test") as tx:
            email = f"{uuid4().hex[:8]}@beichen.example"
            return (await service.invite(tx, NewAccount(email=email, name="Li Na", roles=(Role.CARE,)))).token

    # In a thread: playwright keeps an event loop of its own running in this one.
    threads = ThreadPoolExecutor(1)
    threads.submit(asyncio.run, begin()).result()
    return lambda: threads.submit(asyncio.run, invite()).result()


@dataclass
class Walk:
    """Looks at page after page, and keeps what is wrong with any."""

    visit: Visit
    pictures: Path
    look: Look
    found: list[str]

    def at(self, name: str) -> Page:
        page = self.visit.page
        page.wait_for_load_state()
        self.visit.picture(self.pictures, f"{name}-{self.look.name}")
        self.found += [f"{name}: {violation}" for violation in self.visit.violations()]
        wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            self.found.append(f"{name} is {wide} pixels wider than the screen")
        return page

    def send(self, **fields: str) -> None:
        for name, value in fields.items():
            self.visit.page.fill(f"main [name={name}]", value)
        self.visit.page.click(SUBMIT)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_the_console_s_pages_of_signing_in(
    chromium: Browser, address: str, people: Callable[[], str], look: Look, pictures: Path
) -> None:
    with visiting(chromium, address, look, bypass_csp=True) as visit:
        visit.expected_statuses = {401, 422}
        walk = Walk(visit, pictures, look, [])
        visit.open(f"/console/invitation/{people()}")
        walk.at("invitation")
        walk.send(password="too short")
        walk.at("invitation-refused")
        walk.send(password=PASSWORD)
        page = walk.at("invitation-phone")
        page.click("summary:has(+ p)")
        secret = page.inner_text("main p.font-mono")
        walk.send(code=pyotp.TOTP(secret).now())
        codes = walk.at("recovery-codes").locator("main li").all_inner_texts()
        assert len(codes) == 10
        expect(page.locator("main a.btn-primary")).to_have_attribute("href", "/console/welcome")

        visit.page.context.clear_cookies()
        visit.open("/console/sign-in?next=/console/staff")
        walk.at("sign-in")
        walk.send(email=OWNERS[look.language], password="a wrong password")
        walk.at("sign-in-refused")
        walk.send(email=OWNERS[look.language], password=PASSWORD)
        expect(page).to_have_url(f"{address}/console/staff")
        for path in ("staff", "staff/roles", "staff/invite", "devices", "account", "account/password", "account/phone"):
            visit.open(f"/console/{path}")
            walk.at(path.replace("/", "-"))
        visit.open("/console/staff/invite")
        page.check("[name=roles][value=assistant]")
        walk.send(email="somebody@beichen.example", name="Somebody")
        walk.at("invite-refused")
        visit.open("/console/staff")
        page.click("main a:has-text('Li Na') >> nth=0")
        walk.at("staff-account")
        page.click("[data-opens=disable]")
        walk.at("staff-disable")
        visit.open("/console/devices")
        page.select_option("[name=store_id]", "367")
        walk.send(name="Till 2")
        code = walk.at("device-code").inner_text("main p.font-mono")
        visit.open("/store/enrol")
        walk.at("enrol")
        walk.send(code="0000-0000")
        walk.at("enrol-refused")
        walk.send(code=code)
        visit.open("/console/devices")
        walk.at("devices-full")
        assert walk.found == []


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_the_portal_s_pages_of_signing_in(chromium: Browser, address: str, look: Look, pictures: Path) -> None:
    with visiting(chromium, address, look, bypass_csp=True) as visit:
        visit.expected_statuses = {401}
        walk = Walk(visit, pictures, look, [])
        visit.open("/portal/sign-in?next=/portal/devices")
        walk.at("member-sign-in")
        walk.send(identity=f"{uuid4().hex[:8]}@home.example")
        walk.at("member-code")
        walk.send(code="1")
        walk.at("member-code-refused")
        walk.send(code=_code_in_the_outbox(visit, address))
        walk.at("member-sign-up")
        walk.send()
        page = walk.at("member-devices")
        expect(page).to_have_url(f"{address}/portal/devices")
        page.click("main form[action$=sign-out-everywhere] button")
        expect(page).to_have_url(f"{address}/portal/sign-in")
        assert walk.found == []


@pytest.mark.usefixtures("people")
def test_signing_in_works_by_keyboard_and_without_scripts(chromium: Browser, address: str) -> None:
    with visiting(chromium, address, Look(), java_script_enabled=False) as visit:
        page = visit.open("/console/sign-in?next=/console/account")
        expect(page.locator("#field-email")).to_be_focused()
        page.keyboard.type(OWNERS["en"])
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")

        expect(page).to_have_url(f"{address}/console/account")
        expect(page.locator("h1")).to_have_text("Account and sessions")


def _code_in_the_outbox(visit: Visit, address: str) -> str:
    """Read the newest code as a developer does, beside the page."""
    other = visit.page.context.new_page()
    other.goto(f"{address}/outbox")
    other.click("main table a, main li a >> nth=0")
    found = re.search(r"\b(\d{3} ?\d{3})\b", other.inner_text("main"))
    other.close()
    assert found is not None
    return found[1]
