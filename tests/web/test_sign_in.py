"""The pages of signing in, asked as a browser asks: who gets in, with which cookies, and what is told to nobody."""

import re
from pathlib import Path
from urllib.parse import urlencode

import httpx
import msgspec
import pyotp
import pytest

from regulars.engagement import api as engagement
from regulars.engagement.contracts import MessageChannel
from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import web
from regulars.platform.auth.staff import service
from regulars.platform.auth.staff.contracts import NewAccount
from regulars.platform.auth.staff.hashing import PasswordHashing
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.db.database import Database
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from regulars.platform.settings import SettingError, Settings
from regulars.platform.vault.local import LocalVault
from tests.platform.oidc_provider import CLIENT, SECRET, client, running
from tests.platform.staffing import Wall
from tests.web.conftest import BROWSER
from tests.web.visitors import OTHER_STORE, STORE, Visitors, brings

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    return Wall(monkeypatch)


@pytest.fixture
async def visitors(services: Services, wall: Wall) -> Visitors:  # noqa: ARG001 - the clock stands before it is asked
    services.staff.hashing = PasswordHashing(kib=8, rounds=1, lanes=1)
    return await Visitors(services).begin()


async def post(
    browser: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None, **form: str
) -> httpx.Response:
    return await browser.post(path, content=urlencode(form), headers=FORM | (headers or {}))


async def invited(visitors: Visitors, email: str = "mei@shop.example", name: str = "Mei") -> str:
    async with visitors.services.database.transaction(actor="test") as tx:
        return (await service.invite(tx, NewAccount(email=email, name=name, roles=(Role.OWNER,)))).token


async def set_up(browser: httpx.AsyncClient, wall: Wall, token: str) -> tuple[str, httpx.Response]:
    """Follow a link to its end; return the phone's secret and the last page."""
    link = f"/console/invitation/{token}"
    assert (await post(browser, link, password=PASSWORD)).headers["location"] == f"{link}/phone"
    page = (await browser.get(f"{link}/phone")).text
    found = re.search(r"font-mono\">([A-Z2-7]{32})<", page)
    assert found is not None
    return found[1], await post(browser, f"{link}/phone", code=pyotp.TOTP(found[1]).at(wall.now))


async def test_from_the_link_to_the_console_and_back_in(
    browser: httpx.AsyncClient, visitors: Visitors, wall: Wall
) -> None:
    token = await invited(visitors)
    opening = await browser.get(f"/console/invitation/{token}")
    assert (opening.status_code, "mei@shop.example" in opening.text) == (200, True)

    secret, last = await set_up(browser, wall, token)
    assert (last.status_code, len(re.findall(r"[0-9A-Z]{5}-[0-9A-Z]{5}<", last.text))) == (200, 10)
    assert last.headers["cache-control"] == "no-store"
    assert (await browser.get("/console/account")).status_code == 200
    assert (await browser.get(f"/console/invitation/{token}")).status_code == 404

    browser.cookies.clear()
    wall.advance(seconds=30)
    first = await post(browser, "/console/sign-in?next=/console/account", email="Mei@shop.example", password=PASSWORD)
    assert (first.status_code, first.headers["location"]) == (303, "/console/sign-in/code")
    assert "rgl_staff" not in first.cookies
    wrong = await post(browser, "/console/sign-in/code", code="000000")
    assert wrong.status_code == 401
    second = await post(browser, "/console/sign-in/code", code=pyotp.TOTP(secret).at(wall.now))
    assert (second.status_code, second.headers["location"]) == (303, "/console/account")
    assert (await browser.get("/console/account")).status_code == 200
    await post(browser, "/console/sign-out")
    assert (await browser.get("/console/account")).headers["location"].startswith("/console/sign-in?next=")


async def test_wrong_passwords_and_unknown_accounts_get_the_same_page(
    browser: httpx.AsyncClient, visitors: Visitors, wall: Wall
) -> None:
    await set_up(browser, wall, await invited(visitors))
    browser.cookies.clear()
    told = []
    for email in ("mei@shop.example", "nobody@shop.example"):
        answer = await post(browser, "/console/sign-in", email=email, password="a wrong password")
        told.append((answer.status_code, answer.text.replace(email, "…"), sorted(answer.cookies)))

    assert told[0] == told[1]
    assert told[0][0] == 401
    assert "a wrong password" not in told[0][1]
    for _ in range(4):
        await post(browser, "/console/sign-in", email="nobody@shop.example", password="a wrong password")
    blocked = await post(browser, "/console/sign-in", email="nobody@shop.example", password="a wrong password")
    assert (blocked.status_code, "Wait 30 seconds" in blocked.text) == (429, True)


