"""The portal's pages on a real history: exact figures, sentences in both languages, and nobody sees another's."""

import html
import re
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import msgspec
import pytest

from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import PlaceHold
from regulars.loyalty.ledger.service import carry_out
from regulars.loyalty.policy.contracts import AnniversaryReview, MonthlyReview
from regulars.members import api as members
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from tests.commerce.shop import DAY, NOW, POLICY, back, put
from tests.web.membership import LATER, Membership
from tests.web.visitors import brings

pytestmark = pytest.mark.anyio

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PAGES = (
    "/portal",
    "/portal/points",
    "/portal/statement",
    "/portal/tier",
    "/portal/orders",
    "/portal/profile",
    "/portal/inbox",
    "/portal/devices",
)


@pytest.fixture
async def membership(services: Services) -> Membership:
    return await Membership(services).begin()


def unfolded(page: str) -> str:
    """Leave out the answers to "Why?", which have tests of their own (test_whys.py)."""
    return re.sub(r"<details[^>]*data-why.*?</details>", "", page, flags=re.DOTALL)


def words(answer: httpx.Response) -> str:
    """Return what a page says in its middle, as one line, without what is folded away behind each "Why?"."""
    assert answer.status_code in {200, 422}, answer.text
    body = unfolded(answer.text.partition("<main")[2].partition(">")[2].partition("</main>")[0])
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


async def said(browser: httpx.AsyncClient, membership: Membership, path: str, *, new: bool = False) -> str:
    """Return what a page says to Wang, or to Li, who is new."""
    cookies = await membership.cookies(membership.li if new else membership.wang)
    return words(await browser.get(path, headers=brings(cookies)))


async def test_the_card_shows_points_tier_and_what_is_new(browser: httpx.AsyncClient, membership: Membership) -> None:
    text = await said(browser, membership, "/portal")

    assert "Wang Fang Available points 1,702 Regular" in text
    assert "500 points run out soon The first on Mar 14, 2026" in text
    assert "931 points on their way The first on Mar 9, 2026" in text
    assert "To Silver 69 growth to go" in text
    assert "Welcome!" not in text


async def test_the_card_brings_twenty_codes_that_tills_can_open(
    browser: httpx.AsyncClient, membership: Membership
) -> None:
    services, cookies = membership.services, brings(await membership.cookies(membership.wang))
    found = re.search(
        r'data-card="([^"]*)" data-made="(\d+)" data-seconds="30"', (await browser.get("/portal", headers=cookies)).text
    )
    assert found is not None
    codes = found[1].split()
    assert len(set(codes)) == 20
    async with services.database.transaction() as tx:
        assert await members.open_card_code(tx, services.vault, codes[0]) == membership.wang

    answer = await browser.get("/portal/card/codes", headers=cookies | {"Accept": "application/json"})
    fresh = msgspec.json.decode(answer.content)
    assert (fresh["seconds"], len(fresh["codes"]), answer.headers["cache-control"]) == (30, 20, "no-store")
    assert not set(fresh["codes"]) & set(codes)
    async with services.database.transaction() as tx:
        assert await members.open_card_code(tx, services.vault, fresh["codes"][0]) == membership.wang


async def test_points_tell_what_is_pending_and_what_runs_out(
    browser: httpx.AsyncClient, membership: Membership
) -> None:
    text = await said(browser, membership, "/portal/points")

    # 3,000 less 2,000 for A1, 202 given back, 500 for the birthday; 980 less 99 of A1 and 50 of A2 are pending.
    assert "Available points 1,702 At the till they pay for up to 5% of an order." in text
    assert "931 points that you can spend soon. From Mar 9, 2026 20:00 881 From Mar 10, 2026 20:00 50" in text
    assert "500 points run out within 30 days. Spend them before that. Mar 14, 2026 Soon 500 Mar 31, 2027 2,133" in text
    assert "Latest Whole statement 500 points were added: Birthday gift." in text


async def test_debt_is_told(browser: httpx.AsyncClient, membership: Membership) -> None:
    membership.at(NOW + 40 * DAY)
    await membership.send(put(membership.li, "B1", (100_000,)))
    membership.at(NOW + 48 * DAY)
    await membership.send(put(membership.li, "B2", (1_000_000,), points=1_000))
    await membership.send(back("B1", "R1"))
    text = await said(browser, membership, "/portal/points", new=True)

    assert "You can pay with points again once what you owe is repaid." in text
    assert "You owe 1,000 points: they were earned on what you returned, and spent already." in text
    order = await said(browser, membership, "/portal/orders/B1", new=True)
    assert "−1,000 points You had earned them on what came back. 1,000 of them were spent already;" in order
    assert "+1,000 points 1,000 × 1 as Regular. All of them were taken back, as told below. +1,000 growth" in order
    listed = await said(browser, membership, "/portal/orders", new=True)
    assert "+1,000 points" not in listed, "an order that came back promises nothing any more"


