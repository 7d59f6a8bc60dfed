"""What is tried on sessions, ways onward and headers, at each face: refused."""

import re
from urllib.parse import urlencode

import httpx
import pytest

from regulars.engagement import api as engagement
from regulars.engagement.contracts import MessageChannel
from regulars.platform.auth.staff import service
from regulars.platform.auth.staff.contracts import NewAccount
from regulars.platform.auth.staff.hashing import PasswordHashing
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.services import Services
from tests.web.access import ACCESS, FROM_ANYWHERE
from tests.web.counter import CounterWorld, hidden
from tests.web.visitors import STORE, Visitors, brings, is_refused

pytestmark = pytest.mark.anyio

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PASSWORD = "correct horse battery"
DEMO = "demo@shop.example"
ELSEWHERE = (
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    " //evil.example",
    "/a\r\nSet-Cookie: stolen=1",
    "/\x00/evil.example",
)
# These stay here, whatever they look like once they are decoded: a browser does not decode an address's path.
STILL_HERE = ("/%2F%2Fevil.example", "/%5Cevil.example", "/.//evil.example", "/@evil.example")


@pytest.fixture
async def visitors(services: Services) -> Visitors:
    services.staff.hashing = PasswordHashing(kib=8, rounds=1, lanes=1)
    made = await Visitors(services).begin()
    async with services.database.transaction() as tx:
        hashed = await services.staff.hashing.hash(PASSWORD)
        await service.add_demo_account(tx, NewAccount(email=DEMO, name="Demo", roles=(Role.OWNER,)), hashed)
    return made


async def post(browser: httpx.AsyncClient, path: str, **form: str) -> httpx.Response:
    return await browser.post(path, content=urlencode(form), headers=FORM)


async def code_of(services: Services) -> str:
    """Return the last code in the development outbox."""
    async with services.database.transaction() as tx:
        brand = engagement.brand_of(services.settings)
        page = await engagement.list_messages(tx, services.vault, brand, channels=[MessageChannel.EMAIL], clear=True)
    letter = page.messages[0].letter
    assert letter is not None
    assert letter.code is not None
    return letter.code


async def as_member(browser: httpx.AsyncClient, services: Services, onward: str = "/portal") -> httpx.Response:
    await post(browser, f"/portal/sign-in?{urlencode({'next': onward})}", identity="wang@home.example")
    return await post(browser, "/portal/sign-in/code", code=await code_of(services))


# --- sessions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("planted", ["x" * 43, "theirs"])
async def test_signing_in_takes_over_no_session_that_was_planted(
    browser: httpx.AsyncClient, visitors: Visitors, planted: str
) -> None:
    """Made up by somebody, or opened by them for themselves and put into another's browser; of staff and of members."""
    token = (await visitors.staff(Role.AUDITOR))["rgl_staff"] if planted == "theirs" else planted
    browser.cookies.set("rgl_staff", token, domain="shop.example", path="/")
    assert (await post(browser, "/console/sign-out")).status_code == 303  # who signs in anew signs out first
    browser.cookies.clear()
    browser.cookies.set("rgl_staff", token, domain="shop.example", path="/")
    answer = await post(browser, "/console/sign-in", email=DEMO, password=PASSWORD)
    fresh = re.search(r"rgl_staff=([^;]+)", answer.headers["set-cookie"])
    assert fresh is not None
    assert fresh[1] != token
    assert await visitors.services.staff.recognise(token) is None
    assert await visitors.services.staff.recognise(fresh[1]) is not None

    theirs = (await visitors.member(1))["rgl_member"] if planted == "theirs" else planted
    browser.cookies.clear()
    browser.cookies.set("rgl_member", theirs, domain="shop.example", path="/")
    answer = await as_member(browser, visitors.services)
    found = re.search(r"rgl_member=([^;]+)", answer.headers["set-cookie"])
    assert found is not None
    assert found[1] != theirs
    assert is_refused(await browser.get("/portal/devices", headers=brings({"rgl_member": theirs})))
    assert not is_refused(await browser.get("/portal/devices", headers=brings({"rgl_member": found[1]})))


async def test_a_device_enrolled_anew_gets_a_fresh_key(browser: httpx.AsyncClient, visitors: Visitors) -> None:
    from regulars.commerce import api as commerce

    before = (await visitors.device())["rgl_device"]
    async with visitors.services.database.transaction(actor="test") as tx:
        made = await commerce.make_device_enrolment(tx, visitors.services.vault, STORE, "Till")
    answer = await browser.post("/store/enrol", data={"code": made.code}, headers=brings({"rgl_device": before}))
    found = re.search(r"rgl_device=([^;]+)", answer.headers["set-cookie"])
    assert found is not None
    assert found[1] != before


