"""A member's lots in the console, and letting one run out later."""

import re
from datetime import date

import pytest

from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue
from regulars.platform.auth.staff import service, store
from regulars.platform.auth.staff.contracts import NewAccount
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.ids import new_id
from regulars.platform.services import Services
from tests.web.site import DAY, NOW, Site
from tests.web.test_console_members import words
from tests.web.visitors import STORE, brings

pytestmark = pytest.mark.anyio


@pytest.fixture
async def site(services: Services) -> Site:
    """Return the site, where Chen has 60 points more until the end of the tenth of March."""
    made = await Site(services).begin()
    until = (NOW + 8 * DAY).replace(hour=16)  # midnight in Shanghai
    gift = Accrue(member_id=made.chen, wallet="points", amount=60, reference="gift", reason="gift", expires_at=until)
    async with services.database.transaction(by_keys=True) as tx:
        await loyalty.post(tx, made.rules.configuration, [gift])
    return made


async def lot_of(site: Site, reference: str) -> int:
    ((seq,),) = await site.rows(f"SELECT seq FROM ledger_transfers WHERE reference = '{reference}'")
    assert isinstance(seq, int)
    return seq


def wish(day: object, **more: str) -> dict[str, str]:
    return {"last_day": str(day), "reason": "the shop was closed", "key": new_id().hex} | more


async def test_a_lot_is_extended_once_and_the_member_reads_why(site: Site) -> None:
    lots, number = f"{site.path()}/lots", await lot_of(site, "gift")
    form = wish(date(2026, 5, 31))
    async with site.browsing(Role.CARE) as browser:
        listed = await browser.get(lots)
        page = words((await browser.get(f"{lots}/{number}/extend")).text)
        wrong = [
            await browser.post(f"{lots}/{number}/extend", data=given)
            for given in (wish("2026-03-10"), wish("2029-01-01"), wish("soon"), wish("2026-05-31", reason="x"))
        ]
        assert await site.rows("SELECT count(*) FROM ledger_transfers WHERE kind = 'extend'") == [(0,)]
        done = [await browser.post(f"{lots}/{number}/extend", data=form) for _ in range(2)]
        again = await browser.post(f"{lots}/{number}/extend", data=wish("2026-06-30"))
        after = words((await browser.get(lots)).text)
        statement = words((await browser.get(f"{site.path()}/points")).text)
        unknown = [await browser.get(f"{lots}/{name}/extend") for name in ("999", "x")]

    assert f"/lots/{number}/extend" in listed.text
    assert "Until now it is Mar 10, 2026." in page
    assert [one.status_code for one in wrong] == [422] * 4
    assert [one.status_code for one in done] == [303, 303]
    assert (again.status_code, [one.status_code for one in unknown]) == (409, [404, 404])
    assert "May 31, 2026" in after
    assert "Mar 10, 2026" not in after
    assert "60 points are good until May 31, 2026 now: the shop was closed." in statement
    assert await site.rows("SELECT count(*) FROM ledger_transfers WHERE kind = 'extend'") == [(2,)]
    audited = await site.rows("SELECT DISTINCT reason FROM audit_entries WHERE action = 'extend_lot'")
    assert audited == [("the shop was closed",)]


async def test_the_member_sees_the_new_day_with_its_reason(site: Site) -> None:
    number = await lot_of(site, "gift")
    async with site.browsing(Role.CARE) as browser:
        before = words((await browser.get("/portal/points", headers=brings(await member(site)))).text)
        await browser.post(f"{site.path()}/lots/{number}/extend", data=wish(date(2026, 5, 31)))
        after = words((await browser.get("/portal/points", headers=brings(await member(site)))).text)
    assert ("2026年3月10日" in before, "2026年5月31日" in before) == (True, False)
    assert ("2026年5月31日 60" in after, "2026年3月10日 " in after) == (True, False)
    assert "60 积分有效期延至 2026年5月31日：the shop was closed。" in after


async def member(site: Site) -> dict[str, str]:
    from regulars.members.access.sessions import open_session
    from tests.web.visitors import HERE

    async with site.services.database.transaction() as tx:
        return {"rgl_member": (await open_session(tx, site.chen, HERE, remember=True)).token}


async def test_who_may_not_write_points_looks_on(site: Site) -> None:
    lots, number = f"{site.path()}/lots", await lot_of(site, "gift")
    async with site.browsing(Role.AUDITOR) as browser:
        listed = await browser.get(lots)
        refused = await browser.post(f"{lots}/{number}/extend", data=wish(date(2026, 5, 31)))
    async with site.browsing(Role.STORE_MANAGER) as browser:
        hidden = await browser.get(lots)
    assert (listed.status_code, refused.status_code, hidden.status_code) == (200, 403, 403)
    assert "/extend" not in listed.text


async def test_who_is_bound_to_shops_sees_no_lots_and_the_page_of_one_reads_one(site: Site) -> None:
    """What is left of a lot tells what was paid elsewhere; and who extends one lot does not have all of them read."""
    number = await lot_of(site, "gift")
    async with site.services.database.transaction(actor="test") as tx:
        wish = NewAccount(email="bound@shop.example", name="Bound", roles=(Role.CARE, Role.FINANCE), stores=(STORE,))
        bound = (await service.invite(tx, wish)).account
        tx.write(store.UPDATE_SECRETS, ("no hash", None, "a test", bound.staff_id))
        one = await loyalty.lot(tx, site.chen, number)
        every = {each.lot_no: each for each in await loyalty.lots(tx, site.chen, spent=True)}
        assert (one, await loyalty.lot(tx, site.chen, 999)) == (every[number], None)
    async with site.browsing(Role.CARE) as browser:
        browser.cookies.update(await site.visitors.staff(bound))
        refused = [await browser.get(f"{site.path()}/lots{path}") for path in ("", f"/{number}/extend")]
        member = (await browser.get(f"{site.path()}/why")).text
    assert [answer.status_code for answer in refused] == [403, 403]
    assert not re.search(r"[\d,]+ of [\d,]+", member.partition('id="lots"')[2])