async def test_the_statement_says_why(browser: httpx.AsyncClient, membership: Membership) -> None:
    text = await said(browser, membership, "/portal/statement")

    assert text.startswith("Points Statement All Points Growth Mar 2026 500 points were added: Birthday gift.")
    for sentence in (
        "Return R1 of order A1 took back 99 points that it had earned. Mar 4, 2026 20:00 · See the order −99 points",
        "Return R1 of order A1 gave back 202 points that had paid for it. Mar 4, 2026 20:00 · See the order +202",
        "Order A2 counts 50 growth. Mar 3, 2026 20:00 · See the order +50 growth",
        "Order A1 earned 980 × 1 = 980 points (tier Regular). Mar 2, 2026 20:00 · See the order +980 points",
        "2,000 points paid for part of order A1. Mar 2, 2026 20:00 · See the order −2,000 points",
        "3,000 points were added: Welcome gift. Mar 2, 2026 20:00 +3,000 points",
    ):
        assert sentence in text
    growth = await said(browser, membership, "/portal/statement?wallet=growth")
    assert growth.count("See the order") == 3
    assert " points" not in growth


async def test_the_statement_is_paged(browser: httpx.AsyncClient, membership: Membership) -> None:
    for number in range(25):
        await membership.grant(membership.li, 1 + number, f"Gift {number}")
    cookies = brings(await membership.cookies(membership.li))
    first = await browser.get("/portal/statement", headers=cookies)
    found = re.search(r'href="(/portal/statement\?before=\d+)"', first.text)
    assert found is not None
    second = await browser.get(found[1], headers=cookies)

    gifts = [re.findall(r"Gift (\d+)\.", unfolded(answer.text)) for answer in (first, second)]
    assert gifts == [[str(n) for n in range(24, 4, -1)], [str(n) for n in range(4, -1, -1)]]
    assert ">The latest<" in second.text
    assert ">Older<" not in second.text


async def test_the_tier_page_says_how_far_the_next_is_and_why(
    browser: httpx.AsyncClient, membership: Membership
) -> None:
    text = await said(browser, membership, "/portal/tier")

    assert "To Silver 931 of 1,000 growth 69 more growth within 365 days make you Silver." in text
    assert "Return R1 of order A1 on Mar 4, 2026 left 931 growth in 365 days" in text
    assert "Gold from 2,500 growth points × 2 Diamond from 5,000 growth points × 3" in text


async def test_the_tier_page_says_how_a_tier_is_kept(browser: httpx.AsyncClient, services: Services) -> None:
    kept = msgspec.structs.replace(POLICY, tier=msgspec.structs.replace(POLICY.tier, review=AnniversaryReview()))
    membership = await Membership(services).begin(kept)
    await membership.send(put(membership.li, "B1", (300_000,)))

    text = await said(browser, membership, "/portal/tier", new=True)
    assert "Gold Since Mar 4, 2026" in text
    assert "Each base point counts 2 times. As Diamond it counts 3 times." in text
    assert "12 months after you reached it, the growth of the last 365 days is looked at." in text
    assert "Your next review is on Mar 4, 2027. If you buy nothing until then, it makes you Regular." in text
    membership.at(LATER + 366 * DAY)
    text = await said(browser, membership, "/portal/tier", new=True)
    assert "You are in your days of grace: collect 2,500 growth by Apr 3, 2027 to stay Gold." in text


async def test_reviews_by_month_are_told(browser: httpx.AsyncClient, services: Services) -> None:
    review = MonthlyReview(months=(1, 7))
    kept = msgspec.structs.replace(POLICY, tier=msgspec.structs.replace(POLICY.tier, review=review))
    membership = await Membership(services).begin(kept)
    await membership.send(put(membership.li, "B1", (300_000,)))

    text = await said(browser, membership, "/portal/tier", new=True)
    assert "the growth of the last 365 days is looked at: January, July. Your next review is on Jul 1, 2026." in text
    assert "Even if you buy nothing until then, you stay Gold." in text


async def test_a_partly_returned_order_tells_everything_it_did(
    browser: httpx.AsyncClient, membership: Membership
) -> None:
    listed = await said(browser, membership, "/portal/orders")
    assert listed.startswith(
        "Your orders Online store Mar 3, 2026 20:00 CN¥50.00 +50 points Nanjing Road Partly returned"
    )

    text = await said(browser, membership, "/portal/orders/A1")
    assert "sku2 × 2 2 returned, worth CN¥101.00 CN¥101.00" in text
    assert (
        "Total CN¥1,000.50 Paid with points −CN¥20.00 Paid in money CN¥980.50 Returned −CN¥101.00 Remains CN¥899.50"
    ) in text
    assert (
        "What it brought −2,000 points They paid CN¥20.00 of this order. 202 of them were given back, as told below. "
        "+980 points 980 × 1 as Regular. "
        "99 of them were taken back, as told below. "
        "You can spend them from Mar 9, 2026 20:00. They are good until Mar 31, 2027. +980 growth"
    ) in text
    assert "Return Wudaokou · Mar 4, 2026 20:00 2 × sku2 · CN¥101.00 CN¥98.98 given back in money" in text
    assert (
        "+202 points They had paid for what came back. −99 points You had earned them on what came back. "
        "−99 growth You had earned it on what came back, so it counts no longer. "
        "You fell from Silver to Regular The growth that was taken away was needed for it."
    ) in text


