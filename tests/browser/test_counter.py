"""The counter in a browser: a walk-in signs up and buys, and one of three items comes back in another shop."""

from pathlib import Path
from typing import Literal

import pytest
import segno
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import Look, launch_with_camera, visiting
from tests.browser.club import PHONES, RECEIPT, Club, holds
from tests.web.counter import CARD

Motion = Literal["no-preference", "reduce"]
# As browsers do that let a page be heard only after a gesture; a headless one lets it always.
SILENT_UNTIL_TOUCHED = """
    const Heard = AudioContext;
    let touched = false;
    addEventListener("pointerdown", () => { touched = true; }, true);
    window.AudioContext = class extends Heard {
        constructor() { super(); super.suspend(); }
        resume() { return touched ? super.resume() : new Promise(() => {}); }
    };
"""
LOOKS = [Look(820, "light", "en"), Look(820, "dark", "zh")]


def scan(page: Page, text: str) -> None:
    """Type as a keyboard-wedge scanner does: wherever the focus is, and Enter ends."""
    page.locator("h1").click()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_a_walk_in_buys_and_returns_one_of_three_in_another_shop(
    chromium: Browser, club: Club, look: Look, pictures: Path
) -> None:
    found: list[str] = []
    phone = f"1390013900{LOOKS.index(look)}"
    with visiting(chromium, club.address, look, bypass_csp=True) as visit:
        visit.expected_statuses = {404}
        page = visit.page

        def look_at(name: str) -> None:
            visit.picture(pictures, f"{name}-{look.name}")
            found.extend(f"{name}: {violation}" for violation in visit.violations())
            assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0, name

        holds(visit, device=club.device)
        visit.open("/store")
        look_at("scan")
        scan(page, phone)
        expect(page.locator("[data-signal=refused]")).to_be_visible()
        look_at("nobody")

        visit.open("/store/register")
        page.locator("#field-value").fill(phone)
        page.locator("#field-name").fill("李雷")
        page.locator("[name=consents]").first.check()
        look_at("register")
        page.keyboard.press("Enter")
        expect(page.locator("[data-name]")).to_have_text("李**")

        for amount, name in (("120", "tea"), ("50", "cup"), ("30", "pot")):
            page.locator("#field-amount").fill(amount)
            page.locator("#field-name").fill(name)
            page.keyboard.press("Enter")
            expect(page.get_by_text(name, exact=True)).to_be_visible()
        look_at("till")
        page.locator("[formaction='/store/till/review']").click()
        expect(page.locator("[data-left]")).to_have_text("¥200.00" if look.language == "zh" else "CN¥200.00")
        look_at("payment")
        page.locator("[data-commits]").click()
        expect(page.locator("[data-effect=points_pending]")).to_contain_text("200")
        look_at("receipt")
        code = page.locator("[data-receipt]").inner_text()

        holds(visit, device=club.other_device)
        visit.open("/store/returns")
        look_at("returns")
        scan(page, code.replace("-", "").lower())
        page.locator("#quantity-2").fill("1")
        look_at("lines-back")
        page.keyboard.press("Enter")
        expect(page.locator("[data-effect=points_clawed_back]")).to_contain_text("50")
        look_at("return")
        page.locator("[data-commits]").click()
        expect(page.locator("[data-signal=done]")).to_contain_text("50.00")
        look_at("return-done")
    assert found == []


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_done_and_refused_are_heard_unless_muted(chromium: Browser, club: Club, motion: Motion) -> None:
    """A page is marked when its last tone has ended, which takes an output that runs."""
    with visiting(chromium, club.address, Look(820)) as visit:
        visit.expected_statuses = {404, 422}
        page = visit.page
        page.emulate_media(reduced_motion=motion)
        holds(visit, device=club.device)
        visit.open("/store")
        scan(page, "13900139999")
        expect(page.locator("html")).to_have_attribute("data-sounded", "refused")
        visit.open("/store/till")
        page.locator("#field-amount").fill("twelve")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Please write an amount, as in 12.50.")).to_be_visible()
        expect(page.locator("html")).to_have_attribute("data-sounded", "refused")
        visit.open("/store")
        page.locator("[data-mutes]").click()
        scan(page, "13900139999")
        expect(page.locator("[data-signal=refused]")).to_be_visible()
        expect(page.locator("[data-mutes]")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("html[data-sounded]")).to_have_count(0)


def test_a_browser_that_lets_nothing_be_heard_says_so_until_it_is_touched(chromium: Browser, club: Club) -> None:
    with visiting(chromium, club.address, Look(820)) as visit:
        page = visit.page
        page.add_init_script(SILENT_UNTIL_TOUCHED)
        holds(visit, device=club.device)
        visit.open(f"/store/receipts/{RECEIPT}?new=1")
        tap = page.get_by_role("button", name="Tap for sound")
        expect(tap).to_be_visible()
        expect(page.locator("html[data-sounded]")).to_have_count(0)
        tap.click()
        expect(page.locator("html")).to_have_attribute("data-sounded", "done")
        expect(tap).to_be_hidden()