async def test_the_session_s_cookie_is_nobody_else_s(services: Services, visitors: Visitors, wall: Wall) -> None:
    services.settings = msgspec.structs.replace(services.settings, public_url="https://shop.example")
    transport = httpx.ASGITransport(app=create_app(services, web(services)))
    async with httpx.AsyncClient(transport=transport, base_url="https://shop.example", headers=BROWSER) as browser:
        _, last = await set_up(browser, wall, await invited(visitors))
        planted = browser.cookies["rgl_staff"]
        await post(browser, "/console/account/password", current_password=PASSWORD, password="another good one")
        renewed = browser.cookies["rgl_staff"]

    (cookie,) = [one for one in last.headers.get_list("set-cookie") if one.startswith("rgl_staff=")]
    assert {part.strip().lower().partition("=")[0] for part in cookie.split(";")[1:]} >= {"httponly", "secure", "path"}
    assert "SameSite=lax" in cookie
    assert "Max-Age=43200" in cookie
    assert planted != renewed
    assert await services.staff.recognise(planted) is None
    assert await services.staff.recognise(renewed) is not None


@pytest.mark.parametrize(
    "onward", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nX-Y: z", ""]
)
async def test_the_way_onward_stays_here(browser: httpx.AsyncClient, visitors: Visitors, onward: str) -> None:
    async with visitors.services.database.transaction() as tx:
        hashed = await visitors.services.staff.hashing.hash(PASSWORD)
        wish = NewAccount(email="demo@shop.example", name="Demo", roles=(Role.OWNER,))
        await service.add_demo_account(tx, wish, hashed)
    path = f"/console/sign-in?{urlencode({'next': onward})}"

    answer = await post(browser, path, email="demo@shop.example", password=PASSWORD)

    assert (answer.status_code, answer.headers["location"]) == (303, "/console/welcome")
    assert (await browser.get(path)).headers["location"] == "/console/welcome"


async def test_a_name_is_a_name_and_no_markup(browser: httpx.AsyncClient, visitors: Visitors) -> None:
    owner = brings(await visitors.staff(Role.OWNER))
    name = "<script>alert(1)</script>{{ 7*7 }}"
    made = await post(
        browser, "/console/staff/invite", owner, email="x@shop.example", name=name, roles="care", scope="all"
    )

    assert made.status_code == 200
    for page in (made.text, (await browser.get("/console/staff", headers=owner)).text):
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}" in page
    assert "/console/invitation/" in made.text


async def test_who_manages_one_store_sees_the_devices_of_that_one(
    browser: httpx.AsyncClient, visitors: Visitors
) -> None:
    own, other = await visitors.enrolled(STORE), await visitors.enrolled(OTHER_STORE)
    manager = brings(await visitors.staff(Role.STORE_MANAGER))

    page = (await browser.get("/console/devices", headers=manager)).text
    assert (public_id("dev", own.device.device_id) in page, public_id("dev", other.device.device_id) in page) == (
        True,
        False,
    )
    assert "Wudaokou" not in page
    refused = await post(browser, f"/console/devices/{public_id('dev', other.device.device_id)}/revoke", manager)
    assert refused.status_code == 404
    elsewhere = await post(browser, "/console/devices", manager, store_id=OTHER_STORE, name="Till 9")
    assert elsewhere.status_code == 404
    made = await post(browser, "/console/devices", manager, store_id=STORE, name="Till 9")
    code = re.search(r">([0-9A-Z]{4}-[0-9A-Z]{4})<", made.text)
    assert code is not None
    enrolled = await post(browser, "/store/enrol", code=code[1])
    assert (enrolled.status_code, enrolled.headers["location"]) == (303, "/store")
    again = await post(browser, "/store/enrol", code=code[1])
    assert again.status_code == 401


