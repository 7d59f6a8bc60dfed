"""Whoever reads personal data in the clear says why, and it is logged: proven of every address that can be read.

The walk goes by the access matrix, so that a new address is walked as soon as it has its entry there.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import httpx
import pytest

from regulars.entrypoints.http import create_app
from regulars.entrypoints.privacy import PARTS
from regulars.entrypoints.wiring import web
from regulars.members import api as members
from regulars.members.contracts import ChangeProfile, ProfileChange
from regulars.members.contracts.privacy import EXPORT_PREFIX, AskExport
from regulars.platform.auth import service as keys
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.ids import new_id, public_id
from regulars.platform.services import Services
from tests.web.access import ACCESS, ids_of_nobody
from tests.web.crowd import Crowd
from tests.web.site import PAGE
from tests.web.visitors import brings

pytestmark = pytest.mark.anyio

SECRETS = ("陈思远", "思远", "chen@home.example", "13800138000")
PURPOSE = "the walk of the looks"
LOOKS = "SELECT subject, reason FROM audit_entries WHERE action LIKE 'read_%%' ORDER BY entry_id"
# Read by a POST. Their bodies name Chen by what the walk looks for, so their answers may repeat it.
LOOKUP = {"kind": "phone", "value": "13800138000", "market": "CN"}
# All that tells of a person in the clear, for a purpose only.
CLEAR = {
    "GET /v1/members/{member_id}",
    "GET /v1/households/{household_id}",
    "GET /v1/members/{member_id}/messages",
    "GET /v1/members/{member_id}/exports/{export_id}",
    "POST /v1/members/lookup",
}


@pytest.fixture
async def crowd(services: Services) -> Crowd:
    crowd = await Crowd(services).begin()
    await crowd.grow(3)
    async with services.database.transaction(actor="test") as tx:
        change = ProfileChange(display_name="陈思远")
        await members.change_profile(tx, services.vault, ChangeProfile(member_id=crowd.site.chen, change=change))
    return crowd


def told(answer: httpx.Response) -> list[str]:
    """Return what an answer tells of Chen in the clear, however numbers are written."""
    text = answer.text
    plain = re.sub(r"[\s-]", "", text)
    return [secret for secret in SECRETS if secret in text or secret in plain]


@asynccontextmanager
async def caller(services: Services, scopes: list[str]) -> AsyncIterator[httpx.AsyncClient]:
    async with services.database.transaction() as tx:
        _, token = await keys.create_key(tx, label="walk", scopes=scopes)
    transport = httpx.ASGITransport(app=create_app(services, web(services)))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example", headers=headers) as client:
        yield client


async def ids(crowd: Crowd) -> dict[str, str]:
    """Return what stands in addresses, as far as it is Chen's or of something that is there."""
    services = crowd.services
    device = brings(await crowd.site.visitors.device())
    transport = httpx.ASGITransport(app=create_app(services, web(services)))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example", headers=PAGE) as browser:
        found = await crowd.ids(browser, device)
    async with services.database.transaction() as tx:
        export = await members.ask_export(tx, AskExport(member_id=crowd.site.chen, actor="test"))
    await members.gather_waiting(services.database, services.vault, PARTS)
    found["export_id"] = public_id(EXPORT_PREFIX, export.export_id)
    return ids_of_nobody() | found


async def looks(crowd: Crowd) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await crowd.site.rows(LOOKS)]