def test_a_scanner_confirms_nothing(chromium: Browser, club: Club) -> None:
    """What it types ends with Enter, wherever the focus is: on a member's payment and on a return that is under way."""
    with visiting(chromium, club.address, Look(820)) as visit:
        page = visit.page
        holds(visit, device=club.device)
        visit.open("/store")
        page.keyboard.type(PHONES["lin"] + "\n")
        page.locator("#field-amount").fill("20")
        page.locator("[formaction='/store/till/review']").click()
        confirm = page.locator("[data-commits]")
        expect(confirm).not_to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.type("6901234567892\n")
        expect(page.locator("[data-swallowed]")).to_be_visible()
        confirm.focus()
        page.keyboard.type("6901234567892\n")
        expect(page).to_have_url(f"{club.address}/store/till/review")
        confirm.click()
        expect(page.locator("[data-receipt]")).to_be_visible()

        visit.open("/store/returns")
        page.keyboard.type(RECEIPT + "\n")
        page.locator("[name=all]").click()
        commit = page.locator("[data-commits]")
        expect(commit).not_to_be_focused()
        commit.focus()
        page.keyboard.type(RECEIPT + "\n")
        expect(page.locator("[data-swallowed]")).to_be_visible()
        expect(commit).to_be_visible()


@pytest.mark.parametrize("where", ["lines", "payment"])
def test_a_card_scanned_while_a_guest_is_rung_up_makes_the_order_theirs(
    chromium: Browser, club: Club, where: str
) -> None:
    with visiting(chromium, club.address, Look(820)) as visit:
        page = visit.page
        holds(visit, device=club.device)
        visit.open("/store/till")
        expect(page.locator("#field-amount")).to_be_focused()
        page.keyboard.type("20")
        page.keyboard.press("Enter")
        expect(page.locator("[data-total]")).to_have_text("CN¥20.00")
        if where == "payment":
            page.locator("[formaction='/store/till/review']").click()
            expect(page.locator("[data-left]")).to_be_visible()
            page.wait_for_load_state()
        page.keyboard.type(CARD + "\n")
        expect(page.locator("[data-name]")).to_have_text("王**")
        expect(page.locator("[data-total]")).to_have_text("CN¥20.00")
        expect(page.locator("[data-receipt]")).to_have_count(0)


def test_a_member_is_paid_for_with_points_by_keyboard_alone(chromium: Browser, club: Club) -> None:
    with visiting(chromium, club.address, Look(820)) as visit:
        page = visit.page
        holds(visit, device=club.device)
        visit.open("/store")
        page.keyboard.type(PHONES["xu"])
        page.keyboard.press("Enter")
        expect(page.locator("[data-available]")).to_have_text("1,234")
        expect(page.locator("#field-amount")).to_be_focused()
        page.keyboard.type("200")
        page.keyboard.press("Enter")
        expect(page.locator("[data-total]")).to_have_text("CN¥200.00")
        page.locator("[formaction='/store/till/review']").press("Enter")
        page.locator("[aria-pressed][value='1000']").press("Enter")
        expect(page.locator("[data-left]")).to_have_text("CN¥190.00")
        expect(page.locator("[aria-pressed=true][value='1000']")).to_be_focused()
        page.get_by_role("button", name="Paid: confirm").press("Enter")
        expect(page.locator("[data-effect=points_redeemed]")).to_have_text("1,000 points pay CN¥10.00")
        expect(page.get_by_role("link", name="Next customer")).to_be_focused()


def test_the_camera_reads_a_card(chromium: Browser, club: Club, tmp_path: Path) -> None:
    """A film of the code, as the tablet's camera sees it held up: small, off the middle, on grey."""
    film = tmp_path / "card.y4m"
    film.write_bytes(filmed(club.card_code("xu")))
    with_camera = launch_with_camera(chromium, film)
    try:
        with visiting(with_camera, club.address, Look(820), permissions=["camera"]) as visit:
            holds(visit, device=club.device)
            page = visit.open("/store")
            page.locator("[data-scans]").click()
            expect(page.get_by_role("region", name="Member")).to_contain_text("Silver")
    finally:
        with_camera.close()


def test_without_a_camera_it_is_said_that_there_is_none(chromium: Browser, club: Club) -> None:
    with visiting(chromium, club.address, Look(820)) as visit:
        holds(visit, device=club.device)
        page = visit.open("/store")
        page.locator("[data-scans]").click()
        failed = page.locator(f"#{page.locator('[data-scans]').get_attribute('data-fails')}")
        expect(failed).to_be_visible()


def filmed(text: str, *, width: int = 640, height: int = 480) -> bytes:
    """Return a film of two frames (YUV4MPEG2, 4:2:0) on which a QR code is held up."""
    code = segno.make(text, error="m")
    side, left, top, grey = 7, 70, 40, 150
    rows = [bytearray([grey]) * width for _ in range(height)]
    for y, line in enumerate(code.matrix_iter(scale=side, border=4)):
        for x, is_dark in enumerate(line):
            rows[top + y][left + x] = 30 if is_dark else 225
    frame = b"FRAME\n" + b"".join(rows) + bytes([128]) * (width * height // 2)
    return f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode() + 2 * frame
