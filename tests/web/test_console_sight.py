"""Somebody bound to a shop opens a member who buys elsewhere too: balances and tier, nothing of the other orders."""

import re

import httpx
import pytest

from regulars.entrypoints.privacy import PARTS
from regulars.members import api as members
from regulars.members.contracts.privacy import EXPORT_PREFIX, AskExport
from regulars.platform.auth.staff import service, store
from regulars.platform.auth.staff.contracts import NewAccount
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from tests.web.site import DAY, NOW, Site
from tests.web.test_console_finance import work
from tests.web.test_console_members import words
from tests.web.test_console_policies import POLICIES, begun, fields
from tests.web.visitors import OTHER_STORE, STORE

pytestmark = pytest.mark.anyio

# Whatever would tell of the orders o-2, o-3 and o-6: their ids, a return's, what was left of one, what paid for one.
OF_OTHERS = re.compile(r"\bo-[236]\b|\br-1\b|525\.00|\b321\b|\b3\.21\b|Wudaokou")


@pytest.fixture
async def site(services: Services) -> Site:
    """Chen bought at the store (o-1, o-4), at another one (o-2, partly returned) and online (o-3).

    At the other store points of o-1 paid for o-6.
    """
    made = await Site(services).begin()
    await made.apply(made.order("o-6", 50_000, at=NOW - DAY, store_id=OTHER_STORE, points=321))
    return made


async def bound(site: Site, role: Role) -> None:
    """Let a role of the office, which may take files out of the house, be bound to the store."""
    async with site.services.database.transaction(actor="test") as tx:
        wish = NewAccount(email="m2@shop.example", name="M", roles=(role,), stores=(STORE,))
        account = (await service.invite(tx, wish)).account
        tx.write(store.UPDATE_SECRETS, ("no hash", None, "a test", account.staff_id))
    site.visitors.accounts[role] = account


async def everything(site: Site, browser: httpx.AsyncClient) -> dict[str, str]:
    """Return every page on which a member's orders may be named, as text."""
    base = site.path()
    paths = (
        base,
        f"{base}/points",
        f"{base}/points?wallet=growth",
        f"{base}/orders",
        f"{base}/timeline",
        f"{base}/why",
    )
    pages = {path: (await browser.get(path)).text for path in (*paths, "/console/orders/o-1", "/console/orders/o-4")}
    return {path: words(text) + " ".join(re.findall(r'href="([^"]*)"', text)) for path, text in pages.items()}


async def test_a_manager_is_told_that_there_are_other_orders_and_nothing_more(site: Site) -> None:
    async with site.browsing(Role.STORE_MANAGER) as browser:
        bound = await everything(site, browser)
    async with site.browsing(Role.OWNER) as browser:
        free = await everything(site, browser)

    assert {path: OF_OTHERS.findall(text) for path, text in bound.items()} == {path: [] for path in bound}
    assert all(OF_OTHERS.search(text) for path, text in free.items() if path != "/console/orders/o-4")
    base = site.path()
    for path in (base, f"{base}/points", f"{base}/timeline", f"{base}/why", "/console/orders/o-1"):
        assert "An order in another store" in bound[path], path
        assert "An order in another store" not in free[path], path
    assert "Points that can be spent" in bound[site.path()]
    assert "Silver" in bound[site.path()]
    assert "Order o-1 earned" in bound[f"{site.path()}/points"]


async def test_what_stands_after_a_line_does_not_tell_the_amounts_between(site: Site) -> None:
    async with site.browsing(Role.STORE_MANAGER) as browser:
        page = words((await browser.get(f"{site.path()}/points")).text)
        asked = words((await browser.get(f"{site.path()}/points?columns=at&columns=balance&columns=amount")).text)

    assert "Balance after" not in page + asked


async def test_files_and_cursors_tell_no_more_than_pages(site: Site) -> None:
    await bound(site, Role.MARKETER)
    async with site.browsing(Role.MARKETER) as browser:
        statement = (await browser.get(f"{site.path()}/points?format=csv")).text
        orders = (await browser.get(f"{site.path()}/orders?format=csv")).text
    async with site.browsing(Role.OWNER) as browser:
        all_of_it = (await browser.get(f"{site.path()}/points?format=csv")).text

    assert OF_OTHERS.findall(statement + orders) == []
    assert OF_OTHERS.search(all_of_it)
    assert statement.count("An order in another store") > 3
    assert [line.partition(",")[0] for line in orders.split()[1:] if line.startswith("o-")] == ["o-4", "o-1"]
    assert len(statement.splitlines()) == len(all_of_it.splitlines())


async def test_real_ids_of_other_stores_orders_lead_nowhere(site: Site) -> None:
    async with site.browsing(Role.STORE_MANAGER) as browser:
        answers = [
            (await browser.get(f"/console/orders/{order}{more}")).status_code
            for order in ("o-2", "o-3", "o-6")
            for more in ("", "/return")
        ]
        found = (await browser.get("/console/orders", params={"q": "o-"})).text
        palette = (await browser.get("/console/palette", params={"q": "o-6"})).text

    assert answers == [404] * 6
    assert OF_OTHERS.findall(words(found)) == []
    assert "/console/orders/o-6" not in palette


