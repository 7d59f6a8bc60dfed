"""The brand's door, the demo's sign-ins on it, and the first steps of everybody who comes in."""

import re

import httpx
import pytest

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import web
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from regulars.web.kit.demo import Demo, DemoMember, DemoStaff
from tests.web.conftest import BROWSER
from tests.web.site import Site
from tests.web.visitors import STORE, brings

pytestmark = pytest.mark.anyio

PASSWORD = "p5sr-pppq-vr7s-ammy"


@pytest.fixture
async def site(services: Services) -> Site:
    return await Site(services).begin()


@pytest.fixture
async def demo(services: Services, site: Site) -> httpx.AsyncClient:
    """Return a browser that looks at the programme as if it were the demo's."""
    known = Demo(
        password=PASSWORD,
        staff=tuple(DemoStaff(f"{role.value}@shop.example", role.value, "Helen Ward") for role in Role),
        members=(DemoMember("chen@home.example", "Chen Siyuan", "silver"),),
        store_id=STORE,
        member_id=public_id("mbr", site.chen),
        order_id="o-1",
        returned_order_id="o-2",
        near_miss="chen@home.example",
    )
    transport = httpx.ASGITransport(app=create_app(services, web(services, known)))
    return httpx.AsyncClient(transport=transport, base_url="http://shop.example", headers=BROWSER)


async def test_the_door_leads_members_staff_and_shops_in(browser: httpx.AsyncClient, site: Site) -> None:
    page = (await browser.get("/")).text
    inside = await browser.get("/", headers=brings(await site.visitors.member()))

    for way in ("/portal/sign-in", "/console", "/store", "/manifest.webmanifest", "/apple-touch-icon.png"):
        assert f'href="{way}"' in page
    assert "demo" not in page.lower()
    assert (inside.status_code, inside.headers["location"]) == (303, "/portal")


async def test_the_door_of_a_demo_lists_who_may_come_in(demo: httpx.AsyncClient) -> None:
    page = (await demo.get("/")).text

    assert PASSWORD in page
    assert len(re.findall(r'action="/console/sign-in"', page)) == len(Role)
    assert "Chen Siyuan" in page
    assert "Silver" in page


async def test_a_browser_becomes_a_till_in_a_demo_only(demo: httpx.AsyncClient, browser: httpx.AsyncClient) -> None:
    for _ in range(2):
        answer = await demo.post("/demo/till")
        assert (answer.status_code, answer.headers["location"]) == (303, "/store")
        assert "rgl_device=" in answer.headers["set-cookie"]
    assert "Try this" in (await demo.get("/store")).text
    hidden = await demo.post("/preferences/guide", data={"hide": "store", "next": "/store"})
    assert hidden.headers["location"] == "/store"
    assert "Try this" not in (await demo.get("/store")).text

    assert (await browser.post("/demo/till")).status_code == 404


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_finds_something_to_try_that_is_there(demo: httpx.AsyncClient, site: Site, role: Role) -> None:
    cookies = await site.visitors.staff(role) | await site.visitors.device()
    page = (await demo.get("/console/welcome", headers=brings(cookies))).text
    ways = re.findall(r'<h2[^>]*><a [^>]*href="([^"]+)"', page)

    assert 3 <= len(ways) <= 6
    for way in ways:
        assert (await demo.get(way, headers=brings(cookies))).status_code == 200, way


async def test_who_may_not_see_the_overview_is_led_to_the_first_steps(demo: httpx.AsyncClient, site: Site) -> None:
    assistant = brings(await site.visitors.staff(Role.ASSISTANT))
    refused = await demo.get("/console", headers=assistant)

    assert refused.status_code == 403
    assert 'href="/console/welcome"' in refused.text
    assert "from now on" not in (await demo.get("/console/welcome", headers=assistant)).text
    owner = await demo.get("/console/welcome", headers=brings(await site.visitors.staff(Role.OWNER)))
    assert "Begin with the overview from now on" in owner.text


async def test_hidden_first_steps_stay_hidden_each_for_its_face(browser: httpx.AsyncClient) -> None:
    for face in ("console", "portal", "nonsense"):
        await browser.post("/preferences/guide", data={"hide": face, "next": "//evil.example"})

    assert browser.cookies["rgl_guide_off"] == "console.portal"
    signed = await browser.get("/console/sign-in")
    assert signed.status_code == 200


async def test_the_icon_of_a_home_screen_is_a_picture_of_the_brand(browser: httpx.AsyncClient) -> None:
    icon = await browser.get("/apple-touch-icon.png")
    manifest = (await browser.get("/manifest.webmanifest")).json()

    assert icon.headers["content-type"] == "image/png"
    assert icon.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(icon.content[16:20]), int.from_bytes(icon.content[20:24])) == (180, 180)
    assert "/apple-touch-icon.png" in [one["src"] for one in manifest["icons"]]
