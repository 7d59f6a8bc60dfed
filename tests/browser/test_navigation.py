"""The navigation of the console: it fits a window, and its groups stay as they were left."""

from playwright.sync_api import Browser, expect

from tests.browser.chromium import Look, visiting
from tests.browser.club import Club, holds

HEIGHT = "one => one.scrollHeight - one.clientHeight"


def test_an_owner_sees_the_whole_navigation_and_groups_stay_as_they_were_left(chromium: Browser, club: Club) -> None:
    with visiting(chromium, club.address, Look(1440, "light", "en")) as visit:
        holds(visit, staff=club.staff())
        page = visit.open("/console/metrics")
        navigation = page.get_by_role("navigation", name="Main navigation")
        assert navigation.evaluate(HEIGHT) == 0
        expect(navigation.get_by_role("link", name="Metrics")).to_have_attribute("aria-current", "page")
        expect(navigation.get_by_role("link", name="API keys")).to_be_hidden()

        data = navigation.locator("[data-group=developers] summary")
        data.focus()
        page.keyboard.press("Enter")
        expect(navigation.get_by_role("link", name="API keys")).to_be_visible()
        navigation.locator("[data-group=points] summary").click()
        navigation.locator("[data-group=operations] summary").click()
        navigation.get_by_role("link", name="Members", exact=True).click()
        page.wait_for_url("**/console/members")
        for link, is_shown in (("API keys", True), ("Finance", False), ("Households", True), ("Metrics", False)):
            expect(navigation.get_by_role("link", name=link)).to_be_visible(visible=is_shown)
        assert navigation.evaluate(HEIGHT) == 0


def test_groups_open_without_scripts(chromium: Browser, club: Club) -> None:
    with visiting(chromium, club.address, Look(1440, "light", "en"), java_script_enabled=False) as visit:
        holds(visit, staff=club.staff())
        page = visit.open("/console/members")
        page.locator("[data-group=data] summary").click()
        page.get_by_role("link", name="Imports").click()
        page.wait_for_url("**/console/imports")