async def test_the_profile_shows_what_is_known_and_changes_name_and_language(
    browser: httpx.AsyncClient, membership: Membership
) -> None:
    cookies = brings(await membership.cookies(membership.wang))
    text = words(await browser.get("/portal/profile", headers=cookies))
    assert "Birthday 1990-05-01 Phone number +86 138****8000" in text

    refused = await browser.post("/portal/profile", content=urlencode({"language": "de"}), headers=FORM | cookies)
    assert refused.status_code == 422
    refused = await browser.post(
        "/portal/profile", content=urlencode({"language": "en", "display_name": "a\u0007b"}), headers=FORM | cookies
    )
    assert 'id="field-display_name-problem"' in refused.text

    form = {"language": "zh", "display_name": "<b>王芳</b>"}
    saved = await browser.post("/portal/profile", content=urlencode(form), headers=FORM | cookies)
    assert (saved.status_code, saved.headers["location"]) == (303, "/portal/profile")
    page = await browser.get("/portal", headers=cookies)
    assert "&lt;b&gt;王芳&lt;/b&gt;" in page.text
    assert "可用积分 1,702 普通" in words(page)


async def test_a_new_member_is_told_what_to_do_first(browser: httpx.AsyncClient, membership: Membership) -> None:
    assert "Welcome! This is how it works Show this card each time you pay" in await said(
        browser, membership, "/portal", new=True
    )
    for path in ("/portal/points", "/portal/statement"):
        assert (await said(browser, membership, path, new=True)).endswith("Show the card"), path
    assert (await said(browser, membership, "/portal/orders", new=True)).endswith("Show the card Claim a receipt")
    assert "Everybody begins at tier Regular." in await said(browser, membership, "/portal/tier", new=True)
    assert "Save my birthday" in await said(browser, membership, "/portal/profile", new=True)


async def test_nobody_sees_what_is_anothers(browser: httpx.AsyncClient, membership: Membership) -> None:
    """Orders of others, by their real ids, are as unknown as those that there are not; nothing takes a member's id."""
    cookies = brings(await membership.cookies(membership.li))
    wang = public_id("mbr", membership.wang)
    refused = [
        await browser.get(f"/portal/orders/{one}", headers=cookies) for one in ("A1", "A2", "none", "%00", "a%2Fb", "~")
    ]
    assert {answer.status_code for answer in refused} == {404}
    middles = [answer.text.partition("<main")[2].partition("</main>")[0] for answer in refused[:3]]
    assert len({re.sub(r"[0-9a-f]{16,}", "the request's id", middle) for middle in middles}) == 1
    for path in PAGES:
        answer = await browser.get(f"{path}?member_id={wang}&member={wang}", headers=cookies)
        assert answer.status_code == 200, path
        assert "Wang Fang" not in answer.text, path
        assert "1,702" not in answer.text, path
        assert (await browser.get(f"{path}/{wang}", headers=cookies)).status_code == 404, path


@pytest.mark.parametrize("query", ["wallet=other", "before=x", "before=-1", "before=9999999999999999999", "before=²"])
async def test_an_address_made_up_is_refused(browser: httpx.AsyncClient, membership: Membership, query: str) -> None:
    cookies = brings(await membership.cookies(membership.wang))
    assert (await browser.get(f"/portal/statement?{query}", headers=cookies)).status_code == 404
    assert (await browser.get("/portal/orders?after=x", headers=cookies)).status_code == 422


async def test_what_is_held_and_each_lot_is_told(browser: httpx.AsyncClient, membership: Membership) -> None:
    services, now = membership.services, membership.services.database.clock.now()
    async with services.database.transaction(actor="test", by_keys=True) as tx:
        wish = PlaceHold(
            member_id=membership.wang,
            wallet="points",
            amount=40,
            purpose="a seat at the workshop",
            reference="seat",
            deadline=now + timedelta(days=2),
        )
        (outcome,) = await carry_out(tx, loyalty.Configuration(), [wish])
        assert not isinstance(outcome, Exception), outcome
    text = (await browser.get("/portal/points", headers=brings(await membership.cookies(membership.wang)))).text
    new = await membership.join("+8613800138009")
    nothing = (await browser.get("/portal/points", headers=brings(await membership.cookies(new)))).text

    held, lots = (text.partition(f'id="{name}"')[2].partition("</section>")[0] for name in ("held", "lots"))
    assert "a seat at the workshop" in held
    assert ">40<" in held
    assert lots.count("<li") >= lots.count("data-why") > 0
    assert "Good until" in lots
    assert [name for name in ("held", "lots") if f'id="{name}"' in nothing] == []
