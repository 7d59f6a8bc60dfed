"""Households in the console: formed from a member's page, changed with a reason, dissolved by a word; who may."""

import re

import pytest

from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, Member, SignUp
from regulars.members.contracts.households import FormHousehold
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.ids import new_id, public_id
from regulars.platform.services import Services
from tests.web.site import Site
from tests.web.test_console_members import words
from tests.web.visitors import OTHER_STORE, STORE

pytestmark = pytest.mark.anyio
WHY = "told us at the counter"


@pytest.fixture
async def site(services: Services) -> Site:
    return await Site(services).begin()


async def home_of(site: Site) -> str:
    ((household_id,),) = await site.rows("SELECT household_id FROM households")
    return f"/console/households/hhd_{household_id.hex}"  # type: ignore[attr-defined] # a UUID


async def test_a_household_is_formed_changed_and_dissolved(site: Site) -> None:
    member = site.path()
    async with site.browsing(Role.CARE) as browser:
        before = words((await browser.get(member)).text)
        short = await browser.post(f"{member}/household", data={"reason": "x"})
        formed = await browser.post(f"{member}/household", data={"reason": WHY, "name": "Chens"})
        home = await home_of(site)
        twice = await browser.post(f"{member}/household", data={"reason": WHY})
        page = words((await browser.get(home)).text)
        nobody = await browser.post(f"{home}/members", data={"member": "nobody@home.example", "reason": WHY})
        again = await browser.post(f"{home}/members", data={"member": "chen@home.example", "reason": WHY})
        renamed = await browser.post(f"{home}/name", data={"name": "  ", "reason": WHY})
        wrong = await browser.post(f"{home}/dissolve", data={"reason": WHY, "confirmation": "no"})
        gone = await browser.post(f"{home}/dissolve", data={"reason": WHY, "confirmation": "dissolve"})
        after = words((await browser.get(home)).text)
        listed = words((await browser.get("/console/households")).text)
        of_member = words((await browser.get(member)).text)

    assert "This member lives in no household." in before
    assert [one.status_code for one in (short, formed, twice, again, renamed, gone)] == [303] * 6
    assert [one.status_code for one in (nobody, wrong)] == [422, 422]
    assert "Nobody is found by this." in words(nobody.text)
    assert "C**" in page
    assert "Chens" not in page
    assert "mbr_…" not in after  # whoever moved in and out is called by the masked name there, too
    assert re.search(r"\S\*+ came", after), after
    assert "to spend" in page
    assert "Nobody lives here any more." in after
    assert "The household was dissolved" in after
    assert "Dissolved" in listed
    assert "Moved out" in of_member
    assert await site.rows(
        "SELECT action, reason FROM audit_entries WHERE action LIKE '%%household' ORDER BY entry_id"
    ) == [(action, WHY) for action in ("form_household", "join_household", "rename_household", "dissolve_household")]
    assert await site.rows("SELECT DISTINCT actor LIKE 'staff:%%' FROM household_changes") == [(True,)]


async def test_who_is_bound_to_a_shop_sees_the_households_of_its_members(site: Site) -> None:
    services, paths = site.services, []
    async with services.database.transaction(actor="test") as tx:
        for number, shop in enumerate((OTHER_STORE, STORE)):
            wish = SignUp(
                market="CN",
                identities=(IdentityValue(IdentityKind.EMAIL, f"of{number}@home.example"),),
                channel="store",
                store_id=shop,
            )
            (made,) = await members.sign_up(tx, services.vault, [wish])
            assert isinstance(made, Member)
            home = FormHousehold(household_id=new_id(), head_id=made.member_id, actor="test", reason=WHY)
            await members.households.form_household(tx, services.vault, 8, home)
            paths.append(f"/console/households/{public_id('hhd', home.household_id)}")
    elsewhere, own = paths
    async with site.browsing(Role.STORE_MANAGER) as browser:
        listed = (await browser.get("/console/households")).text
        seen = [(await browser.get(one)).status_code for one in paths]
    async with site.browsing(Role.CARE) as browser:
        everywhere = (await browser.get("/console/households")).text

    assert (own in listed, elsewhere in listed, seen) == (True, False, [404, 200])
    assert own in everywhere
    assert elsewhere in everywhere


async def test_who_may_only_look_finds_no_button(site: Site) -> None:
    async with site.browsing(Role.CARE) as browser:
        await browser.post(f"{site.path()}/household", data={"reason": WHY})
        home = await home_of(site)
        of_care = (await browser.get(home)).text
    async with site.browsing(Role.MARKETER) as browser:
        seen = (await browser.get(home)).text
        refused = await browser.post(f"{home}/dissolve", data={"reason": WHY, "confirmation": "dissolve"})
    assert ('data-opens="dissolve_household"' in of_care, 'data-opens="dissolve_household"' in seen) == (True, False)
    assert refused.status_code == 403


async def test_ids_of_nobody_lead_nowhere(site: Site) -> None:
    async with site.browsing(Role.CARE) as browser:
        found = [
            (await browser.get(f"/console/households/{name}")).status_code for name in ("hhd_" + "0" * 32, "x", "mbr_1")
        ]
    assert found == [404] * 3
