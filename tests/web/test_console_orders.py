"""Orders in the console: listed, explained, returned by line after a look at what that will do; shops see their own."""

import re
from datetime import datetime, timedelta
from html import unescape

import httpx
import pytest
from msgspec import structs

from regulars.commerce.contracts import ClaimOrder, PutOrder, ReturnLine, ReturnOrder
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.services import Services
from tests.web.site import DAY, NOW, Site
from tests.web.test_console_members import words
from tests.web.visitors import OTHER_STORE, STORE

pytestmark = pytest.mark.anyio


@pytest.fixture
async def site(services: Services) -> Site:
    return await Site(services).begin()


def listed(page: str) -> list[str]:
    """Return the orders in a list, in order."""
    return re.findall(r'(?:href|data-path)="/console/orders/(o-\d)\b', page)


async def test_orders_are_listed_latest_first_and_narrowed(site: Site) -> None:
    async with site.browsing(Role.OWNER) as browser:

        async def rows(**query: str) -> str:
            return "".join(name[-1] for name in listed((await browser.get("/console/orders", params=query)).text))

        found = [
            await rows(),
            await rows(store=STORE),
            await rows(channel="online"),
            await rows(state="placed"),
            await rows(back="some"),
            await rows(ordered_from="2026-02-20", ordered_to="2026-02-28"),
            await rows(q="o-3"),
            await rows(q="o-"),
            await rows(q="O-3"),
            await rows(q="' OR 1=1"),
            await rows(after="nonsense", store="nonsense"),
        ]
        file = (await browser.get("/console/orders?format=csv&columns=order&columns=total")).text
        palette = (await browser.get("/console/palette", params={"q": "o-4"})).text

    assert found[:10] == ["54321", "541", "3", "5", "2", "43", "3", "12345", "", ""]
    assert file.splitlines()[1:3] == ["o-5,90.00", "o-4,150.00"]
    assert listed(palette) == ["o-4"]


async def test_an_order_says_what_it_did_and_why(site: Site) -> None:
    async with site.browsing(Role.FINANCE) as browser:
        two = words((await browser.get("/console/orders/o-2")).text)
        four = words((await browser.get("/console/orders/o-4")).text)
        unknown = await browser.get("/console/orders/o-9")

    assert "every full CN¥1.00 gives one base point: 145." in four
    assert "Points paid with 500" in four
    assert "CN¥5.00" in four
    assert "Taken back Points" in two
    assert "Return r-1" in two
    assert "75 points earned on what came back were taken back." in two
    assert "Take a return" not in two
    assert unknown.status_code == 404


async def test_a_return_is_looked_at_and_then_settled_once(site: Site) -> None:
    books = "SELECT count(*), sum(amount) FROM ledger_transfers"
    async with site.browsing(Role.CARE) as browser:
        page = (await browser.get("/console/orders/o-1/return")).text
        (return_id,) = re.findall(r'name="return_id" value="(c-[0-9a-f]{32})"', page)
        given = {"return_id": return_id, "line-0": "1", "line-1": "0.100", "store_id": OTHER_STORE, "reason": "broken"}
        before = await site.rows(books)
        preview = words((await browser.post("/console/orders/o-1/return", data={**given, "step": "preview"})).text)
        untouched = await site.rows(books) == before
        done = [await browser.post("/console/orders/o-1/return", data={**given, "step": "confirm"}) for _ in range(2)]
        after = words((await browser.get("/console/orders/o-1")).text)

    # A half of 200.00, and 100 of 535 thousandths of 600.00: 100.00 + 112.14.
    assert "CN¥212.14" in preview
    assert "CN¥587.86 of the order remain" in preview
    assert "213 points earned on what came back were taken back" in preview
    assert untouched
    assert [(one.status_code, one.headers["location"]) for one in done] == [(303, "/console/orders/o-1")] * 2
    assert f"Return {return_id}" in after
    assert await site.rows("SELECT count(*), sum(returned_minor) FROM order_returns WHERE order_id = 'o-1'") == [
        (1, 21_214)
    ]
    asked = "SELECT actor, subject, reason FROM audit_entries WHERE action = 'record_order' AND actor LIKE 'staff:%%'"
    care = f"staff:stf_{site.visitors.accounts[Role.CARE].staff_id.hex}"
    assert await site.rows(asked) == [(care, "o-1", "broken")]


