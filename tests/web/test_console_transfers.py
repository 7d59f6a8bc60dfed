"""Transfers in the console: tried out, given once, listed on both sides, taken back with what would be owed shown."""

from uuid import UUID

import pytest
from msgspec.structs import replace

from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue, Redeem
from regulars.loyalty.policy.contracts import TransferPolicy
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.ids import new_id
from regulars.platform.services import Services
from tests.commerce.shop import POLICY
from tests.web.site import DAY, NOW, Site
from tests.web.test_console_members import words

pytestmark = pytest.mark.anyio
WHY = "a birthday present"


@pytest.fixture
async def site(services: Services) -> Site:
    """Return the site, where members may give up to 300 points at once to anybody; Chen has 500."""
    made = await Site(services).begin()
    async with services.database.transaction() as tx:
        await loyalty.activate_policy(
            tx, replace(POLICY, transfers=TransferPolicy(among="anyone", largest=300)), tx.now
        )
    gift = Accrue(member_id=made.chen, wallet="points", amount=500, reference="gift", reason="gift")
    async with services.database.transaction(by_keys=True) as tx:
        await loyalty.post(tx, made.rules.configuration, [gift])
    return made


async def friend(site: Site) -> UUID:
    return await site.member("139 8765 4321", "xiaoli@home.example", at=NOW - 30 * DAY)


def wish(act: str, **more: str) -> dict[str, str]:
    return {"member": "xiaoli@home.example", "amount": "200", "reason": WHY, "key": new_id().hex, "act": act} | more


async def test_points_are_tried_out_given_once_and_taken_back(site: Site) -> None:
    li, pages = await friend(site), f"{site.path()}/transfers"
    form = wish("give")
    async with site.browsing(Role.OWNER) as browser:
        before = words((await browser.get(pages)).text)
        looked = await browser.post(pages, data=wish("look"))
        assert await site.rows("SELECT count(*) FROM point_transfers") == [(0,)]
        wrong = [
            await browser.post(pages, data=given)
            for given in (
                wish("give", amount="301"),
                wish("give", member="nobody@home.example"),
                wish("give", member="chen@home.example"),
                wish("give", reason="x"),
            )
        ]
        done = [await browser.post(pages, data=form) for _ in range(2)]
        async with site.browsing(Role.FINANCE, language="zh") as other:
            chinese = words((await other.get(pages)).text)
        mine, theirs = [words((await browser.get(f"{site.path(one)}/transfers")).text) for one in (site.chen, li)]
        ((transfer_id,),) = await site.rows("SELECT transfer_id FROM point_transfers WHERE side = 'given'")
        async with site.services.database.transaction(by_keys=True) as tx:
            spent = Redeem(member_id=li, wallet="points", amount=150, reference="shop")
            await loyalty.post(tx, site.rules.configuration, [spent])
        back = f"{pages}/ptr_{transfer_id.hex}"  # type: ignore[attr-defined] # a UUID
        shown = words((await browser.get(back)).text)
        short = await browser.post(back, data={"reason": "x"})
        taken = await browser.post(back, data={"reason": "by mistake"})
        again = await browser.post(back, data={"reason": "by mistake"})
        after = words((await browser.get(pages)).text)

    assert "No points went from or to another member." in before
    assert "200 points would go over." in words(looked.text)
    assert [one.status_code for one in wrong] == [422, 422, 422, 422]
    assert "At most 300 points can be given at once, 301 are asked." in words(wrong[0].text)
    assert [one.status_code for one in done] == [303, 303]
    assert await site.rows("SELECT count(*) FROM point_transfers WHERE side = 'given'") == [(1,)]
    assert ("Gave" in mine, "Got" in theirs) == (True, True)
    assert "Spent meanwhile, will be owed 150" in shown
    assert (short.status_code, taken.status_code, again.status_code) == (422, 303, 409)
    assert ("撤销…" in chinese, "Reversed" in after) == (True, True)
    audited = await site.rows(
        "SELECT action, reason FROM audit_entries WHERE action LIKE '%%transfer%%' ORDER BY entry_id"
    )
    assert audited[-1] == ("reverse_transfer", "by mistake")
    assert audited[0] == ("transfer_points", WHY)


async def test_given_is_what_was_tried_out(site: Site) -> None:
    """Somebody else or another amount is tried out again, whatever was pressed."""
    li, pages = await friend(site), f"{site.path()}/transfers"
    async with site.browsing(Role.OWNER) as browser:
        looked = (await browser.post(pages, data=wish("look"))).text
        seen = looked.partition('name="seen" value="')[2].partition('"')[0]
        other = await browser.post(pages, data=wish("give", seen=seen, amount="20"))
        assert await site.rows("SELECT count(*) FROM point_transfers") == [(0,)]
        done = await browser.post(pages, data=wish("give", seen=seen))
    assert seen == f"{li.hex}:200"
    assert "20 points would go over." in words(other.text)
    assert f'name="seen" value="{li.hex}:20"' in other.text
    assert done.status_code == 303
    assert await site.rows("SELECT amount FROM point_transfers WHERE side = 'given'") == [(200,)]


async def test_where_the_policy_knows_none_the_page_says_so(services: Services) -> None:
    site = await Site(services).begin()
    async with site.browsing(Role.CARE) as browser:
        page = words((await browser.get(f"{site.path()}/transfers")).text)
        unknown = await browser.get(f"{site.path()}/transfers/ptr_{32 * '0'}")
    assert "The policy in force does not let members give points to each other." in page
    assert unknown.status_code == 403  # taking back is for who approves corrections