async def test_nobody_ends_the_sessions_of_others(browser: httpx.AsyncClient, visitors: Visitors) -> None:
    care, owner = await visitors.staff(Role.CARE), await visitors.staff(Role.OWNER)
    viewer = await visitors.services.staff.recognise(owner["rgl_staff"])
    assert viewer is not None
    ending = f"/console/account/sessions/{public_id('sts', viewer.session_id)}/end"
    assert (await post(browser, ending, brings(care))).status_code == 404
    assert await visitors.services.staff.recognise(owner["rgl_staff"]) is not None

    mine, theirs = await visitors.member(0), await visitors.member(1)
    page = (await browser.get("/portal/devices", headers=brings(theirs))).text
    device = re.search(r"/portal/devices/(mbs_[0-9a-f]{32})/forget", page)
    assert device is not None
    assert (await post(browser, f"/portal/devices/{device[1]}/forget", brings(mine))).status_code == 404
    assert (await browser.get("/portal/devices", headers=brings(theirs))).status_code == 200
    assert (await post(browser, f"/portal/devices/{device[1]}/forget", brings(theirs))).headers[
        "location"
    ] == "/portal/sign-in"
    assert (await browser.get("/portal/devices", headers=brings(theirs))).status_code == 303


async def code_of(visitors: Visitors) -> str:
    """Return the last code in the development outbox."""
    services = visitors.services
    async with services.database.transaction() as tx:
        page = await engagement.list_messages(
            tx, services.vault, engagement.brand_of(services.settings), channels=[MessageChannel.EMAIL], clear=True
        )
    letter = page.messages[0].letter
    assert letter is not None
    assert letter.code is not None
    return letter.code


async def test_who_is_new_becomes_a_member_and_who_is_one_gets_in(
    browser: httpx.AsyncClient, visitors: Visitors, wall: Wall
) -> None:
    asked = await post(browser, "/portal/sign-in", identity="new@home.example", market="CN")
    assert (asked.status_code, asked.headers["location"]) == (303, "/portal/sign-in/code")
    assert "n***@home.example" in (await browser.get("/portal/sign-in/code")).text
    wrong = await post(browser, "/portal/sign-in/code", code="12345")
    assert (wrong.status_code, "4 more tries" in wrong.text) == (401, True)
    right = await post(browser, "/portal/sign-in/code", code=await code_of(visitors), remember="true")
    assert right.headers["location"] == "/portal/sign-up"
    form = (await browser.get("/portal/sign-up")).text
    assert re.findall(r'name="consents" value="([a-z0-9-]+)"[^>]*checked', form) == []
    done = await post(browser, "/portal/sign-up", name="Li", consents="sign-up-email-2026-11", remember="true")
    assert (done.status_code, done.headers["location"]) == (303, "/portal")
    assert (await browser.get("/portal/devices")).status_code == 200
    assert (await browser.get("/portal/sign-up")).headers["location"] == "/portal/sign-in"

    await post(browser, "/portal/sign-out")
    assert (await browser.get("/portal/devices")).status_code == 303
    wall.advance(minutes=2)
    await post(browser, "/portal/sign-in?next=/portal/devices", identity="NEW@home.example")
    back = await post(browser, "/portal/sign-in/code", code=await code_of(visitors))
    assert (back.status_code, back.headers["location"]) == (303, "/portal/devices")
    (cookie,) = [one for one in back.headers.get_list("set-cookie") if one.startswith("rgl_member=")]
    assert "Max-Age" not in cookie  # not remembered: until the browser is closed


async def test_a_second_tap_leads_on_and_no_page_says_stale(
    browser: httpx.AsyncClient, visitors: Visitors, wall: Wall
) -> None:
    """The second request carries the cookies of before the first one's answer, as a browser sends it."""
    await post(browser, "/portal/sign-in", identity="tapped@home.example")
    waiting, code = dict(browser.cookies), await code_of(visitors)
    for _ in range(2):
        browser.cookies = httpx.Cookies(waiting)
        assert (await post(browser, "/portal/sign-in/code", code=code)).headers["location"] == "/portal/sign-up"
    for _ in range(2):
        browser.cookies = httpx.Cookies(waiting)
        done = await post(browser, "/portal/sign-up", name="Li", remember="true")
        assert (done.status_code, done.headers["location"]) == (303, "/portal")
        assert (await browser.get("/portal/devices")).status_code == 200

    wall.advance(minutes=2)
    browser.cookies = httpx.Cookies(waiting)
    late = await post(browser, "/portal/sign-up", name="Li")
    assert (late.status_code, late.headers.get("location")) == (303, "/portal/sign-in")


