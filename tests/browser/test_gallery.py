"""Every piece in every state: photographed, found accessible, and nothing leaves the machine."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.chromium import Look, visiting
from tests.web.access import ACCESS

# Those that show pieces; a failure, a refusal and what needs a sign-in are looked at elsewhere.
PAGES = sorted(
    one.removeprefix("GET /kit")
    for one in ACCESS["anybody"]
    if one.startswith("GET /kit") and not one.endswith(("/broken", "/refused"))
)
LOOKS = [
    Look(width, theme, language)
    for width in (390, 820, 1440)
    for theme in ("light", "dark")
    for language in ("zh", "en")
]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_every_piece_is_accessible_in_every_look(chromium: Browser, address: str, look: Look, pictures: Path) -> None:
    with visiting(chromium, address, look, bypass_csp=True) as visit:
        found: list[str] = []
        for path in PAGES:
            visit.open(f"/kit{path}")
            visit.picture(pictures, f"{path.strip('/').replace('/', '-') or 'pieces'}-{look.name}")
            found += [f"{path or '/'}: {violation}" for violation in visit.violations()]
            wide = visit.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0, f"{path} is {wide} pixels wider than the screen"
        assert found == []


def test_the_policy_is_never_broken(chromium: Browser, address: str) -> None:
    with visiting(chromium, address, Look()) as visit:
        for path in PAGES:
            visit.open(f"/kit{path}")
        expect(visit.page.locator("form")).to_have_count(3)


def opened_palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    expect(page.locator("#palette [role=option]").first).to_be_visible()


def opened_confirmation(page: Page) -> None:
    page.locator("[data-opens=erase]").click()
    expect(page.locator("#erase input")).to_be_visible()


def opened_dialog(page: Page) -> None:
    page.locator("[data-opens=example]").first.click()
    expect(page.locator("#field-name")).to_be_visible()


def opened_menu(page: Page) -> None:
    page.locator("header summary").last.click()
    expect(page.locator("details[open] form")).to_be_visible()


def shown_toast(page: Page) -> None:
    page.locator("form[action='/kit/notice/error'] button").click()
    expect(page.locator("[data-toast=error]")).to_be_visible()


STATES = [opened_palette, opened_confirmation, opened_dialog, opened_menu, shown_toast]


@pytest.mark.parametrize("look", [Look(1440, "light", "en"), Look(390, "dark", "zh")], ids=lambda look: look.name)
def test_what_opens_is_accessible_too(chromium: Browser, address: str, look: Look, pictures: Path) -> None:
    with visiting(chromium, address, look, bypass_csp=True) as visit:
        found: list[str] = []
        for state in STATES:
            state(visit.open("/kit"))
            visit.picture(pictures, f"{state.__name__}-{look.name}")
            found += [f"{state.__name__}: {violation}" for violation in visit.violations()]
        visit.expected_statuses = {404, 409, 422}
        page = visit.open("/kit/forms")
        page.locator("main .btn-primary").click()
        expect(page.locator("#field-name-problem")).to_be_visible()
        visit.picture(pictures, f"problems-{look.name}")
        found += [f"problems: {violation}" for violation in visit.violations()]
        for path in ("/kit/refused", "/kit/nowhere", "/kit/listing?q=nobody"):
            visit.open(path)
            visit.picture(pictures, f"{path.rpartition('/')[2].partition('?')[0]}-refused-{look.name}")
            found += [f"{path}: {violation}" for violation in visit.violations()]
        assert found == []


def test_the_palette_works_by_keyboard(chromium: Browser, address: str) -> None:
    with visiting(chromium, address, Look()) as visit:
        page = visit.open("/kit")
        opened_palette(page)
        page.keyboard.type("char")
        expect(page.locator("#palette [role=option]")).to_have_count(1)
        page.keyboard.press("Enter")
        page.wait_for_url("**/kit/charts")
        opened_palette(page)
        page.keyboard.press("ArrowDown")
        expect(page.locator("#palette [role=option]").nth(1)).to_have_attribute("aria-selected", "true")
        page.keyboard.press("Escape")
        expect(page.locator("#palette")).not_to_be_visible()


class Answers:
    """Answers of the server that are held back until the test lets them come."""

    def __init__(self, page: Page, path: str) -> None:
        self.asked: list[Route] = []
        page.route(path, self.hold)

    def hold(self, route: Route) -> None:
        """Keep a question for later."""
        self.asked.append(route)

    def to(self, text: str) -> Route | None:
        """Return the first unanswered question for a text, once it was asked."""
        return next((one for one in self.asked if parse_qs(urlsplit(one.request.url).query)["q"] == [text]), None)

    def come(self, page: Page, text: str) -> None:
        """Let the answer to a text come, as soon as it was asked for."""
        for _ in range(100):
            if (found := self.to(text)) is not None:
                self.asked.remove(found)
                found.continue_()
                return
            page.wait_for_timeout(100)
        pytest.fail(f"nobody asked for {text!r}: {[one.request.url for one in self.asked]}")


def test_no_letter_is_lost_that_is_typed_while_the_palette_opens(chromium: Browser, address: str) -> None:
    with visiting(chromium, address, Look()) as visit:
        page = visit.open("/kit")
        page.evaluate(
            """() => {
                document.dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true }));
                document.execCommand("insertText", false, "ch");
            }"""
        )
        expect(page.locator("#palette [role=option]").first).to_be_visible()
        page.keyboard.type("ar")
        expect(page.locator("#palette input")).to_have_value("char")
        page.keyboard.press("Escape")
        page.keyboard.press("Control+k")
        page.keyboard.type("form")  # in place of what was left there
        expect(page.locator("#palette input")).to_have_value("form")
        page.evaluate(
            """() => {
                document.getElementById("palette").close();
                document.dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true }));
                document.execCommand("insertText", false, "char");
            }"""
        )
        expect(page.locator("#palette input")).to_have_value("char")


def test_enter_waits_for_the_hits_of_what_was_typed(chromium: Browser, address: str) -> None:
    with visiting(chromium, address, Look()) as visit:
        page = visit.open("/kit")
        opened_palette(page)
        page.keyboard.type("form")
        expect(page.locator("#palette [role=option]")).to_have_count(1)
        answers = Answers(page, "**/console/palette?*")
        page.locator("#palette input").fill("char")
        page.keyboard.press("Enter")  # the hit that is shown is the one of the text before
        page.wait_for_timeout(300)
        assert page.url.endswith("/kit")
        answers.come(page, "char")
        page.wait_for_url("**/kit/charts")


def test_the_hits_are_those_of_the_last_text_however_slow_its_answers(chromium: Browser, address: str) -> None:
    with visiting(chromium, address, Look()) as visit:
        page = visit.open("/kit")
        opened_palette(page)
        answers = Answers(page, "**/console/palette?*")
        for text in ("f", "fo", "char"):
            page.locator("#palette input").fill(text)
            page.wait_for_timeout(300)  # longer than the pause after which a text is asked for
        answers.come(page, "char")
        expect(page.locator("#palette [role=option]")).to_have_count(1)
        expect(page.locator("#palette [role=option]")).to_have_attribute("data-path", "/kit/charts")


def test_a_listing_shows_what_was_searched_last_however_slow_the_answers(chromium: Browser, address: str) -> None:
    with visiting(chromium, address, Look()) as visit:
        page = visit.open("/kit/listing")
        answers = Answers(page, "**/kit/listing?*")
        for text in ("l", "lo", "lopez"):
            page.get_by_label("Search by name or number").fill(text)
            page.wait_for_timeout(500)  # longer than the pause after which a text is asked for
        answers.come(page, "lopez")
        page.wait_for_url("**/kit/listing?q=lopez")
        expect(page.locator("tbody tr").first).to_contain_text("Maria Lopez")


def test_a_listing_is_searched_sorted_and_paged_in_place(chromium: Browser, address: str) -> None:
    with visiting(chromium, address, Look()) as visit:
        page = visit.open("/kit/listing")
        page.evaluate("() => { window.stayed = true; }")
        page.get_by_label("Search by name or number").press_sequentially("lopez")
        page.wait_for_url("**/kit/listing?q=lopez")
        expect(page.locator("tbody tr").first).to_contain_text("Maria Lopez")
        expect(page.get_by_label("Search by name or number")).to_be_focused()
        expect(page.get_by_label("Search by name or number")).to_have_value("lopez")
        page.get_by_role("link", name="Points", exact=True).click()
        page.wait_for_url("**sort=-points")
        expect(page.get_by_role("columnheader", name="Points")).to_have_attribute("aria-sort", "descending")
        page.get_by_role("combobox", name="Tier").select_option("gold")
        page.wait_for_url("**tier=gold**")
        expect(page.locator("tbody .badge").first).to_have_text("Gold")
        page.get_by_role("link", name="Clear").click()
        page.wait_for_url("**/kit/listing")
        page.get_by_role("link", name="Next").click()
        page.wait_for_url("**/kit/listing?page=2")
        expect(page.get_by_role("status").first).to_have_text("26 to 50 of 240")
        page.go_back()
        expect(page.get_by_role("status").first).to_have_text("1 to 25 of 240")
        assert page.evaluate("() => window.stayed") is True


@pytest.mark.parametrize("path", ["/listing", "/forms", "/portal"])
def test_pages_work_without_scripts(chromium: Browser, address: str, path: str) -> None:
    with visiting(chromium, address, Look(390, "light", "en"), java_script_enabled=False) as visit:
        page = visit.open(f"/kit{path}")
        page.locator("button[name=language]").click()
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        if path == "/listing":
            page.get_by_role("link", name="下一页").click()
            expect(page.get_by_role("status").first).to_contain_text("26–50")
        if path == "/forms":
            visit.expected_statuses = {422}
            page.locator("main .btn-primary").click()
            expect(page.locator("#field-name-problem")).to_have_text("请填写此项。")


def test_the_theme_is_chosen_and_charts_follow(chromium: Browser, address: str) -> None:
    with visiting(chromium, address, Look()) as visit:
        page = visit.open("/kit/charts")
        expect(page.locator("[data-canvas] canvas")).to_have_count(4)
        page.locator("header summary").last.click()
        page.get_by_role("button", name="Dark").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        expect(page.locator("[data-canvas] canvas")).to_have_count(4)
