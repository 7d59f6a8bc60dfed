"""Real ids of others open nothing: of other members, shops and devices, with other scopes, in ended sessions."""

from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest

from regulars.engagement.contracts import MESSAGE_PREFIX
from regulars.platform import clock
from regulars.platform.auth import service as keys
from regulars.platform.auth.contracts import SCOPES
from regulars.platform.auth.staff.permissions import ROLES, Role
from regulars.platform.ids import new_id, public_id
from regulars.platform.services import Services
from regulars.web.store.seals import FORM, LASTS_SECONDS, MEMBER, ORDER, RETURN, Seals
from tests.platform.staffing import Wall
from tests.web.access import ACCESS, ids_of_nobody
from tests.web.counter import CounterWorld, hidden
from tests.web.site import Site
from tests.web.test_access import ruled
from tests.web.visitors import OTHER_STORE, STORE, Visitors, brings, is_refused

pytestmark = pytest.mark.anyio

ORDER_ID = "K7QD3-M9X2A"
SCOPED = {address for rule, found in ACCESS.items() if rule.startswith("key ") for address in found}


@pytest.fixture
async def site(services: Services) -> Site:
    return await Site(services).begin()


async def real_ids(site: Site, opened: str = "") -> dict[str, str]:
    """Return what stands in addresses: all of it there, and of somebody else."""
    visitors = site.visitors
    device = await visitors.enrolled(OTHER_STORE)
    theirs = await visitors.services.staff.recognise((await visitors.staff(Role.OWNER))["rgl_staff"])
    assert theirs is not None
    await visitors.member(1)
    (identity,) = (
        await site.rows(f"SELECT identity_id FROM member_identities WHERE member_id = '{site.chen}' LIMIT 1")
    )[0]
    (session,) = (await site.rows("SELECT session_id FROM member_sessions ORDER BY session_id DESC LIMIT 1"))[0]
    assert isinstance(identity, UUID)
    assert isinstance(session, UUID)
    return {
        **ids_of_nobody(),
        "staff_id": public_id("stf", visitors.accounts[Role.AUDITOR].staff_id),
        "device_id": public_id("dev", device.device.device_id),
        "session_id": public_id("mbs", session) if opened == "member" else public_id("sts", theirs.session_id),
        "member_id": public_id("mbr", site.chen),
        "identity_id": public_id("idn", identity),
        "message": public_id(MESSAGE_PREFIX, new_id()),
        "order_id": "o-2",
        "return_id": "r-1",
        "ticket": Seals(visitors.services.vault.pepper).write(RETURN, device.device.device_id, "o-2"),
        "store_id": OTHER_STORE,
        "kind": "code",
        "language": "en",
    }


async def everything(site: Site) -> list[tuple[object, ...]]:
    """Return what a refused call may not have touched."""
    return await site.rows(
        "SELECT (SELECT count(*) FROM ledger_transfers), (SELECT count(*) FROM order_returns), "
        "(SELECT count(*) FROM audit_entries), (SELECT count(*) FROM member_sessions), "
        "(SELECT count(*) FROM store_devices WHERE revoked_at IS NULL), "
        "(SELECT string_agg(status || roles::text, ' ' ORDER BY staff_id) FROM staff_accounts)"
    )


@pytest.mark.parametrize("role", list(Role))
async def test_what_a_role_may_not_is_refused_for_real_ids_too(
    browser: httpx.AsyncClient, site: Site, role: Role
) -> None:
    ids, cookies = await real_ids(site), brings(await site.visitors.staff(role))
    before = await everything(site)
    tried = [address for needed, address in ruled("staff") if not needed <= ROLES[role]]
    for address in tried:
        method, _, path = address.partition(" ")
        answer = await browser.request(method, path.format(**ids), headers=cookies)
        assert is_refused(answer), (address, answer.status_code)
    assert await everything(site) == before
    assert bool(tried) is (role is not Role.OWNER)