async def test_every_operation_that_tells_personal_data_logs_it_with_its_purpose(crowd: Crowd) -> None:
    services, known = crowd.services, await ids(crowd)
    me, mate = ((public_id("mbr", one), PURPOSE) for one in (crowd.site.chen, crowd.mate))
    of_whom = {"GET /v1/households/{household_id}": {me, mate}}  # its name tells of everybody who lives there
    operations = sorted(
        address
        for rule, found in ACCESS.items()
        if rule.startswith("key ")
        for address in found
        if address.startswith("GET ") or address == "POST /v1/members/lookup"
    )
    logged = set()
    async with caller(services, ["admin"]) as client:
        for address in operations:
            method, _, path = address.partition(" ")
            body = LOOKUP if method == "POST" else None
            url = path.format(**known)
            before = await looks(crowd)
            without = await client.request(method, url, json=body, headers={"Idempotency-Key": new_id().hex})
            assert told(without) == [], f"{address} tells personal data without a purpose"
            assert await looks(crowd) == before, f"{address} logs a look that was none"
            headers = {"Idempotency-Key": new_id().hex, "Regulars-Purpose": quote(PURPOSE)}
            answer = await client.request(method, url, json=body, headers=headers)
            after = await looks(crowd)
            if told(answer) or after != before:
                logged.add(address)
                of_these = of_whom.get(address, {me})
                assert after[: len(before)] == before
                assert len(after) == len(before) + len(of_these), address
                assert set(after[len(before) :]) == of_these, f"{address} tells personal data and logs no look"
            assert answer.status_code < 500, answer.text

    assert len(operations) > 30
    assert logged == CLEAR


async def test_no_scope_but_the_personal_one_reads_in_the_clear(crowd: Crowd) -> None:
    known = await ids(crowd)
    async with caller(crowd.services, ["members:read", "members:write", "orders:read", "ledger:read"]) as client:
        for address in sorted(CLEAR):
            method, _, path = address.partition(" ")
            body = LOOKUP if method == "POST" else None
            headers = {"Idempotency-Key": new_id().hex, "Regulars-Purpose": quote(PURPOSE)}
            assert told(await client.request(method, path.format(**known), json=body, headers=headers)) == [], address
    assert await looks(crowd) == []


async def test_no_page_of_staff_tells_personal_data_before_it_is_revealed(crowd: Crowd) -> None:
    known = await ids(crowd)
    pages = sorted(
        address.removeprefix("GET ")
        for rule, found in ACCESS.items()
        if rule.startswith("staff")
        for address in found
        if address.startswith("GET ")
    )
    me = public_id("mbr", crowd.site.chen)
    async with crowd.site.browsing(Role.OWNER) as browser:
        for path in pages:
            url = path.format(**known)
            assert told(await browser.get(url)) == [], f"{path} tells personal data"
        assert await looks(crowd) == []

        await browser.post(f"/console/members/{me}/reveal", data={"purpose": PURPOSE})
        revealed = [path for path in pages if told(await browser.get(path.format(**known)))]
        assert revealed == ["/console/members/{member_id}"]
        assert await looks(crowd) == [(me, PURPOSE)], "one look, however often the page was loaded"

        taken = f"/console/members/{me}/privacy/exports/{known['export_id']}"
        assert told(await browser.post(taken, data={"form": "json"})) == []
        assert told(await browser.post(taken, data={"form": "json", "purpose": PURPOSE})) != []
        assert await looks(crowd) == [(me, PURPOSE), (me, PURPOSE)]

    assert len(pages) > 30


async def test_an_id_is_written_in_one_way(crowd: Crowd) -> None:
    """Another way of writing it is nobody's: looks are kept under the id, and would be found under neither."""
    written = public_id("mbr", crowd.site.chen)
    digits = written.removeprefix("mbr_")
    wide = "".join(chr(ord(one) + 0xFEE0) if one.isdigit() else one for one in digits)
    others = [f"mbr_{other}" for other in (digits.upper(), f"{digits[:8]}_{digits[9:]}", wide, f" {digits[1:]}")]
    async with crowd.site.browsing(Role.OWNER) as browser:
        answers = [
            (await browser.post(f"/console/members/{quote(one)}/reveal", data={"purpose": PURPOSE})).status_code
            for one in (written, *others)
        ]

    assert answers == [303, 404, 404, 404, 404]
    assert await crowd.site.rows(LOOKS) == [(written, PURPOSE)]