async def test_the_reason_of_a_tier_names_no_order_of_another_store(site: Site) -> None:
    """Fang reaches Silver by an order of the other store."""
    fang = await site.member("139 0013 8001", "fang@home.example", at=NOW - 30 * DAY)
    await site.apply(site.order("o-7", 150_000, at=NOW - DAY, store_id=OTHER_STORE, member_id=fang))
    pages = []
    for role in (Role.STORE_MANAGER, Role.OWNER):
        async with site.browsing(role) as browser:
            pages.append(words((await browser.get(site.path(fang))).text))

    assert re.search(r"An order in another store decided the tier on Mar \d, 2026\.", pages[0]), pages[0]
    assert "o-7" not in pages[0]
    assert "Order o-7 on" in pages[1]


async def test_it_is_said_in_chinese(site: Site) -> None:
    async with site.browsing(Role.STORE_MANAGER, language="zh") as browser:
        page = (await browser.get(f"{site.path()}/points")).text

    assert "其他门店的订单" in page


async def test_phone_numbers_cannot_be_tried_one_after_another(site: Site) -> None:
    """The owner sees every member in the list anyway; somebody bound to a shop would learn who is a member."""
    async with site.browsing(Role.STORE_MANAGER) as browser:
        found = words((await browser.get("/console/members", params={"q": "138 0013 8000"})).text)
        tried = [
            words((await browser.get("/console/members", params={"q": f"139 0013 {number}"})).text)
            for number in range(8000, 8062)
        ]
        after = words((await browser.get("/console/members", params={"q": "138 0013 8000"})).text)
        palette = (await browser.get("/console/palette", params={"q": "13800138000"})).text
        by_id = words((await browser.get("/console/members", params={"q": public_id("mbr", site.chen)})).text)
    async with site.browsing(Role.OWNER) as browser:
        free = words((await browser.get("/console/members", params={"q": "138 0013 8000"})).text)
    noted = await site.rows(
        "SELECT actor LIKE 'staff:%%', subject, detail FROM audit_entries WHERE action = 'search_member'"
        " ORDER BY entry_id LIMIT 2"
    )

    assert "1 row" in found
    assert "Nothing matches." in tried[0]
    assert "Too many attempts. Wait" in tried[-1]
    assert "Too many attempts. Wait" in after, "not even who is a member"
    assert "mbr_" not in palette
    assert "1 row" in by_id
    assert "1 row" in free
    assert noted == [(True, public_id("mbr", site.chen), "1 found"), (True, "nobody", "0 found")]


async def test_what_is_still_being_typed_is_not_counted(site: Site) -> None:
    typed = "13800138000"
    async with site.browsing(Role.STORE_MANAGER) as browser:
        for _ in range(8):
            shown = [
                (await browser.get("/console/palette", params={"q": typed[:length]})).text
                for length in range(2, len(typed) + 1)
            ]
            assert ["mbr_" in text for text in shown] == [*[False] * 9, True]


async def test_care_bound_to_a_store_takes_no_file_of_everything(site: Site) -> None:
    await bound(site, Role.CARE)
    async with site.services.database.transaction() as tx:
        export = await members.ask_export(tx, AskExport(member_id=site.chen, actor="test"))
    await members.gather_waiting(site.services.database, site.services.vault, PARTS)
    path = f"{site.path()}/privacy/exports"
    async with site.browsing(Role.CARE) as browser:
        page = await browser.get(f"{site.path()}/privacy")
        asked = await browser.post(path, data={"purpose": "ticket 4711"})
        taken = await browser.post(
            f"{path}/{public_id(EXPORT_PREFIX, export.export_id)}", data={"purpose": "ticket 4711", "form": "json"}
        )

    assert page.status_code == 200
    assert "Gather everything" not in page.text
    assert (asked.status_code, taken.status_code) == (403, 403)


@pytest.mark.parametrize("role", [Role.MARKETER, Role.FINANCE])
async def test_who_is_bound_to_a_store_changes_no_policy_of_the_whole(site: Site, role: Role) -> None:
    await bound(site, role)
    async with site.browsing(role) as browser:
        page = await browser.get(POLICIES)
        answer = await browser.post(POLICIES, data={"name": "mine", "version": ""})

    assert page.status_code == 200
    assert answer.status_code == 403


async def test_nobody_of_a_store_is_told_which_members_of_all_stores_a_policy_touches(site: Site) -> None:
    async with site.browsing(Role.MARKETER) as browser:
        draft = await begun(browser)
        sent = fields((await browser.get(draft)).text) | {"tier.tiers.2.threshold": "1100", "act": "save"}
        assert (await browser.post(draft, data=sent)).status_code == 303
        asked = await browser.post(f"{POLICIES}/previews", data={"draft": draft.rpartition("/")[2], "at": ""})
        preview = asked.headers["location"]
        await work(site)
        whole = [(await browser.get(preview)).text, (await browser.get(f"{preview}?format=csv")).text]
    async with site.browsing(Role.STORE_MANAGER) as browser:
        shown = await browser.get(preview)
    await bound(site, Role.MARKETER)
    async with site.browsing(Role.MARKETER) as browser:
        file = await browser.get(f"{preview}?format=csv")

    assert public_id("mbr", site.chen) in whole[0]
    assert shown.status_code == 200
    assert re.findall(r"mbr_[0-9a-f]{32}", shown.text + file.text) == []
    assert (len(whole[1].splitlines()), len(file.text.splitlines())) == (2, 1)