async def test_a_browser_is_known_after_a_sign_in_by_a_cookie_that_opens_nothing(
    browser: httpx.AsyncClient, visitors: Visitors
) -> None:
    await post(browser, "/portal/sign-in", identity="tapped@home.example")
    await post(browser, "/portal/sign-in/code", code=await code_of(visitors))
    done = await post(browser, "/portal/sign-up", name="Li")
    (cookie,) = [one for one in done.headers.get_list("set-cookie") if one.startswith("rgl_member_known=")]
    assert {"HttpOnly", "Max-Age=15552000", "SameSite=lax"} <= set(cookie.split("; "))

    known = browser.cookies["rgl_member_known"]
    browser.cookies.clear()
    browser.cookies.set("rgl_member_known", known)
    assert (await browser.get("/portal/devices")).headers["location"].startswith("/portal/sign-in")


async def test_pages_of_a_member_tell_nothing_of_others(browser: httpx.AsyncClient, visitors: Visitors) -> None:
    """The same answer for a member's address and for nobody's."""
    told = []
    for address in ("wang@home.example", "want@home.example"):
        browser.cookies.clear()
        asked = await post(browser, "/portal/sign-in", identity=address)
        page = (await browser.get("/portal/sign-in/code")).text
        wrong = await post(browser, "/portal/sign-in/code", code="00000")
        told.append((asked.status_code, sorted(asked.cookies), page, wrong.status_code, wrong.text))

    assert told[0] == told[1]
    assert len(visitors.members) == 2


async def test_staff_come_through_the_company_s_identity_provider(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Wall(monkeypatch)
    with running() as provider:
        settings = Settings(
            home=tmp_path,
            public_url="https://shop.example",
            oidc_issuer=provider.issuer,
            oidc_client_id=CLIENT,
            oidc_client_secret=SECRET,
        )
        services = Services(settings, database, LocalVault(tmp_path / "vault"))
        assert services.oidc is not None
        services.oidc._client = client()  # past any proxy of this machine
        visitors = await Visitors(services).begin()
        provider.claims |= {"email": visitors.accounts[Role.CARE].email}
        transport = httpx.ASGITransport(app=create_app(services, web(services)))
        async with httpx.AsyncClient(transport=transport, base_url="https://shop.example", headers=BROWSER) as browser:
            assert (
                "/console/sign-in/provider?next=/console/account"
                in (await browser.get("/console/sign-in?next=/console/account")).text
            )
            begun = await browser.get("/console/sign-in/provider?next=/console/account")
            brought = provider.authorize(begun.headers["location"])
            stranger = await browser.get("/console/sign-in/oidc", params=brought, headers={"Cookie": ""})
            assert (begun.status_code, stranger.status_code) == (303, 401)
            assert "rgl_staff=" not in str(stranger.headers)
            back = await browser.get("/console/sign-in/oidc", params=brought)
            again = await browser.get("/console/sign-in/oidc", params=brought)
            page = await browser.get("/console/account")

        assert (back.status_code, back.headers["location"], again.status_code) == (303, "/console/account", 401)
        assert visitors.accounts[Role.CARE].email in page.text.replace("<wbr>", "")
        await services.oidc._client.aclose()


async def test_without_a_provider_there_is_no_such_way(browser: httpx.AsyncClient, visitors: Visitors) -> None:
    assert visitors.accounts
    assert "/console/sign-in/provider" not in (await browser.get("/console/sign-in")).text
    for path in ("/console/sign-in/provider", "/console/sign-in/oidc?code=x&state=x"):
        assert (await browser.get(path)).status_code == 404


def test_half_a_provider_is_no_provider(tmp_path: Path) -> None:
    nowhere, vault = Database("host=/nonexistent"), LocalVault(tmp_path / "vault")
    for half in ({"oidc_client_id": CLIENT}, {"public_url": "https://shop.example"}):
        settings = msgspec.structs.replace(Settings(home=tmp_path, oidc_issuer="https://id.example"), **half)
        with pytest.raises(SettingError):
            Services(settings, nowhere, vault)