async def test_a_second_tap_on_the_button_is_told_the_same(site: Site) -> None:
    given = {"return_id": "c-" + "1" * 32, "line-0": "2", "line-1": "0.535", "store_id": STORE, "reason": "broken"}
    async with site.browsing(Role.CARE) as browser:
        taps = [await browser.post("/console/orders/o-4/return", data={**given, "step": "confirm"}) for _ in range(2)]
        again = {**given, "return_id": "c-" + "2" * 32, "step": "confirm"}
        another = await browser.post("/console/orders/o-4/return", data=again)

    assert [(one.status_code, one.headers.get("location")) for one in taps] == [(303, "/console/orders/o-4")] * 2
    assert another.status_code == 422, "another return of what is not there any more"
    assert await site.rows("SELECT count(*) FROM order_returns WHERE order_id = 'o-4'") == [(1,)]


async def test_a_return_number_takes_back_once_whatever_is_sent_under_it(site: Site) -> None:
    """Sent again, it gives the first answer; with other lines it is refused, and nothing more comes back."""
    given = {"return_id": "c-" + "0" * 32, "line-0": "1", "store_id": STORE, "reason": "broken", "step": "confirm"}
    async with site.browsing(Role.CARE) as browser, site.browsing(Role.OWNER) as other:
        await browser.post("/console/orders/o-1/return", data=given)
        more = await browser.post("/console/orders/o-1/return", data={**given, "line-1": "0.1"})
        theirs = await other.post("/console/orders/o-1/return", data={**given, "line-1": "0.1"})
        gone = await browser.post("/console/orders/o-5/return", data=given)

    assert (more.status_code, "returned" in more.text or "key" in more.text) == (422, True)
    assert theirs.status_code in {409, 422}
    assert gone.status_code in {409, 422}
    assert await site.rows("SELECT order_id, returned_minor FROM order_returns WHERE return_id LIKE 'c-%%'") == [
        ("o-1", 10_000)
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"line-0": "3"}, "At most 2 can come back."),
        ({"line-0": "a few"}, "At most 2 can come back."),
        ({"line-0": "-1"}, "At most 2 can come back."),
        ({"line-0": "0.0001"}, "At most 2 can come back."),
        ({"line-0": ""}, "Say how much of at least one line comes back."),
        ({"reason": ""}, "Please fill this in."),
        ({"store_id": "nowhere"}, "Please fill this in."),
    ],
)
async def test_what_makes_no_sense_is_refused_at_its_field(site: Site, wrong: dict[str, str], said: str) -> None:
    given = {"return_id": "c-" + "0" * 32, "line-0": "1", "store_id": STORE, "reason": "broken", "step": "confirm"}
    async with site.browsing(Role.OWNER) as browser:
        answer = await browser.post("/console/orders/o-1/return", data={**given, **wrong})

    assert (answer.status_code, said in unescape(answer.text)) == (422, True)
    assert await site.rows("SELECT count(*) FROM order_returns") == [(1,)]


async def test_shops_see_and_return_their_own_orders_only(site: Site) -> None:
    given = {"return_id": "c-" + "0" * 32, "line-0": "1", "store_id": STORE, "reason": "broken", "step": "confirm"}
    async with site.browsing(Role.STORE_MANAGER) as browser:
        rows = listed((await browser.get("/console/orders")).text)
        other = listed((await browser.get("/console/orders", params={"store": OTHER_STORE})).text)
        searched = listed((await browser.get("/console/orders", params={"q": "o-"})).text)
        palette = listed((await browser.get("/console/palette", params={"q": "o-"})).text)
        refused = [
            (await browser.get("/console/orders/o-2")).status_code,
            (await browser.get("/console/orders/o-3")).status_code,
            (await browser.get("/console/orders/o-2/return")).status_code,
            (await browser.post("/console/orders/o-2/return", data=given)).status_code,
        ]
        elsewhere = await browser.post("/console/orders/o-1/return", data={**given, "store_id": OTHER_STORE})
        own = await browser.post("/console/orders/o-1/return", data=given)
    async with site.browsing(Role.MARKETER) as browser:
        may_not = await browser.post("/console/orders/o-1/return", data=given)

    assert (rows, other, searched, palette) == (
        ["o-5", "o-4", "o-1"],
        ["o-5", "o-4", "o-1"],
        ["o-1", "o-4", "o-5"],
        ["o-1", "o-4", "o-5"],
    )
    assert refused == [404] * 4
    assert (elsewhere.status_code, own.status_code, may_not.status_code) == (422, 303, 403)


def guest(site: Site, order_id: str, total: int, *, at: datetime, store_id: str | None = STORE) -> PutOrder:
    """Return an order that nobody has claimed."""
    return structs.replace(site.order(order_id, total, at=at, store_id=store_id), member_id=None)


