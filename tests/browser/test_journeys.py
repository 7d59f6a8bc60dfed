"""Journeys of the domain, in Chinese and in English, on a phone and at a desk, looked at by axe on every page.

A walk-in signs up at the shop, buys, and sees the points on their own phone before leaving. A member buys three things,
brings one back in another shop by keyboard and scanner alone, and everything explains itself.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from regulars.platform.auth.staff.permissions import Role
from regulars.web.kit.texts import in_language
from tests.architecture.source import ROOT
from tests.browser.chromium import Look, Visit, visiting
from tests.browser.club import Club, holds
from tests.browser.walking import Keyboard, Walk, found_by

LOOKS = [Look(390, "light", "zh"), Look(390, "dark", "en"), Look(1440, "light", "en"), Look(1440, "dark", "zh")]
SEEN_BY_A_WALK_IN = {
    "en": {
        "/portal/points": ["200 points that you can spend soon."],
        "/portal/statement": ["Order {receipt} earned 200 × 1 = 200 points", "Order {receipt} counts 200 growth."],
        "/portal/tier": ["200 of 1,000 growth", "800 more growth within 365 days make you Silver."],
        "/portal/orders": ["+200 points"],
        "/portal/orders/{receipt}": ["Nanjing Road", "tea × 1", "Total", "CN¥200.00", "200 × 1 as Regular."],
        "/portal/inbox": ["{receipt}", "200"],
    },
    "zh": {
        "/portal/points": ["共 200 积分，很快可用。"],
        "/portal/statement": ["订单 {receipt} 获得 200 × 1 = 200 积分", "订单 {receipt} 计入 200 成长值。"],
        "/portal/tier": ["200 / 1,000 成长值", "365 天内再获得 800 成长值即可成为银卡。"],
        "/portal/orders": ["+200 积分"],
        "/portal/orders/{receipt}": ["Nanjing Road", "tea × 1", "合计", "¥200.00", "普通：200 × 1。"],
        "/portal/inbox": ["感谢您在 Beichen 购物，获得 200 积分", "{receipt}"],
    },
}
RETURN_SAID = {
    "till": {
        "en": [
            "goods worth CN¥300.00 came back",
            "Money to give back CN¥297.50",
            "250 points that paid come back",
            "298 earned points are taken back",
            "Regular",
        ],
        "zh": [
            "已退回价值 ¥300.00 的商品",
            "应退金额 ¥297.50",
            "退回抵扣用的 250 积分",
            "扣回已获得的 298 积分",
            "等级变为普通",
        ],
    },
    "portal": {
        "en": [
            "1 returned, worth CN¥300.00",
            "Returned −CN¥300.00 Remains CN¥900.00",
            "+1,190 points 1,190 × 1 as Regular.",
            "You rose from Regular to Silver",
            "Return Wudaokou",
            "1 × grinder · CN¥300.00 CN¥297.50 given back in money",
            "as if you had never bought what came back: +250 points They had paid for what came back.",
            "−298 points You had earned them on what came back. −298 growth",
            "You fell from Silver to Regular The growth that was taken away was needed for it.",
        ],
        "zh": [
            "已退 1",
            "¥300.00",
            "¥900.00",
            "+1,190 积分",
            "+250 积分",
            "−298 积分",
            "−298 成长值",
            "由银卡降为普通",
        ],
    },
    "inbox": {
        "en": [
            "Your return to Beichen is settled",
            "Wudaokou took back goods of your order {order_id}",
            "Points given back to you +250 Points taken back −298",
            "Welcome to Silver",
        ],
        "zh": [
            "您在 Beichen 的退货已结算",
            "Wudaokou",
            "{order_id}",
            "退还积分 +250 扣回积分 −298",
            "欢迎成为银卡会员",
        ],
    },
    "console": {
        "en": [
            "CN¥300.00 came back",
            "Points given back 250 Points taken back 298 Growth taken back 298 Tier lost Regular before: Silver",
            "250 points that had paid for what came back were given back.",
            "What it caused in the books",
            "892 of 1,190",
        ],
        "zh": [
            "已退 ¥300.00",
            "退还积分 250 扣回积分 298 扣回成长值 298 等级下降 普通 之前：银卡",
            "用于支付退回商品的 250 积分已归还。",
            "在账上的影响",
            "1,190 中剩 892",
        ],
    },
}
READER = ROOT / "ui" / "node_modules" / "jsqr" / "dist" / "jsQR.js"
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


def shown_code(page: Page) -> str:
    """Read the card's code off the screen, as a scanner does."""
    page.add_script_tag(path=READER)
    code = page.evaluate(READ)
    assert isinstance(code, str)
    return code


