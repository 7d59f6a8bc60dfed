"""The portal in a browser: the card turning by the page's clock, with and without network; every page in every look."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from regulars.platform.db.database import Database
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.architecture.source import ROOT
from tests.browser.chromium import Look, Visit, visiting
from tests.conftest import fresh_database
from tests.entrypoints.commands import as_url
from tests.faults.product import answers, product_at, until
from tests.web.membership import Membership

READER = ROOT / "ui" / "node_modules" / "jsqr" / "dist" / "jsQR.js"
PAGES = {
    "card": "/portal",
    "points": "/portal/points",
    "statement": "/portal/statement",
    "tier": "/portal/tier",
    "orders": "/portal/orders",
    "profile": "/portal/profile",
    "inbox": "/portal/inbox",
}
LOOKS = [
    Look(390, "light", "en"),
    Look(390, "light", "zh"),
    Look(390, "dark", "en"),
    Look(390, "dark", "zh"),
    Look(820, "light", "zh"),
    Look(1440, "dark", "en"),
]
CODES = 20
SECONDS = 30
READ = """async () => {
    const svg = document.querySelector("[data-code] svg").cloneNode(true);
    svg.setAttribute("width", 290);
    svg.setAttribute("height", 290);
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" }));
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: 370, height: 370 });
    const drawing = canvas.getContext("2d");
    drawing.fillStyle = "white";
    drawing.fillRect(0, 0, 370, 370);
    drawing.drawImage(image, 40, 40);
    return jsQR(drawing.getImageData(0, 0, 370, 370).data, 370, 370)?.data;
}"""


@dataclass(frozen=True)
class Site:
    """The product with a member who has a history, and one who is new; the values of their cookies, by language."""

    address: str
    wang: str
    li: str


@pytest.fixture(scope="module")
def site(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve a programme with a history."""
    with fresh_database(server_url, template) as url:
        settings = {
            "DATABASE_URL": as_url(url),
            "REGULARS_DEVELOPMENT": "true",
            "REGULARS_BRAND_NAME": "Beichen",
            "REGULARS_POOL_SIZE": "3",
        }
        with product_at(tmp_path_factory.mktemp("portal"), settings=settings) as product:

            async def prepare() -> tuple[str, str]:
                vault = LocalVault(product.home / "vault")
                async with Database(url) as database:
                    made = await Membership(Services(Settings(home=product.home), database, vault)).begin()
                    cookies = [await made.cookies(member_id) for member_id in (made.wang, made.li)]
                vault.close()
                return cookies[0]["rgl_member"], cookies[1]["rgl_member"]

            # In a thread: playwright keeps an event loop of its own running in this one.
            with ThreadPoolExecutor(1) as threads:
                wang, li = threads.submit(lambda: asyncio.run(prepare())).result()
            product.add("web", "serve", "--no-work")
            until(lambda: answers(f"{product.address}/ready"))
            yield Site(product.address, wang, li)


def signed_in(visit: Visit, token: str) -> Visit:
    """Let the browser hold a member's cookie."""
    visit.page.context.add_cookies([{"name": "rgl_member", "value": token, "url": visit.address}])
    return visit


def speaks(visit: Visit, language: str) -> None:
    """Let the member read another language, by the switch at the head of the page."""
    page = visit.open("/portal")
    switch = page.locator(f"header button[name=language][value={language}]")
    if switch.count():
        switch.click()
        page.wait_for_load_state()


def code_of(page: Page) -> str:
    """Return what a scanner reads off the card."""
    if not page.evaluate("() => 'jsQR' in window"):
        page.add_script_tag(path=READER)
    read: str = page.evaluate(READ)
    return read


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_every_page_is_accessible_full_and_empty(chromium: Browser, site: Site, look: Look, pictures: Path) -> None:
    with visiting(chromium, site.address, look, bypass_csp=True) as visit:
        visit.expected_statuses = {404, 422}
        found: list[str] = []
        for who, token, more in (
            ("full", site.wang, {"order": "/portal/orders/A1", "nowhere": "/portal/orders/none"}),
            ("empty", site.li, {}),
        ):
            speaks(signed_in(visit, token), look.language)
            for name, path in {**PAGES, **more}.items():
                page = visit.open(path)
                expect(page.locator("html")).to_have_attribute("lang", "zh-CN" if look.language == "zh" else "en")
                visit.picture(pictures, f"{name}-{who}-{look.name}")
                found += [f"{path} ({who}): {violation}" for violation in visit.violations()]
                wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
                assert wide <= 0, f"{path} is {wide} pixels wider than the screen"
        assert found == []


def test_the_card_turns_by_its_own_clock_and_asks_for_more(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site.address, Look(390), bypass_csp=True) as visit:
        page = signed_in(visit, site.wang).page
        page.clock.install()
        page.clock.pause_at("2030-01-01T00:00:00Z")  # this device's clock is years ahead
        visit.open("/portal")
        codes = (page.locator("[data-card]").get_attribute("data-card") or "").split()
        assert len(codes) == CODES
        assert code_of(page) == codes[0]
        for number in range(1, 4):
            page.clock.run_for(SECONDS * 1000)
            assert code_of(page) == codes[number]
        with page.expect_response("**/portal/card/codes") as answered:
            page.clock.run_for(7 * SECONDS * 1000)
        fresh = answered.value.json()["codes"]
        page.clock.run_for(1000)
        assert code_of(page) == fresh[0]
        page.clock.run_for(SECONDS * 1000)
        assert code_of(page) == fresh[1]


def test_the_card_works_for_ten_minutes_without_network(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site.address, Look(390)) as visit:
        page = signed_in(visit, site.wang).page
        visit.open("/portal")
        page.evaluate("() => navigator.serviceWorker.ready.then(() => undefined)")
        page.context.set_offline(True)
        page.clock.install()
        page.reload()
        expect(page.locator("[data-away]")).to_be_visible()
        expect(page.locator("main")).to_contain_text("1,702")
        turning = page.locator("[data-code] path")
        first = turning.get_attribute("d")
        page.clock.run_for(SECONDS * 1000)
        assert turning.get_attribute("d") != first
        page.clock.run_for(CODES * SECONDS * 1000)
        expect(page.locator("[data-spent]")).to_be_visible()
        expect(page.locator("[data-code]")).not_to_be_visible()
        page.context.set_offline(False)
        page.clock.run_for(1000)
        expect(page.locator("[data-code]")).to_be_visible()


def test_who_signs_out_leaves_no_card_behind(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site.address, Look(390)) as visit:
        page = signed_in(visit, site.li).page
        visit.open("/portal")
        page.evaluate("() => navigator.serviceWorker.ready.then(() => undefined)")
        assert page.evaluate("() => localStorage.length") == 1
        page.context.clear_cookies()
        visit.open("/portal/profile")
        page.wait_for_url("**/portal/sign-in?next=/portal/profile")
        assert page.evaluate("async () => [localStorage.length, await caches.has('card')]") == [0, False]


def test_the_card_and_its_pages_work_without_scripts(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site.address, Look(390), java_script_enabled=False) as visit:
        speaks(signed_in(visit, site.wang), "en")
        page = visit.open("/portal")
        before = page.locator("[data-code] path").get_attribute("d")
        page.get_by_role("link", name="Show a new code").click()
        expect(page.locator("[data-code] path")).not_to_have_attribute("d", before or "")
        page.get_by_role("link", name="Points", exact=True).click()
        expect(page.locator("h1")).to_have_text("Your points")
        page.get_by_role("link", name="Whole statement").click()
        page.get_by_role("link", name="See the order").first.click()
        expect(page.locator("h1")).to_have_text("Order A1")