@pytest.mark.parametrize("scope", [*SCOPES, "revoked", "run out"])
async def test_what_a_key_may_not_is_refused_for_real_ids_too(
    browser: httpx.AsyncClient, site: Site, scope: str
) -> None:
    ids = await real_ids(site)
    async with site.services.database.transaction() as tx:
        scopes = [scope] if scope in SCOPES else ["admin"]
        ends = clock.wall_now() - timedelta(seconds=1) if scope == "run out" else None
        key, token = await keys.create_key(tx, label=scope, scopes=scopes, expires_at=ends)
        if scope == "revoked":
            await keys.revoke_key(tx, key.key_id)
    before = await everything(site)
    headers = {"Accept": "application/json", "Sec-Fetch-Site": "", "Authorization": f"Bearer {token}"}
    expected = 403 if scope in SCOPES else 401
    for needed, address in ruled("key"):
        if scope in needed or scope == "admin":
            continue
        method, _, path = address.partition(" ")
        sent = headers | {"Idempotency-Key": f"try-{method}"}
        answer = await browser.request(method, path.format(**ids), headers=sent, json={})
        assert answer.status_code == expected, (address, answer.status_code)
        assert "o-2" not in answer.text.replace(path.format(**ids), ""), address
    assert await everything(site) == before


async def test_a_member_reaches_nothing_of_another(browser: httpx.AsyncClient, site: Site) -> None:
    """Chen's orders, places in the statement, sessions and messages, asked for by Wang."""
    cookies = brings(await site.visitors.member(0))
    ids = await real_ids(site, "member")
    before = await everything(site)
    for order_id in ("o-1", "o-2", "o-3", "o-4"):
        assert (await browser.get(f"/portal/orders/{order_id}", headers=cookies)).status_code == 404
    forgotten = await browser.post(f"/portal/devices/{ids['session_id']}/forget", headers=cookies)
    assert forgotten.status_code == 404
    chen = public_id("mbr", site.chen)
    for seq in range(1, 12):
        page = await browser.get(f"/portal/statement?before={seq}&member_id={chen}", headers=cookies)
        assert (page.status_code, "o-1" in page.text) == (200, False)
    for name in ("inbox", "orders"):
        page = await browser.get(f"/portal/{name}?after={ids['message']}&member={chen}", headers=cookies)
        assert page.status_code in {200, 422}
        assert "o-1" not in page.text
    read = await browser.post("/portal/inbox/read", data={"up_to": ids["message"]}, headers=cookies)
    assert read.status_code == 303
    assert await everything(site) == before


async def test_who_is_bound_to_a_shop_sees_no_other_shop_s_orders(browser: httpx.AsyncClient, site: Site) -> None:
    """o-1 and o-4 are their shop's, o-5 a stranger's there; o-2 is another shop's and o-3 came online."""
    manager = brings(await site.visitors.staff(Role.STORE_MANAGER))
    member = f"/console/members/{public_id('mbr', site.chen)}"
    lists = (
        "/console/orders?q=o-",
        f"/console/orders?store={OTHER_STORE}",
        "/console/orders?channel=online",
        "/console/palette?q=o-2",
        "/console/palette?q=o-3",
        f"{member}",
        f"{member}/orders",
        f"{member}/timeline",
        f"{member}/points",
        "/console",
        f"/console?store={OTHER_STORE}",
        "/console/stores",
    )
    for path in lists:
        answer = await browser.get(path, headers=manager)
        assert answer.status_code == 200, path
        told = answer.text.replace(f"q={quote('o-2')}", "").replace("“o-2”", "").replace("“o-3”", "")
        assert [order for order in ("o-2", "o-3", "Return r-1") if order in told] == [], path
        assert "Wudaokou" not in told, path
    for path in (f"/console/stores/{OTHER_STORE}", "/console/orders/o-2", "/console/orders/o-3/return"):
        assert (await browser.get(path, headers=manager)).status_code == 404, path
    for path in ("/console/orders", "/console/members", "/console/stores", f"{member}/orders", f"{member}/points"):
        assert (await browser.get(f"{path}?format=csv", headers=manager)).status_code == 403, path


