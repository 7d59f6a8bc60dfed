"""The "why?" beside figures: steps that open without scripts, near misses, and refusals found by the request's id."""

import html
import re

import httpx
import pytest

from regulars.commerce import api as commerce
from regulars.commerce.contracts import ReturnLine, ReturnOrder
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Adjust
from regulars.loyalty.policy.errors import UnknownWallet
from regulars.platform.auth import service as keys
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.commit import refusals, store
from regulars.platform.commit.errors import RefusedToSeveral
from regulars.platform.commit.store import StoredRefusal
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from tests.web.membership import Membership
from tests.web.site import Site
from tests.web.test_console_members import words
from tests.web.visitors import STORE, brings

pytestmark = pytest.mark.anyio


def whys(page: str) -> list[str]:
    """Return what stands in each "why?" of a page, as one line."""
    found = re.findall(r"<details[^>]*data-why.*?</details>", page, re.DOTALL)
    return [" ".join(html.unescape(re.sub(r"<[^>]*>", " ", one)).split()) for one in found]


async def test_a_member_is_told_why_of_each_figure(browser: httpx.AsyncClient, services: Services) -> None:
    membership = await Membership(services).begin()
    cookies = brings(await membership.cookies(membership.wang))

    async def told(path: str) -> list[str]:
        answer = await browser.get(path, headers=cookies)
        assert answer.status_code == 200, answer.text
        return whys(answer.text)

    points = await told("/portal/points")
    assert "The balance is 2,633 points: 1,702 can be spent now, 0 held, 931 on the way, 0 run out." in points[0]
    lots = [one for one in points if "good until" in one.partition("points")[2][:20]]
    assert len(points) == 1 + 3 + len(lots)
    assert lots, "each lot says why it is there"
    (tier,) = await told("/portal/tier")
    assert "The tier is Regular: the growth of the last 365 days is 931." in tier
    assert "69 more growth within 365 days reach the tier Silver." in tier
    lines = await told("/portal/statement")
    earned = [one for one in lines if "gives one base point" in one]
    assert earned
    assert all("more paid in money would have given one more base point" in one for one in earned)
    assert all("{" not in one and "None" not in one for one in lines)


async def test_members_are_not_told_who_of_staff_corrected_their_points(
    browser: httpx.AsyncClient, services: Services
) -> None:
    membership = await Membership(services).begin()
    wishes = [
        Adjust(
            member_id=membership.wang,
            wallet="points",
            amount=amount,
            reason="a mistake",
            reference=f"care:{amount}",
            actor="staff:stf_1",
            approved_by=by,
        )
        for amount, by in ((10, ""), (-5, "key:ak_2"))
    ]
    async with services.database.transaction(actor="test", by_keys=True) as tx:
        for outcome in await loyalty.post(tx, loyalty.Configuration(), wishes):
            assert not isinstance(outcome, Exception), outcome
    cookies = brings(await membership.cookies(membership.wang))
    told = [
        one
        for path in ("/portal/points", "/portal/statement")
        for one in whys((await browser.get(path, headers=cookies)).text)
    ]

    assert any("10 points were added as a correction: a mistake." in one for one in told)
    assert any("A second person approved it." in one for one in told)
    assert [one for one in told if "stf_" in one or "ak_" in one] == []


async def test_the_console_tells_why_and_shops_no_more_than_they_need(services: Services) -> None:
    site = await Site(services).begin()
    async with site.browsing(Role.OWNER) as browser:
        everything = (await browser.get(f"{site.path()}/why")).text
    async with site.browsing(Role.STORE_MANAGER) as browser:
        bound = (await browser.get(f"{site.path()}/why")).text

    assert "points earned by orders, in" in everything
    assert "points earned by orders, in" not in bound
    assert len(whys(everything)) > len(whys(bound)) > 0
    assert not re.search(r"\bo-[23]\b", bound)
    lots = {
        name: re.findall(r"<li[^>]*>(?:(?!<li).)*?Lot \d+", text.partition('id="lots"')[2], re.DOTALL)
        for name, text in (("everything", everything), ("bound", bound))
    }
    assert lots["bound"]
    assert all(re.search(r"[\d,]+ of [\d,]+", one) for one in lots["everything"])
    assert not any(re.search(r"[\d,]+ of [\d,]+", one) for one in lots["bound"]), "tells what was paid elsewhere"


async def test_orders_of_which_something_came_back_say_so(services: Services) -> None:
    site = await Site(services).begin()
    async with site.browsing(Role.OWNER) as browser:
        two = (await browser.get("/console/orders/o-2")).text
        listed = (await browser.get(f"{site.path()}/orders")).text
    assert "eturned" in two
    assert "taken back by returns" in two
    assert "eturned" in listed


