"""The portal's reading pages with JavaScript off, and every page on a processor slowed four times."""

import time
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from regulars.web.kit.texts import in_language
from tests.browser.addresses import ids_of, places
from tests.browser.chromium import Look, visiting
from tests.browser.club import RECEIPT, Club, holds
from tests.browser.slowed import slowed
from tests.browser.test_every_page import REFUSED, is_page, keys

SLOWED: Final = 4
# Far more than it takes (bench/ measures that): a page that hangs is found, a busy machine is not.
PATIENCE_MS: Final = 30_000


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_portal_is_read_without_scripts(chromium: Browser, club: Club, language: str) -> None:
    """Every reading page is there as it is with scripts, and one leads to the other by links and plain forms."""
    name, order_id = ("wang", RECEIPT) if language == "en" else ("xu", "XU000-00001")
    ids = ids_of(club, name) | {"order_id": order_id}
    cookies = {"member": club.member(name)}
    ours = list(places(ids))  # once: what there is not is called otherwise each time
    told: dict[bool, dict[str, str]] = {True: {}, False: {}}
    for scripts, pages in told.items():
        with visiting(chromium, club.address, Look(390, "light", language), java_script_enabled=scripts) as visit:
            visit.expected_statuses = {404}  # of the icon that a browser looks for beside what is no page
            holds(visit, **cookies)
            for place in ours:
                if place.who == "member" and is_page(visit.page.goto(club.address + place.path)):
                    expect(visit.page.locator("h1")).to_have_count(1)
                    pages[place.path] = words(visit.page)
    assert len(told[False]) >= 8
    for pages in told.values():
        del pages["/portal"]  # there the code turns by itself instead of by a link; the next test looks at it
    assert told[False] == told[True]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_portal_is_used_without_scripts(chromium: Browser, club: Club, language: str) -> None:
    def _(text: str) -> str:
        return in_language(text, language)

    name = "wang" if language == "en" else "xu"
    with visiting(chromium, club.address, Look(390, "light", language), java_script_enabled=False) as visit:
        holds(visit, member=club.member(name))
        page = visit.open("/portal")
        expect(page.locator("[data-code] svg")).to_be_visible()
        ways = page.get_by_role("navigation")
        for entry, path in (("Points", "points"), ("Orders", "orders"), ("Inbox", "inbox"), ("Profile", "profile")):
            ways.get_by_role("link", name=_(entry), exact=entry != "Inbox").click()  # it tells how many are unread
            page.wait_for_url(f"**/portal/{path}")
        page.get_by_role("button", name=_("Save"), exact=True).click()
        page.wait_for_url("**/portal/profile")
        expect(page.get_by_text(_("Saved."))).to_be_visible()


@pytest.mark.parametrize("who", ["staff", "member", "device", "anybody"])
def test_every_page_works_on_a_slow_processor(chromium: Browser, club: Club, who: str) -> None:
    """No script fails or waits in vain: each page is loaded, drawn and answers to a key."""
    slowest = (0.0, "")
    with visiting(chromium, club.address, Look(390, "light", "en")) as visit, slowed(chromium, SLOWED) as processor:
        visit.expected_statuses = REFUSED | {500}
        visit.page.context.set_default_timeout(PATIENCE_MS)
        holds(visit, **keys(club, who, "en"))
        for place in places(ids_of(club)):
            processor.look_again()
            began = time.monotonic()
            if place.who != who or not is_page(visit.page.goto(club.address + place.path)):
                continue
            for chart in visit.page.locator("figure [data-canvas]").all():
                chart.scroll_into_view_if_needed()
                expect(chart.locator("canvas")).to_have_count(1)
            visit.page.keyboard.press("Tab")
            slowest = max(slowest, (time.monotonic() - began, place.path))
        if who == "member":
            page = visit.open("/portal")
            expect(page.locator("[data-turning]")).to_be_visible()
        if who == "staff":
            visit.open("/console").keyboard.press("Control+k")
            expect(visit.page.locator("#palette [role=option]").first).to_be_visible()
    print(f"slowest: {slowest[1]} {slowest[0]:.1f} s")  # noqa: T201 - shown by -s


def words(page: Page) -> str:
    """Return what the middle of a page says, but for what only those without scripts are told."""
    return " ".join(
        page.evaluate(
            """() => {
                const main = document.querySelector("main").cloneNode(true);
                main.querySelectorAll("noscript, [hidden]").forEach((one) => one.remove());
                return main.textContent;
            }"""
        ).split()
    )