def sent_code(visit: Visit, address: str) -> str:
    """Read the newest code for a phone number in the development outbox, beside the page."""
    other = visit.page.context.new_page()
    other.goto(f"{visit.address}/outbox")
    codes = other.locator("main li").filter(has_text=address).locator("p.figures")  # newest first, among other letters
    code = codes.first.inner_text()
    other.close()
    return code


def texts(language: str) -> Callable[[str], str]:
    """Return what finds labels by their English text."""
    return lambda text: in_language(text, language)


def signed_in_on_the_phone(walk: Walk, phone: str) -> Page:
    """Sign in as a member does, with the code that was sent."""
    _ = texts(walk.look.language)
    page = walk.visit.open("/portal")
    page.get_by_label(_("Phone number or e-mail")).fill(phone)
    walk.at("phone-sign-in")
    page.keyboard.press("Enter")
    expect(page.get_by_label(_("Code"), exact=True)).to_be_focused()
    walk.at("phone-code")
    page.keyboard.type(sent_code(walk.visit, phone))
    page.keyboard.press("Enter")
    expect(page.locator("[data-code] svg")).to_be_visible()
    return page


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_a_walk_in_signs_up_buys_and_sees_points_on_the_phone(
    chromium: Browser, club: Club, look: Look, pictures: Path
) -> None:
    _ = texts(look.language)
    phone = f"1390013910{LOOKS.index(look)}"
    with (
        visiting(chromium, club.address, look, bypass_csp=True) as counter,
        visiting(chromium, club.address, look, bypass_csp=True) as own,
    ):
        till, home = Walk(counter, pictures, look), Walk(own, pictures, look)
        holds(counter, device=club.device)
        page = counter.open("/store")
        page.get_by_role("link", name=_("Register a new member")).click()
        page.get_by_label(_("Phone number")).fill(phone)
        page.get_by_label(_("Name")).fill("李雷")
        page.get_by_role("checkbox").first.check()
        till.at("register")
        page.keyboard.press("Enter")
        expect(page.get_by_text("李**")).to_be_visible()
        for amount, name in (("120", "tea"), ("50", "cup"), ("30", "pot")):
            page.get_by_label(_("Amount")).fill(amount)
            page.get_by_label(_("Item")).fill(name)
            page.keyboard.press("Enter")
            expect(page.get_by_text(name, exact=True)).to_be_visible()
        till.at("till")
        page.get_by_role("button", name=_("To payment")).click()
        till.at("payment")
        page.get_by_role("button", name=_("Paid: confirm")).click()
        till.at("receipt")
        receipt = page.locator("[data-receipt]").inner_text()

        phone_page = signed_in_on_the_phone(home, phone)
        if look.language == "en":  # who joins at a till reads the market's language until they choose their own
            phone_page.locator("header button[name=language]").click()
            expect(phone_page.locator("html")).to_have_attribute("lang", "en")
        home.at("phone-card")
        for path, said in SEEN_BY_A_WALK_IN[look.language].items():
            own.open(path.format(receipt=receipt))
            home.at("phone" + path.replace("/", "-").replace("-{receipt}", "-order"))
            for sentence in said:
                expect(phone_page.locator("main")).to_contain_text(sentence.format(receipt=receipt))

        own.open("/portal")
        counter.open("/store")
        page.keyboard.type(shown_code(phone_page))
        page.keyboard.press("Enter")
        expect(page.get_by_text("李**")).to_be_visible()
        expect(page.locator("main")).to_contain_text("200 more to come" if look.language == "en" else "还有 200 待生效")
        till.at("scanned")
    assert found_by(till, home) == []


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_a_member_returns_one_of_three_in_another_shop_by_keyboard_alone(
    chromium: Browser, club: Club, look: Look, pictures: Path
) -> None:
    """1,000 points pay 10.00 of 1,200.00; the grinder of 300.00 comes back: 250 points of 1,000 and 298 of 1,190."""
    _ = texts(look.language)
    number = LOOKS.index(look)
    phone, order_id = f"1390013920{number}", f"WEB-2026-{number}"
    member_id = bought_online(club, phone, order_id, look.language)
    with visiting(chromium, club.address, look, bypass_csp=True) as counter:
        till, hands = Walk(counter, pictures, look), Keyboard(counter.page)
        page = counter.page
        holds(counter, device=club.other_device)
        counter.open("/store")
        hands.choose(page.get_by_role("navigation").get_by_role("link", name=_("Return"), exact=True))
        expect(page.get_by_label(_("Receipt code"))).to_be_focused()
        till.at("returns")
        hands.scan(order_id)
        hands.write(page.get_by_label("grinder"), "1")
        till.at("lines-back")
        page.keyboard.press("Enter")
        expect(page.locator("[data-money-back]")).to_contain_text("297.50")
        till.at("return-review")
        page.keyboard.press("Enter")  # nothing has the focus yet, so that no scanner settles anything
        hands.choose(page.get_by_role("button", name=_("Take the return")))
        expect(page.get_by_role("link", name=_("Next customer"))).to_be_focused()
        said_all(page, RETURN_SAID["till"][look.language], order_id)
        till.at("return-done")
    club.wait_for_message(member_id, "return_settled")
    with visiting(chromium, club.address, look, bypass_csp=True) as own:
        home, thumbs = Walk(own, pictures, look), Keyboard(own.page)
        page = signed_in_on_the_phone(home, phone)
        way = page.get_by_role("navigation")
        thumbs.choose(way.get_by_role("link", name=_("Orders"), exact=True))
        page.wait_for_url("**/portal/orders")
        home.at("orders-returned")
        thumbs.choose(page.locator(f"main a[href='/portal/orders/{order_id}']"))
        page.wait_for_url(f"**/portal/orders/{order_id}")
        home.at("order-returned")
        said_all(page, RETURN_SAID["portal"][look.language], order_id)
        thumbs.choose(way.get_by_role("link", name=_("Inbox")))
        page.wait_for_url("**/portal/inbox")
        home.at("inbox-returned")
        said_all(page, RETURN_SAID["inbox"][look.language], order_id)
    with visiting(chromium, club.address, look, bypass_csp=True) as desk:
        office, fingers = Walk(desk, pictures, look), Keyboard(desk.page)
        page = desk.page
        holds(desk, staff=club.staff(Role.CARE, look.language))
        desk.open("/console")
        page.keyboard.press("Control+k")
        page.keyboard.type(order_id)
        expect(page.get_by_role("option")).to_have_count(1)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/console/orders/{order_id}")
        office.at("console-order-returned")
        said_all(page, RETURN_SAID["console"][look.language], order_id)
        fingers.choose(page.get_by_role("link", name=_("Take a return")))
        page.wait_for_url("**/return")
    assert found_by(till, home, office) == []
    assert [*hands.lost, *thumbs.lost, *fingers.lost] == []