async def test_orders_of_guests_are_listed_among_the_others(site: Site) -> None:
    await site.apply(
        guest(site, "g-1", 7_000, at=NOW - 15 * DAY),
        guest(site, "g-2", 8_000, at=NOW - 3 * DAY, store_id=OTHER_STORE),
        guest(site, "g-3", 9_000, at=NOW - timedelta(hours=1)),
        ReturnOrder(order_id="g-1", return_id="r-9", lines=(ReturnLine("1", 1000),), occurred_at=NOW - 9 * DAY),
        ClaimOrder(order_id="g-3", member_id=site.chen),
    )

    async def rows(browser: httpx.AsyncClient, **query: str) -> list[str]:
        page = (await browser.get("/console/orders", params=query)).text
        return re.findall(r'href="/console/orders/([go]-\d)"', page)

    async with site.browsing(Role.OWNER) as browser:
        found = {
            "all": await rows(browser),
            "guests": await rows(browser, whose="guest"),
            "members": await rows(browser, whose="member"),
            "back": await rows(browser, whose="guest", back="some"),
            "store": await rows(browser, whose="guest", store=OTHER_STORE),
            "online": await rows(browser, whose="guest", channel="online"),
            "placed": await rows(browser, whose="guest", state="placed"),
            "days": await rows(browser, whose="guest", ordered_from="2026-02-20"),
            "search": await rows(browser, q="g-"),
        }
        file = (await browser.get("/console/orders?format=csv&whose=guest&columns=order&columns=member")).text
        palette = (await browser.get("/console/palette", params={"q": "g-2"})).text
    async with site.browsing(Role.STORE_MANAGER) as browser:
        own = await rows(browser, whose="guest")
        of_others = await rows(browser, q="g-2")
        elsewhere = (await browser.get("/console/orders/g-2")).status_code

    assert found == {
        "all": ["g-3", "o-5", "o-4", "g-2", "o-3", "g-1", "o-2", "o-1"],
        "guests": ["g-2", "g-1"],
        "members": ["g-3", "o-5", "o-4", "o-3", "o-2", "o-1"],
        "back": ["g-1"],
        "store": ["g-2"],
        "online": [],
        "placed": [],
        "days": ["g-2"],
        "search": ["g-1", "g-2", "g-3"],
    }
    assert file.splitlines()[1:] == ["g-2,Guest", "g-1,Guest"]
    assert "/console/orders/g-2" in palette
    assert (own, of_others, elsewhere) == (["g-1"], [], 404)


async def test_pages_of_orders_follow_each_other_without_gaps(site: Site) -> None:
    """Members' and guests' orders of one instant, more than a page of them."""
    facts = [guest(site, f"g-{n}", 1_000, at=NOW - DAY) for n in range(20)]
    facts += [site.order(f"n-{n}", 1_000, at=NOW - DAY) for n in range(20)]
    await site.apply(*facts)
    seen: list[str] = []
    path = "/console/orders"
    async with site.browsing(Role.OWNER) as browser:
        while path:
            page = (await browser.get(path)).text
            seen += re.findall(r'href="/console/orders/([gno]-\d+)"', page)
            (*_, path) = ["", *[unescape(one) for one in re.findall(r'href="([^"]*after=[^"]*)"', page)]]

    assert len(seen) == len(set(seen)) == 45


async def test_a_guests_order_has_a_page_and_is_returned(site: Site) -> None:
    await site.apply(guest(site, "g-1", 8_000, at=NOW - 3 * DAY))
    given = {"return_id": "c-" + "0" * 32, "line-0": "1", "store_id": STORE, "reason": "broken"}
    async with site.browsing(Role.CARE) as browser:
        page = words((await browser.get("/console/orders/g-1")).text)
        preview = await browser.post("/console/orders/g-1/return", data={**given, "step": "preview"})
        done = await browser.post("/console/orders/g-1/return", data={**given, "step": "confirm"})
        after = words((await browser.get("/console/orders/g-1")).text)

    assert "Member Guest Can be claimed until Mar 29, 2026" in page
    assert (preview.status_code, done.status_code) == (200, 303)
    assert "CN¥10.00" in words(preview.text)
    assert f"Return {given['return_id']}" in after


async def test_pages_of_orders_answer_in_chinese(site: Site) -> None:
    async with site.browsing(Role.OWNER, language="zh") as browser:
        answers = [await browser.get(f"/console/orders{path}") for path in ("", "/o-2", "/o-5", "/o-1/return")]

    assert [one.status_code for one in answers] == [200] * 4
    assert "影响及原因" in answers[1].text
