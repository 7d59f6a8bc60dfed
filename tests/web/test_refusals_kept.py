"""What a page refused can be asked after: by who was refused, by whoever may see all, and by nobody else."""

import html
import re
from typing import Any

import httpx
import pytest

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import web
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.commit import refusals
from regulars.platform.commit.errors import RefusalNotKept
from regulars.platform.ids import new_id, public_id
from regulars.platform.services import Services
from tests.web.site import PAGE, Site
from tests.web.visitors import brings

pytestmark = pytest.mark.anyio
KEPT = "SELECT action, client, subject, code, status FROM refusals ORDER BY refusal_no"


@pytest.fixture
async def site(services: Services) -> Site:
    return await Site(services).begin()


def too_much(**more: str) -> dict[str, Any]:
    return {"amount": "-9000", "reason": "counted anew", "wallet": "points", "key": new_id().hex} | more


async def test_who_was_refused_finds_why_and_nobody_elses(site: Site) -> None:
    async with site.browsing(Role.CARE) as care, site.browsing(Role.STORE_MANAGER) as other:
        refused = await care.post(f"{site.path()}/correct", data=too_much())
        named = refused.headers["x-request-id"]
        own = html.unescape((await care.get(f"/console/refusals?request_id={named}")).text)
        not_theirs = html.unescape((await other.get(f"/console/refusals?request_id={named}")).text)
    async with site.browsing(Role.OWNER) as owner:
        seen = html.unescape((await owner.get(f"/console/refusals?request_id={named}")).text)
    account = site.visitors.accounts[Role.CARE]
    async with site.services.database.transaction() as tx:
        told = await refusals.explain_request(tx, named, None)
        with pytest.raises(RefusalNotKept):
            await refusals.explain_request(tx, named, "key:ak_1")

    assert refused.status_code == 409
    assert named in refused.text, "the page shows by what to ask"
    for page in (own, seen):
        assert "Only 1,525 can be spent from “points” now, 9,000 are asked." in page
        assert "POST /console/members/{member_id}/correct" in page
    assert "9,000" not in not_theirs
    assert "No refusal is kept under this id" in not_theirs
    assert told.reasons[0].values["asked"] == 9_000
    assert await site.rows(KEPT) == [
        (
            "POST /console/members/{member_id}/correct",
            f"staff:{public_id('stf', account.staff_id)}",
            public_id("mbr", site.chen),
            "insufficient_points",
            409,
        )
    ]


async def test_what_members_and_tills_are_refused_is_kept_as_theirs(site: Site) -> None:
    services, kit = site.services, web(site.services)
    member, device = await site.visitors.member(), await site.visitors.device()
    transport = httpx.ASGITransport(app=create_app(services, kit))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example", headers=PAGE) as browser:
        wording = {"purpose": "marketing", "channel": "sms", "on": "true", "wording_version": "of-another-time"}
        switched = await browser.post("/portal/consents", data=wording, headers=brings(member))
        let_out = await browser.post(
            "/store/register", data={"value": "13900139000", "form": "of-another-till"}, headers=brings(device)
        )
        nobody = await browser.post("/portal/sign-in", data={"value": "no address at all"})
        looked = await browser.get("/store/till?member=of-another-till", headers=brings(device))

    assert (switched.status_code, let_out.status_code, nobody.status_code) == (303, 409, 422)
    assert let_out.headers["x-request-id"] in let_out.text
    assert looked.status_code in {200, 409}
    kept = await site.rows(KEPT)
    own = public_id("mbr", site.visitors.members[0])
    assert [row[:4] for row in kept] == [
        ("POST /portal/consents", f"member:{own}", own, "wording_unknown"),
        ("POST /store/register", kept[1][1], "", "till_began_anew"),
    ]
    assert str(kept[1][1]).startswith("device:dev_")


async def test_what_is_kept_holds_nothing_that_was_typed(site: Site) -> None:
    """Addresses of links are secrets, and forms hold names: neither goes along."""
    device = await site.visitors.device()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=create_app(site.services, web(site.services))),
        base_url="http://shop.example",
        headers=PAGE | brings(device),
    ) as till:
        begun = await till.get("/store/register")
        form = html.unescape(begun.text.partition('name="form" value="')[2].partition('"')[0])
        walk_in = {"value": "138 0013 8000", "name": "陈思远", "by": "phone", "form": form}
        taken = await till.post("/store/register", data=walk_in)
    assert taken.status_code == 409
    ((everything,),) = await site.rows("SELECT string_agg(refusals::text, ' ') FROM refusals")
    assert "POST /store/register" in str(everything)
    assert form not in str(everything)
    made_up = r"[0-9a-f]{24,}|\d\d:\d\d:\d\d\.\d+"  # ids, hashes and instants hold any three digits now and then
    for typed in ("138", "陈"):
        assert typed not in re.sub(made_up, "", str(everything))


async def test_a_refusal_that_cannot_be_kept_is_told_all_the_same(site: Site) -> None:
    async with site.services.database.transaction() as tx:
        tx.write("ALTER TABLE refusals RENAME TO refusals_away")
    try:
        async with site.browsing(Role.CARE) as care:
            refused = await care.post(f"{site.path()}/correct", data=too_much())
    finally:
        async with site.services.database.transaction() as tx:
            tx.write("ALTER TABLE refusals_away RENAME TO refusals")
    assert refused.status_code == 409
    assert "Only 1,525 can be spent" in html.unescape(refused.text)
