"""Who is signed in sees what their roles allow, in their own language."""

from typing import Any

import httpx
import pytest
from litestar import Request, Response, get

from regulars.entrypoints.http import create_app
from regulars.entrypoints.sessions import SignedIn
from regulars.entrypoints.wiring import Web
from regulars.platform.auth.contracts import Browser
from regulars.platform.auth.staff.contracts import NewAccount, Opened
from regulars.platform.auth.staff.hashing import PasswordHashing
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.auth.staff.service import add_demo_account
from regulars.platform.services import Services
from regulars.web.kit.gallery import PEOPLE
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Column, Listing, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.palette import Hit, Provider
from regulars.web.kit.routes import page_router
from regulars.web.kit.viewers import Viewer, ViewerKind, viewer_of
from tests.web.conftest import BROWSER

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery"
STOCK = Listing(name="stock", columns=(Column("sku", "Number", lambda row: row),))


@pytest.mark.parametrize("path", ["/store\r\nX-Evil: 1", "/store\n", "/store\0", "/store/\N{DEGREE SIGN}"])
def test_a_browser_is_sent_to_an_address_and_nothing_else(services: Services, path: str) -> None:
    with pytest.raises(ValueError, match="no address has"):
        Kit(services, SignedIn(services)).see(path)


def counting_house(kit: Kit) -> Pages:
    """A room for this test: a page for those who read members, another for care, and a listing."""

    async def rows(_: Wanted) -> Slice:
        return Slice(["kettle"], total=1)

    @get("/console/one", guards=[kit.guards.staff("members:read")])
    async def one(request: Request[Any, Any, Any]) -> Response[bytes]:
        return kit.render(request, "kit/gallery/charts.html", charts=[])

    @get("/console/two", guards=[kit.guards.staff("members:read", "messages:write")])
    async def two(request: Request[Any, Any, Any]) -> Response[bytes]:
        return Response(viewer_of(request).name.encode())

    @get("/console/stock", guards=[kit.guards.staff("stores:read")])
    async def stock(request: Request[Any, Any, Any]) -> Response[Any]:
        return await kit.listing(request, "kit/gallery/listing.html", STOCK, rows)

    async def find(text: str, viewer: Viewer) -> list[Hit]:
        return [Hit(f"{text} for {viewer.name}", PEOPLE.empty, "/console/two", "coins")]

    entries = (
        Entry("/console/one", "Members", icon="table", permission="members:read"),
        Entry("/console/two", "Points", icon="coins", permission="messages:write"),
    )
    return Pages(
        ViewerKind.STAFF,
        [one, two, stock],
        navigation=[Group("", entries)],
        providers=[Provider("messages:write", find)],
    )


async def signed_in(services: Services, *roles: Role, language: str = "en") -> httpx.AsyncClient:
    """Return a browser in which somebody with these roles is signed in."""
    email = f"{roles[0].value}@shop.example"
    wish = NewAccount(email=email, name="Mei", roles=roles, language=language)
    async with services.database.transaction(actor="cli") as tx:
        await add_demo_account(tx, wish, await services.staff.hashing.hash(PASSWORD))
    opened = await services.staff.with_password(email, PASSWORD, Browser(address="192.0.2.7"))
    assert isinstance(opened, Opened)
    kit = Kit(services, SignedIn(services))
    application = create_app(services, Web([page_router(kit, kit.take(counting_house(kit)))], [], kit))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=application),
        base_url="http://shop.example",
        headers=BROWSER,
        cookies={"rgl_staff": opened.token},
    )


@pytest.fixture(autouse=True)
def cheap_hashes(services: Services) -> None:
    services.staff.hashing = PasswordHashing(kib=8, rounds=1, lanes=1)


async def test_pages_open_to_those_who_may(services: Services) -> None:
    async with await signed_in(services, Role.CARE) as care, await signed_in(services, Role.MARKETER) as marketer:
        assert [(await care.get(f"/console/{page}")).status_code for page in ("one", "two")] == [200, 200]
        refused = await marketer.get("/console/two")
        assert (refused.status_code, (await marketer.get("/console/one")).status_code) == (403, 200)
        assert "Your role does not include this." in refused.text


async def test_navigation_and_palette_show_what_may_be_opened(services: Services) -> None:
    async with await signed_in(services, Role.CARE) as care, await signed_in(services, Role.MARKETER) as marketer:
        shown = [(await one.get("/console/one")).text for one in (care, marketer)]
        found = [(await one.get("/console/palette?q=po")).text for one in (care, marketer)]

    assert ['href="/console/two"' in text for text in shown] == [True, False]
    assert ["po for Mei" in text for text in found] == [True, False]
    assert ['data-path="/console/two"' in text for text in found] == [True, False]


async def test_a_list_leaves_the_house_only_with_those_who_may(services: Services) -> None:
    async with await signed_in(services, Role.FINANCE) as finance, await signed_in(services, Role.CARE) as care:
        assert (await finance.get("/console/stock?format=csv")).text == "\ufeffNumber\r\nkettle\r\n"
        assert (await care.get("/console/stock?format=csv")).status_code == 403
        assert ["format=csv" in (await one.get("/console/stock")).text for one in (finance, care)] == [True, False]
    async with services.database.transaction() as tx:
        noted = await tx.rows(
            "SELECT action, subject, detail FROM audit_entries WHERE action LIKE '%%_file' ORDER BY entry_id"
        )
    assert noted == [
        ("begin_file", "list stock", "columns sku"),
        ("take_file", "list stock", "1 rows, complete; columns sku"),
    ]


async def test_staff_keep_their_own_language(services: Services) -> None:
    async with await signed_in(services, Role.OWNER, language="zh") as owner:
        assert '<html lang="zh-CN">' in (await owner.get("/console/one")).text
        await owner.post("/preferences/language", data={"language": "en"})
        owner.cookies.delete("rgl_language")
        assert '<html lang="en">' in (await owner.get("/console/one", headers={"Accept-Language": "zh"})).text