async def test_a_refusal_is_found_by_the_id_of_its_request(services: Services) -> None:
    site = await Site(services).begin()
    async with services.database.transaction() as tx:
        data = '{"wallet":"points","asked":100,"available":91,"missing":9,"policy_version":1}'
        kept = ("till-7-99", "key:x", b"k", "post", "mbr_1", "insufficient_points", 409, None, data, tx.now)
        store.remember_refusals(tx, [StoredRefusal(*kept)])
    async with site.browsing(Role.OWNER) as browser:
        found = html.unescape((await browser.get("/console/refusals?request_id=till-7-99")).text)
        none = (await browser.get("/console/refusals?request_id=%3Cb%3E")).text
        blank = await browser.get("/console/refusals")
    assert "Only 91 can be spent from “points” now, 100 are asked." in found
    assert "9 more would have been enough." in found
    assert "Decided by policy 1" in found
    assert "No refusal is kept under this id" in none
    assert "<b>" not in none
    assert blank.status_code == 200


async def test_effects_are_true_after_a_return(services: Services) -> None:
    """What paying an order did says how much of it the order no longer counts."""
    site = await Site(services).begin()
    await site.apply(ReturnOrder(order_id="o-1", return_id="r-9", lines=(ReturnLine("1", 1_000),), store_id=STORE))
    async with services.database.transaction() as tx:
        shown = await commerce.OrderDesk(services).read(tx, "o-1")
    earned = {one.type: one.undone for one in shown.effects}
    undone = {one.type: one.points or one.growth for back in shown.returns for one in back.effects}
    lot = earned["points_pending"] if "points_pending" in earned else earned["points_earned"]
    assert lot == undone["points_clawed_back"] > 0
    assert earned["growth_earned"] == undone["growth_reversed"] > 0


async def test_refusals_of_several_under_one_id_are_told_apart(services: Services) -> None:
    """An id is its caller's word: whoever chose the same one later does not stand on top of the first."""
    site = await Site(services).begin()
    async with site.services.database.transaction(actor="test") as tx:
        key, _ = await keys.create_key(tx, label="Till 7", scopes=["ledger:write"])
        till = f"key:{public_id(keys.ID_PREFIX, key.key_id)}"
        for client, asked in (("key:ak_1", 10), (till, 99)):
            data = f'{{"wallet":"points","asked":{asked},"available":1,"missing":9}}'
            kept = ("till-7", client, b"k", "redeem", "mbr_1", "insufficient_points", 409, None, data, tx.now)
            store.remember_refusals(tx, [StoredRefusal(*kept)])
    async with site.services.database.transaction() as tx:
        with pytest.raises(RefusedToSeveral) as refused:
            await refusals.explain_request(tx, "till-7", None)
        first = await refusals.explain_request(tx, "till-7", "key:ak_1")
        assert list(await refusals.explain_each(tx, "till-7")) == [till, "key:ak_1"]
    async with site.browsing(Role.OWNER) as browser:
        last = words((await browser.get("/console/refusals?request_id=till-7")).text)
        named = words((await browser.get("/console/refusals?request_id=till-7&client=key%3Aak_1")).text)

    assert refused.value.data == {"clients": f"{till}, key:ak_1"}
    assert first.reasons[0].values["asked"] == 10
    assert "Several were refused under this id" in last
    assert ("99 are asked" in last, "10 are asked" in last) == (True, False)
    assert "Asked by Key Till 7" in last
    assert till not in last
    assert ("99 are asked" in named, "10 are asked" in named) == (False, True)


async def test_the_refused_rows_of_a_batch_are_found_by_its_request(services: Services) -> None:
    site = await Site(services).begin()
    async with site.services.database.transaction(actor="test") as tx:
        batch = refusals.Batch("accrue_in_batch", "req_night", "key:ak_1", "night")
        refused = [
            UnknownWallet(pointer=f"/accruals/{row}/wallet", wallet=f"w{row}", wallets="points") for row in (2, 7)
        ]
        refusals.keep_rows(tx, batch, [("mbr_1", one) for one in refused])
    async with site.browsing(Role.OWNER) as browser:
        last = words((await browser.get("/console/refusals?request_id=req_night")).text)
        first = await browser.get("/console/refusals?request_id=req_night&row=2")
        none = words((await browser.get("/console/refusals?request_id=req_night&row=3")).text)

    assert "2 rows of the batch were refused Row 2 Row 7" in last
    assert "There is no wallet “w7”" in last
    assert "There is no wallet “w2”" in words(first.text)
    assert 'aria-current="true">Row 2<' in first.text
    assert "No refusal is kept under this id" in none
