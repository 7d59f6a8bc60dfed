"""Merging in the console: two members beside each other, merged with a reason, found as one, and undone."""

import re

import pytest

from regulars.commerce.contracts import ReturnLine, ReturnOrder
from regulars.loyalty import api as loyalty
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from tests.web.site import DAY, NOW, Site
from tests.web.test_console_members import words
from tests.web.visitors import STORE

pytestmark = pytest.mark.anyio


@pytest.fixture
async def site(services: Services) -> Site:
    return await Site(services).begin()


@pytest.fixture
async def other(site: Site) -> str:
    """Return a second membership of Chen's, with a number of its own."""
    return public_id(
        "mbr", await site.member("137 0013 7000", "second@home.example", at=site.services.database.clock.now())
    )


async def test_two_are_seen_beside_each_other_merged_and_parted(site: Site, other: str) -> None:
    home = site.path()
    async with site.browsing(Role.CARE) as browser:
        empty = words((await browser.get(f"{home}/merges")).text)
        beside = words((await browser.get(f"{home}/merge?absorb={other}")).text)
        short = await browser.post(f"{home}/merge", data={"absorb": other, "reason": "x"})
        merged = await browser.post(f"{home}/merge", data={"absorb": other, "reason": "the same person"})
        listed = (await browser.get(f"{home}/merges")).text
        under_the_old_id = words((await browser.get(f"/console/members/{other}")).text)
        (undo,) = re.findall(r'href="([^"]+/undo)"', listed)
        looked = words((await browser.get(undo)).text)
        undone = await browser.post(undo, data={"reason": "two persons after all"})
        again = await browser.post(undo, data={"reason": "two persons after all"})
        parted = words((await browser.get(f"/console/members/{other}")).text)

    assert "Nobody was merged with this member." in empty
    assert "Stays: 陈**" in beside
    assert "+86 137****7000" in beside
    assert "2 identities" in beside
    assert "+86 137****7000 Not confirmed" in beside
    assert "Nobody confirmed one of them: it opens no session" in beside
    assert (short.status_code, merged.status_code, undone.status_code, again.status_code) == (422, 303, 303, 409)
    assert "the same person" in words(listed)
    assert "+86 138****8000" in under_the_old_id
    assert "+86 137****7000" in under_the_old_id
    assert "What was earned after the merge stays here." in looked
    assert "+86 138****8000" not in parted
    assert "陈思远" not in beside + looked + under_the_old_id


async def test_refusals_are_said_on_the_page(site: Site, other: str) -> None:
    home = site.path()
    async with site.browsing(Role.CARE) as browser:
        nobody = await browser.get(f"{home}/merge?absorb=mbr_{'0' * 32}")
        itself = await browser.get(f"{home}/merge?absorb={public_id('mbr', site.chen)}")
        refused = await browser.get(f"/console/members/{other}/merges/mrg_{'0' * 32}/undo")
    async with site.browsing(Role.MARKETER) as browser:
        forbidden = await browser.get(f"{home}/merges")
        page = (await browser.get(home)).text

    assert (nobody.status_code, itself.status_code, refused.status_code) == (404, 422, 404)
    assert "Both ids stand for the same member." in words(itself.text)
    assert forbidden.status_code == 403
    assert "/merges" not in page


async def test_a_look_through_the_old_id_is_one_at_the_survivor(site: Site, other: str) -> None:
    survivor = public_id("mbr", site.chen)
    log = "SELECT subject, reason, detail FROM audit_entries WHERE action = 'read_personal_data' ORDER BY entry_id"
    async with site.browsing(Role.CARE) as browser:
        await browser.post(f"/console/members/{other}/reveal", data={"purpose": "before the merge"})
        await browser.post(f"{site.path()}/merge", data={"absorb": other, "reason": "the same person"})
        still = await browser.get(f"/console/members/{other}")  # whom the look was at, is no longer whom the id means
        revealed = await browser.post(f"/console/members/{other}/reveal", data={"purpose": "ticket 4711"})
        shown = await browser.get(f"/console/members/{survivor}")

    assert "陈思远" not in still.text
    assert (revealed.status_code, revealed.headers["location"]) == (303, f"/console/members/{survivor}")
    assert "陈思远" in shown.text
    assert await site.rows(log) == [(other, "before the merge", ""), (survivor, "ticket 4711", f"as {other}")]


async def test_an_order_tells_what_its_points_did_after_a_merge_to_who_sees_all_shops(site: Site, other: str) -> None:
    went = "Of these, with another membership since a merge"
    wish = {"absorb": public_id("mbr", site.chen), "reason": "the same person"}
    async with site.browsing(Role.CARE) as browser:
        await browser.post(f"/console/members/{other}/merge", data=wish)
        lines = (ReturnLine("1", 2000), ReturnLine("2", 535))
        back = ReturnOrder(
            order_id="o-1", return_id="r-1", lines=lines, store_id=STORE, occurred_at=NOW, recorded_at=NOW
        )
        await site.apply(back)
        order = words((await browser.get("/console/orders/o-1")).text)
    async with site.browsing(Role.STORE_MANAGER) as browser:
        in_the_shop = words((await browser.get("/console/orders/o-1")).text)

    assert went in order
    # The tier that the return lowered is held by whom Chen is part of: there for who sees all shops.
    lost = f"Tier Silver → Regular mbr_…{other[-6:]}"
    assert lost in order
    assert lost not in in_the_shop
    assert "What became of its points" in in_the_shop
    assert went not in in_the_shop


async def test_staff_are_told_neither_the_others_orders_once_a_merge_is_undone(site: Site, other: str) -> None:
    second = loyalty.member_id_in(other)
    await site.apply(site.order("second-1", 160_000, at=NOW - 30 * DAY, member_id=second))
    async with site.browsing(Role.OWNER) as browser:
        wish = {"absorb": other, "reason": "the same person"}
        await browser.post(f"{site.path()}/merge", data=wish)
        for order_id in ("second-1", "o-1"):
            lines = (ReturnLine("1", 1000),)
            await site.apply(
                ReturnOrder(
                    order_id=order_id,
                    return_id=f"r-{order_id}",
                    lines=lines,
                    store_id=STORE,
                    occurred_at=NOW,
                    recorded_at=NOW,
                )
            )
        together = (await browser.get(f"{site.path()}/timeline")).text
        (undo,) = re.findall(r'href="([^"]+/undo)"', (await browser.get(f"{site.path()}/merges")).text)
        undone = await browser.post(undo, data={"reason": "two persons after all"})
        kinds = ("", "/points", "/orders", "/timeline", "/why", "/lots", "/transfers", "/merges")
        pages = {
            (whose, kind): await browser.get(f"{site.path(whose)}{kind}")
            for whose in (site.chen, second)
            for kind in kinds
        }
        columns = "&".join([f"columns={one}" for one in ("member", "order", "reference")])
        file = (await browser.get(f"/console/bookings?format=csv&{columns}")).text

    assert "second-1" in together
    assert undone.status_code == 303
    assert {one.status_code for one in pages.values()} == {200}
    of_chen, of_second = re.compile(r"\bo-[1-4]\b"), re.compile(r"second-1")
    assert [key for key, one in pages.items() if (of_second if key[0] == site.chen else of_chen).search(one.text)] == []
    rows = [row for row in file.splitlines() if "merge:" in row]
    assert len(rows) > 8
    assert [row for row in rows if of_chen.search(row) or of_second.search(row)] == []
