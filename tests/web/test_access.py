"""Every address, page and API, for everybody: allowed or refused exactly as the matrix says."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from litestar.routes import HTTPRoute

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import web
from regulars.platform.auth import service as keys
from regulars.platform.auth.contracts import SCOPES
from regulars.platform.auth.staff import service as staff
from regulars.platform.auth.staff.permissions import ROLES, Role
from regulars.platform.services import Services
from tests.web.access import ACCESS, FROM_ANYWHERE, ids_of_nobody
from tests.web.visitors import Visitors, brings, is_refused

pytestmark = pytest.mark.anyio

# What may be asked of anybody at any time, by programs that look after the deployment, or is a failure on purpose.
ANSWERS_OTHERWISE = {"GET /kit/broken", "GET /kit/refused"}


@pytest.fixture
async def visitors(services: Services) -> Visitors:
    return await Visitors(services).begin()


def addresses(services: Services) -> Iterator[str]:
    framework: Any = create_app(services, web(services))._framework
    for route in framework.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                yield from (f"{method} {route.path_format}" for method in handler.http_methods if method != "OPTIONS")


def ruled(kind: str) -> list[tuple[frozenset[str], str]]:
    """Return what is needed and the address, for every address of a kind of visitor."""
    return [
        (frozenset(rule.split()[1:]), address)
        for rule, found in ACCESS.items()
        for address in found
        if rule.split()[0] == kind
    ]


async def ask(browser: httpx.AsyncClient, address: str, headers: dict[str, str]) -> httpx.Response:
    """Ask for an address, with ids that are well formed and nobody's."""
    method, _, template = address.partition(" ")
    filled = template.format_map(ids_of_nobody())
    return await browser.request(method, filled, headers=headers)


def test_every_address_has_one_entry(services: Services) -> None:
    there = sorted(set(addresses(services)))
    listed = sorted(address for found in ACCESS.values() for address in found)

    assert [address for address in there if address not in listed] == [], "write these into tests/web/access_of_*.py"
    assert [address for address in listed if address not in there] == [], "there are no such addresses"
    assert len(set(listed)) == len(listed)


async def test_anybody_may_what_anybody_may(browser: httpx.AsyncClient, visitors: Visitors) -> None:
    assert visitors.members
    for _, address in ruled("anybody"):
        answer = await ask(browser, address, {})
        if address in ANSWERS_OTHERWISE:
            continue
        assert answer.status_code < 500, address
        assert answer.status_code != 403, address


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_may_what_its_permissions_say(
    browser: httpx.AsyncClient, visitors: Visitors, role: Role
) -> None:
    for needed, address in ruled("staff"):
        answer = await ask(browser, address, brings(await visitors.staff(role)))

        assert answer.status_code < 500, address
        assert is_refused(answer) is not (needed <= ROLES[role]), (address, answer.status_code)


async def test_others_are_refused_what_is_for_one_kind(browser: httpx.AsyncClient, visitors: Visitors) -> None:
    """Nobody, another kind's session under any name, an account shut out, a revoked device, an ended session."""
    gone = visitors.accounts[Role.AUDITOR]
    gone_cookies = await visitors.staff(gone)
    ended = await visitors.member()
    async with visitors.services.database.transaction() as tx:
        await staff.disable(tx, gone.staff_id, by=None)
        from regulars.members import api as members

        await members.sign_out_member_everywhere(tx, visitors.members[0])
    owner = (await visitors.staff(Role.OWNER))["rgl_staff"]
    member = (await visitors.member(1))["rgl_member"]
    device = (await visitors.device())["rgl_device"]
    wrong = {
        "staff": [{}, {"rgl_staff": member}, {"rgl_staff": device}, {"rgl_member": owner}, gone_cookies],
        "member": [{}, {"rgl_member": owner}, {"rgl_staff": owner}, {"rgl_device": device}, ended],
        "device": [{}, {"rgl_device": owner}, {"rgl_staff": owner}, {"rgl_member": member}],
    }
    for kind, everybody in wrong.items():
        for _, address in ruled(kind):
            for cookies in everybody:
                assert is_refused(await ask(browser, address, brings(cookies))), (address, sorted(cookies))


@pytest.mark.parametrize("kind", ["member", "device"])
async def test_members_and_devices_may_what_is_theirs(
    browser: httpx.AsyncClient, visitors: Visitors, kind: str
) -> None:
    for _, address in ruled(kind):
        cookies = await (visitors.member() if kind == "member" else visitors.device())
        answer = await ask(browser, address, brings(cookies))

        assert answer.status_code < 500, address
        assert not is_refused(answer), (address, answer.status_code)


async def test_keys_may_what_their_scopes_say(browser: httpx.AsyncClient, visitors: Visitors) -> None:
    async with visitors.services.database.transaction() as tx:
        made = {scope: await keys.create_key(tx, label=scope, scopes=[scope]) for scope in SCOPES}
        revoked, token = await keys.create_key(tx, label="revoked", scopes=["admin"])
        await keys.revoke_key(tx, revoked.key_id)
    cookies = brings(await visitors.staff(Role.OWNER))
    for needed, address in ruled("key"):
        program = {"Accept": "application/json", "Sec-Fetch-Site": ""}
        for scope, (_, right) in made.items():
            answer = await ask(browser, address, {**program, "Authorization": f"Bearer {right}"})
            allowed = scope in needed or scope == "admin"
            assert answer.status_code < 500, address
            assert (answer.status_code not in {401, 403}) is allowed, (address, scope, answer.status_code)
        for nobody in ({}, {"Authorization": f"Bearer {token}"}, cookies):
            answer = await ask(browser, address, {**program, **nobody})
            assert answer.status_code == 401, (address, sorted(nobody))


async def test_no_change_is_made_for_another_site(browser: httpx.AsyncClient, visitors: Visitors) -> None:
    """CSRF: with a right session, from a page of another site."""
    for found in ACCESS.values():
        for address in found:
            if address.startswith("POST /") and "/v1/" not in address:
                cookies = await visitors.staff(Role.OWNER) | await visitors.member() | await visitors.device()
                answer = await ask(browser, address, brings(cookies) | {"Sec-Fetch-Site": "cross-site"})
                assert (answer.status_code == 403) is not (address in FROM_ANYWHERE), address