async def test_every_cookie_is_kept_from_scripts_and_other_sites(
    browser: httpx.AsyncClient, visitors: Visitors
) -> None:
    answers = [
        await post(browser, "/console/sign-in", email=DEMO, password=PASSWORD),
        await post(browser, "/preferences/theme", theme="dark"),
        await post(browser, "/preferences/language", language="zh"),
        await post(browser, "/portal/sign-in", identity="wang@home.example"),
        await post(browser, "/portal/sign-in/code", code=await code_of(visitors.services), remember="true"),
        await post(browser, "/portal/sign-out"),
        await post(browser, "/console/sign-out"),
    ]
    cookies = [cookie for answer in answers for cookie in answer.headers.get_list("set-cookie")]
    assert len(cookies) >= 8
    for cookie in cookies:
        assert "HttpOnly" in cookie, cookie
        assert "SameSite=lax" in cookie, cookie
        assert "Domain=" not in cookie, cookie


# --- ways onward ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("onward", [*ELSEWHERE, *STILL_HERE])
async def test_no_way_onward_leads_elsewhere(browser: httpx.AsyncClient, visitors: Visitors, onward: str) -> None:
    """After signing in, out, and choosing, at each face; also when signed in already."""
    asked = urlencode({"next": onward})
    answers = [
        await post(browser, f"/console/sign-in?{asked}", email=DEMO, password=PASSWORD),
        await browser.get(f"/console/sign-in?{asked}"),
        await post(browser, "/console/sign-out", next=onward),
        await as_member(browser, visitors.services, onward),
        await browser.get(f"/portal/sign-in?{asked}"),
        await post(browser, "/portal/sign-out", next=onward),
        await post(browser, "/preferences/theme", theme="dark", next=onward),
        await post(browser, "/preferences/language", language="en", next=onward),
    ]
    for answer in answers:
        assert answer.status_code == 303, answer.url
        there = answer.headers["location"]
        led = httpx.URL("http://shop.example/x").join(there)
        assert led.host == "shop.example", there
        assert there.startswith("/") and there[1:2] not in {"/", "\\"}, there  # noqa: PT018 - one address
        assert there != onward or onward in STILL_HERE, there
        assert "stolen" not in str(answer.headers), there


# --- headers ----------------------------------------------------------------------------------------------------------

SMUGGLED = "Mei\r\nSet-Cookie: stolen=1\r\n\r\n<html>"


async def test_no_header_is_smuggled_in(browser: httpx.AsyncClient, services: Services) -> None:
    """By names, ids, parameters and what htmx says of itself."""
    world = await CounterWorld(services.database, services.vault).begin()
    till = brings({"rgl_device": world.device.token})
    form = await browser.get("/store/register", headers=till)
    sent = {**hidden(form), "value": "13900139000", "name": SMUGGLED}
    answers = [
        await browser.post("/store/register", data=sent, headers=till),
        await browser.post("/store/returns/find", data={"code": SMUGGLED}, headers=till),
        await browser.get(f"/store/till?{urlencode({'member': SMUGGLED})}", headers=till),
        await browser.get(f"/store/receipts/{urlencode({'': SMUGGLED})}", headers=till),
        await browser.get(f"/console?{urlencode({'a': SMUGGLED})}"),
        await browser.get(
            "/console",
            headers={"HX-Request": "true", "HX-Current-URL": f"http://shop.example/?{urlencode({'a': SMUGGLED})}"},
        ),
        await browser.get("/console/%0d%0aSet-Cookie:%20stolen=1"),
        await browser.get("/assets/%0d%0aSet-Cookie:%20stolen=1"),
    ]
    for answer in answers:
        assert answer.status_code < 500, answer.url
        for name, value in answer.headers.multi_items():
            assert name != "set-cookie" or not value.startswith("stolen"), answer.url
            assert not re.search(r"[\r\n\x00]", value), answer.url


async def test_a_file_is_called_what_we_call_it(browser: httpx.AsyncClient, visitors: Visitors) -> None:
    cookies = brings(await visitors.staff(Role.OWNER))
    asked = urlencode({"format": "csv", "q": '"; filename="evil.exe', "sort": SMUGGLED})
    answer = await browser.get(f"/console/staff?{asked}", headers=cookies)

    assert answer.headers["content-disposition"] == 'attachment; filename="staff.csv"'
    assert answer.headers["x-content-type-options"] == "nosniff"


# --- other sites ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "", "Origin": "null"},
        {"Sec-Fetch-Site": ""},
    ],
)
async def test_no_other_site_changes_anything(
    browser: httpx.AsyncClient, visitors: Visitors, said: dict[str, str]
) -> None:
    """Every change that pages make, with every session there is, however the browser says where it comes from."""
    cookies = await visitors.staff(Role.OWNER) | await visitors.member() | await visitors.device()
    del browser.headers["Sec-Fetch-Site"]
    headers = {name: value for name, value in said.items() if value}
    asked = [one for found in ACCESS.values() for one in found if one not in FROM_ANYWHERE]
    changes = [one.removeprefix("POST ") for one in asked if one.startswith("POST /")]
    tried = 0
    for path in changes:
        if "/v1/" not in path:
            filled = re.sub(r"\{\w+\}", "x", path.replace("{version}", "9"))
            answer = await browser.post(filled, headers={**brings(cookies), **headers})
            assert (answer.status_code, answer.headers.get("set-cookie")) == (403, None), path
            tried += 1
    assert tried >= 40