async def test_a_till_reaches_nothing_of_another(browser: httpx.AsyncClient, services: Services) -> None:
    """Members found, orders begun, receipts, returns and forms of another device, of another shop or of this one."""
    world = await CounterWorld(services.database, services.vault).begin()
    await world.buy(ORDER_ID, 120_00, 50_00, 30_00, member_id=world.member, points=1_000)
    seals, first = Seals(services.vault.pepper), world.device.device.device_id
    tickets = {
        kind: seals.write(kind, first, text)
        for kind, text in ((MEMBER, world.member.hex), (ORDER, "AAAAA-BBBBB"), (RETURN, ORDER_ID), (FORM, new_id().hex))
    }
    before = await world.points(world.member)
    beside = await world.enrol(STORE, "Till beside")
    for device in (world.other_device, beside):
        headers = brings({"rgl_device": device.token})
        back, line = f"/store/returns/{tickets[RETURN]}", {"line": ["99900|1000|-"], "points": "0"}
        tried = [
            await browser.get(f"/store/till?member={tickets[MEMBER]}", headers=headers),
            await browser.post("/store/till", data={"member": tickets[MEMBER], "order": "x"}, headers=headers),
            await browser.post("/store/till/review", data={**line, "order": tickets[ORDER]}, headers=headers),
            await browser.post(
                "/store/till/confirm",
                data={**line, "order": tickets[ORDER], "member": tickets[MEMBER]},
                headers=headers,
            ),
            await browser.get(back, headers=headers),
            await browser.post(f"{back}/review", data={"quantity-1": "1", "form": tickets[FORM]}, headers=headers),
            await browser.post(f"{back}/confirm", data={"quantity-1": "1", "form": tickets[FORM]}, headers=headers),
            await browser.get(f"{back}/done/R-1", headers=headers),
            await browser.post(
                "/store/register", data={"value": "13900139000", "form": tickets[FORM]}, headers=headers
            ),
        ]
        assert [answer.status_code for answer in tried] == [409] * len(tried)
        assert not any("王" in answer.text or ORDER_ID in answer.text for answer in tried)
    elsewhere = await browser.get(
        f"/store/receipts/{ORDER_ID}", headers=brings({"rgl_device": world.other_device.token})
    )
    assert elsewhere.status_code == 404
    assert await world.points(world.member) == before


async def test_a_kind_of_ticket_is_no_other_kind(browser: httpx.AsyncClient, services: Services) -> None:
    """What seals an order does not open a member, whatever stands in it."""
    world = await CounterWorld(services.database, services.vault).begin()
    seals, device = Seals(services.vault.pepper), world.device.device.device_id
    headers = brings({"rgl_device": world.device.token})
    for kind in (ORDER, RETURN, FORM):
        made = seals.write(kind, device, world.member.hex)
        assert (await browser.get(f"/store/till?member={made}", headers=headers)).status_code == 409
    good = seals.write(MEMBER, device, world.member.hex)
    assert (await browser.get(f"/store/till?member={good}", headers=headers)).status_code == 200
    assert (await browser.get(f"/store/till?member={good[:-2]}AA", headers=headers)).status_code == 409


async def test_what_a_till_found_is_forgotten_after_an_hour(
    browser: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Wall(monkeypatch, clock.wall_now())
    world = await CounterWorld(services.database, services.vault).begin()
    browser.cookies.set("rgl_device", world.device.token)
    found = (await browser.post("/store/find", data={"code": "13800138000"})).headers["location"]
    page = await browser.get(found)
    wall.advance(seconds=LASTS_SECONDS[MEMBER] + 1)

    assert page.status_code == 200
    assert (await browser.get(found)).status_code == 409
    sent = {**hidden(page), "line": ["100|1000|-"], "points": "0"}
    assert (await browser.post("/store/till/confirm", data=sent)).status_code == 409


async def test_ended_sessions_open_nothing(
    browser: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left alone too long, run out though used, signed out, signed out everywhere, revoked."""
    wall = Wall(monkeypatch, clock.wall_now())
    visitors = await Visitors(services).begin()

    async def opens(path: str, cookies: dict[str, str]) -> bool:
        return not is_refused(await browser.get(path, headers=brings(cookies)))

    staff, member, device = await visitors.staff(Role.OWNER), await visitors.member(), await visitors.device()
    assert await opens("/console/account", staff)
    wall.advance(minutes=services.settings.staff_idle_minutes + 1)
    assert not await opens("/console/account", staff)

    used = await visitors.staff(Role.OWNER)
    ends = wall.now + timedelta(hours=services.settings.staff_session_hours)
    while wall.now < ends:
        assert await opens("/console/account", used)
        wall.advance(minutes=services.settings.staff_idle_minutes - 1)
    assert not await opens("/console/account", used)

    left = await visitors.staff(Role.OWNER)
    await browser.post("/console/sign-out", headers=brings(left))
    assert not await opens("/console/account", left)

    assert await opens("/portal/profile", member)
    wall.advance(days=services.settings.member_session_days + 1)
    assert not await opens("/portal/profile", member)

    assert await opens("/store", device)
    found = await _device(services)
    owner = await visitors.staff(Role.OWNER)
    await browser.post(f"/console/devices/{public_id('dev', found)}/revoke", headers=brings(owner))
    assert not await opens("/store", device)


async def _device(services: Services) -> UUID:
    async with services.database.transaction() as tx:
        ((found,),) = await tx.rows("SELECT device_id FROM store_devices")
        assert isinstance(found, UUID)
        return found