def said_all(page: Page, sentences: list[str], order_id: str) -> None:
    """The page says all of it, wherever its lines break."""
    text = " ".join(page.locator("main").inner_text().split())
    missing = [one for one in sentences if one.format(order_id=order_id) not in text]
    assert missing == [], text


def bought_online(club: Club, phone: str, order_id: str, language: str) -> str:
    """Let a web shop sign somebody up, give them 1,000 points and send their order, past the pages."""

    def send(method: str, path: str, body: dict[str, object]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {club.key}", "Idempotency-Key": f"{path}-{phone}"}
        answer = httpx.request(method, f"{club.address}/v1{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    identity = {"kind": "phone", "value": phone}
    joined = send(
        "POST", "/members", {"market": "CN", "identities": [identity], "channel": "online", "language": language}
    )
    member_id = str(joined["member_id"])
    send("POST", f"/members/{member_id}/accruals", {"amount": 1_000, "reason": "Welcome"})
    cny = [{"amount_minor": amount, "currency": "CNY"} for amount in (80_000, 30_000, 10_000, 120_000, 119_000)]
    order: dict[str, object] = {
        "state": "paid",
        "channel": "online",
        "market": "CN",
        "member_id": member_id,
        "total": cny[3],
        "lines": [{"sku": sku, "amount": one} for sku, one in zip(("machine", "grinder", "beans"), cny, strict=False)],
        "payments": [{"method": "points", "points": 1_000}, {"method": "card", "amount": cny[4]}],
    }
    send("PUT", f"/orders/{order_id}", order)
    return member_id
