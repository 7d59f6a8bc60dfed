"""What staff and the member see once the member is erased: a number with its books, and nothing to sign in to."""

from collections.abc import Sequence
from uuid import UUID

import httpx
import pytest

from regulars.entrypoints.http import create_app
from regulars.entrypoints.privacy import PARTS
from regulars.entrypoints.wiring import web
from regulars.members.access.sessions import open_session
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from tests.members.erasing import erase
from tests.web.site import PAGE, Site
from tests.web.visitors import HERE

pytestmark = pytest.mark.anyio

SECRETS: Sequence[str] = ("陈思远", "思远", "13800138000", "138****8000", "chen@home.example")


@pytest.fixture
async def site(services: Services) -> Site:
    return await Site(services).begin()


async def signed_in(site: Site, member_id: UUID) -> dict[str, str]:
    async with site.services.database.transaction() as tx:
        return {"rgl_member": (await open_session(tx, member_id, HERE, remember=True)).token}


@pytest.mark.parametrize("role", [Role.CARE, Role.AUDITOR])
async def test_every_page_of_an_erased_member_opens_and_tells_nothing_personal(site: Site, role: Role) -> None:
    await erase(site.services.database, site.services.vault, site.chen, PARTS)

    async with site.browsing(role) as browser:
        answers = [await browser.get(site.path() + tab) for tab in ("", "/points", "/orders", "/timeline", "/privacy")]
        answers += [await browser.get("/console/members"), await browser.get("/console/orders/o-1")]
        if role is Role.CARE:
            await browser.post(f"{site.path()}/reveal", data={"purpose": "looking for what is left"})
            answers.append(await browser.get(site.path()))
        found = await browser.get("/console/members", params={"q": "138 0013 8000"})

    assert [answer.status_code for answer in answers] == [200] * len(answers)
    assert [secret for answer in answers for secret in SECRETS if secret in answer.text] == []
    assert public_id("mbr", site.chen) not in found.text
    assert "500" in answers[0].text  # the welcome gift is still in the books


async def test_the_member_is_signed_out_everywhere(site: Site) -> None:
    cookies = await signed_in(site, site.chen)
    app = create_app(site.services, web(site.services))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://shop.example", headers=PAGE, cookies=cookies
    ) as browser:
        assert (await browser.get("/portal")).status_code == 200

        await erase(site.services.database, site.services.vault, site.chen, PARTS)

        after = await browser.get("/portal")
    assert (after.status_code, after.headers["location"].partition("?")[0]) == (303, "/portal/sign-in")
