"""A form of the console that is sent twice does what it asks for once, and the audit log tells of it once."""

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta

import httpx
import pytest
from msgspec import structs

from regulars.loyalty import api as loyalty
from regulars.loyalty.policy.contracts import AdjustmentPolicy, TransferPolicy
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from tests.web.site import NOW, POLICY, Site
from tests.web.test_console_corrections import MINUTE

pytestmark = pytest.mark.anyio


@pytest.fixture
async def site(services: Services) -> Site:
    """Return the site, where members may give points and corrections above 100 need a second person."""
    made = await Site(services).begin()
    policy = structs.replace(
        POLICY,
        adjustments=AdjustmentPolicy(approve_above=100, answer_days=14),
        transfers=TransferPolicy(among="anyone"),
    )
    async with services.database.transaction(actor="test") as tx:
        await loyalty.activate_policy(tx, policy, NOW + MINUTE)
    made.at(NOW + 2 * MINUTE)
    return made


def key_of(page: httpx.Response, action: str) -> str:
    """Return the key of the form that is sent to an address."""
    form = re.search(rf'action="{re.escape(action)}".*?</form>', page.text, re.DOTALL)
    assert form is not None, action
    found = re.search(r'name="key" value="([0-9a-f]{32})"', form.group())
    assert found is not None, f"the form to {action} has no key"
    return found.group(1)


async def audited(site: Site) -> list[str]:
    """Return which acts of staff the audit log tells of."""
    rows = await site.rows("SELECT action FROM audit_entries WHERE actor LIKE 'staff:%%' ORDER BY entry_id")
    return [str(action) for (action,) in rows]


async def test_each_form_is_carried_out_and_told_once(site: Site) -> None:
    home, wang = site.path(), public_id("mbr", site.visitors.members[0])
    reason = {"reason": "as told by the member"}
    async with site.services.database.transaction() as tx:
        lot = (await loyalty.lots(tx, site.chen, limit=10))[0]
    forms: list[tuple[str, str, str, Mapping[str, str]]] = [
        ("adjust", f"{home}/correct", f"{home}/correct", {"amount": "7", "wallet": "points"} | reason),
        ("ask_adjustment", f"{home}/correct", f"{home}/correct", {"amount": "700", "wallet": "points"} | reason),
        (
            "extend_lot",
            f"{home}/lots/{lot.lot_no}/extend",
            f"{home}/lots/{lot.lot_no}/extend",
            {"last_day": f"{lot.expires_at + timedelta(days=40):%Y-%m-%d}"} | reason,
        ),
        (
            "transfer_points",
            f"{home}/transfers",
            f"{home}/transfers",
            {"member": wang, "amount": "5", "act": "give"} | reason,
        ),
        ("form_household", home, f"{home}/household", {"name": "Chens"} | reason),
        ("ask_export", f"{home}/privacy", f"{home}/privacy/exports", {"purpose": "asked by the member"}),
        ("ask_erasure", f"{home}/privacy", f"{home}/privacy/erase", {"confirmation": "erase"} | reason),
    ]
    key = ""
    async with site.browsing(Role.OWNER) as browser:
        for action, shown, path, given in forms:
            before = await audited(site)
            key = key_of(await browser.get(shown), path)
            data = {**given, "key": key}
            sent = [await browser.post(path, data=data) for _ in range(2)]
            assert [one.status_code for one in sent] == [303, 303], (action, sent[0].text)
            assert sent[0].headers["location"] == sent[1].headers["location"], action
            assert (await audited(site))[len(before) :] == [action]
        other = await browser.post(f"{home}/correct", data={**forms[0][3], "key": key, "amount": "8"})
        again = await browser.post(f"{home}/correct", data={**forms[0][3], "key": key, "amount": "9"})
    assert other.status_code == 303
    assert again.status_code == 422, "another correction under a key that was used is another one"


async def test_a_form_sent_twice_at_once_is_carried_out_once(site: Site) -> None:
    path, name = "/console/policies", {"name": "Gold asks for more", "version": "1"}
    async with site.browsing(Role.OWNER) as browser:
        data = {**name, "key": key_of(await browser.get(path), path)}
        sent = await asyncio.gather(*[browser.post(path, data=data) for _ in range(4)])
    assert {one.status_code for one in sent} == {303}
    assert len({one.headers["location"] for one in sent}) == 1
    ((drafts,),) = await site.rows("SELECT count(*) FROM policy_drafts")
    assert drafts == 1
