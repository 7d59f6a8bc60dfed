"""API keys in the console: made with a token shown once, rotated with an overlap, bound, revoked."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from regulars.platform.auth.contracts import SCOPES
from regulars.platform.auth.service import Authenticator
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.db.database import Database
from regulars.platform.errors import NotAuthenticated
from regulars.platform.http.versions import LATEST
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.texts import catalogue
from regulars.platform.vault.local import LocalVault
from tests.web.site import Site
from tests.web.test_console_members import words

pytestmark = pytest.mark.anyio
FORM = {"label": "Till 7", "scopes": "orders:write", "networks": "203.0.113.9\n198.51.100.0/24", "key": "0" * 32}


@pytest.fixture
async def services(database: Database, tmp_path: Path) -> AsyncIterator[Services]:
    made = Services(Settings(home=tmp_path), database, LocalVault(tmp_path / "vault"))
    yield made
    await made.drain()


def token_in(answer: httpx.Response) -> str:
    found = re.search(r"rgl_\w{40,}", answer.text)
    assert found is not None, answer.text
    return found[0]


def path_in(answer: httpx.Response) -> str:
    found = re.search(r"/console/keys/ak_\w+", answer.text)
    assert found is not None, answer.text
    return found[0]


async def opens(database: Database, token: str) -> bool:
    try:
        await Authenticator(database).authenticate(f"Bearer {token}".encode())
    except NotAuthenticated:
        return False
    return True


async def test_a_key_is_made_rotated_bound_and_revoked(services: Services) -> None:
    site, database = await Site(services).begin(), services.database
    async with site.browsing(Role.OWNER) as browser:
        made = await browser.post("/console/keys", data=FORM)
        twice = await browser.post("/console/keys", data=FORM)
        path, first = path_in(made), token_in(made)
        rotated = await browser.post(f"{path}/rotate", data={"overlap_hours": "2", "reason": "leaked", "key": "1" * 32})
        second = token_in(rotated)
        both = [await opens(database, token) for token in (first, second)]
        again = await browser.post(f"{path}/rotate", data={"overlap_hours": "2", "key": "2" * 32})
        during = await browser.get(path)
        ended = await browser.post(f"{path}/end-overlap")
        one = [await opens(database, token) for token in (first, second)]
        bad = await browser.post(f"{path}/terms", data={"label": "Till 8", "networks": "nowhere"})
        unspoken = await browser.post(f"{path}/terms", data={"label": "Till 8", "api_version": "2019-01-01"})
        changed = await browser.post(
            f"{path}/terms", data={"label": "Till 8", "requests_per_second": "5", "api_version": LATEST}
        )
        after = await browser.get(path)
        unconfirmed = await browser.post(f"{path}/revoke", data={"confirmation": "revoke"})
        still = await opens(database, second)
        revoked = await browser.post(f"{path}/revoke", data={"confirmation": "REVOKE", "reason": "closed"})
        gone = await browser.get(path)
        listed = await browser.get("/console/keys?state=ended&q=till")
        others = await browser.get("/console/keys?state=good&q=till")

    assert (made.status_code, twice.status_code, twice.headers["location"].partition("?")[0]) == (200, 303, path)
    assert both == [True, True]
    assert (again.status_code, first in again.text) == (409, False)
    assert "Two tokens" in words(during.text)
    assert "203.0.113.9/32, 198.51.100.0/24" in words(during.text) or "198.51.100.0/24, 203.0.113.9/32" in words(
        during.text
    )
    assert first not in during.text
    assert (ended.status_code, one) == (303, [False, True])
    assert (bad.status_code, unspoken.status_code, changed.status_code) == (422, 422, 303)
    assert f"Pin the key to one of these: {LATEST}." in words(unspoken.text)
    assert all(said in words(after.text) for said in ("Till 8", "Anywhere", "5 requests a second", LATEST))
    assert (unconfirmed.status_code, still) == (422, True)
    assert (revoked.status_code, await opens(database, second)) == (303, False)
    assert "Revoked" in words(gone.text)
    assert f"{path}/rotate" not in gone.text
    assert path in listed.text
    assert path not in others.text
    owner = f"staff:{site.visitors.accounts[Role.OWNER].public_id}"
    assert await site.rows("SELECT DISTINCT actor FROM audit_entries WHERE action LIKE '%%\\_key%%'") == [(owner,)]
    assert await site.rows(
        "SELECT action, reason FROM audit_entries WHERE action LIKE '%%\\_key%%' ORDER BY entry_id"
    ) == [
        ("create_key", ""),
        ("rotate_key", "leaked"),
        ("end_key_overlap", ""),
        ("change_key", ""),
        ("revoke_key", "closed"),
    ]


async def test_a_key_that_cannot_be_made_leaves_nothing(services: Services) -> None:
    site = await Site(services).begin()
    before = await site.rows("SELECT count(*) FROM api_keys")
    async with site.browsing(Role.OWNER) as browser:
        refused = [
            await browser.post("/console/keys", data=FORM | changed)
            for changed in (
                {"scopes": ""},
                {"scopes": "everything"},
                {"networks": "shop"},
                {"label": ""},
                {"days": "0"},
            )
        ]
    async with site.browsing(Role.AUDITOR) as browser:
        seen = await browser.get("/console/keys")
        refused.append(await browser.post("/console/keys", data=FORM))

    assert [answer.status_code for answer in refused] == [422, 422, 422, 422, 422, 403]
    assert (seen.status_code, "/console/keys/new" in seen.text) == (200, False)
    assert await site.rows("SELECT count(*) FROM api_keys") == before


async def test_the_list_goes_on_where_a_page_ends(services: Services) -> None:
    site = await Site(services).begin()
    async with site.browsing(Role.OWNER) as browser:
        paths = [
            path_in(
                await browser.post("/console/keys", data=FORM | {"label": f"Till {number}", "key": f"{number:032d}"})
            )
            for number in range(27)
        ]
        first = await browser.get("/console/keys?q=TILL")
        after = re.search(r"after=(ak_\w+)", first.text)
        assert after is not None
        second = await browser.get(f"/console/keys?q=TILL&after={after[1]}")

    def shown(page: httpx.Response) -> list[str]:
        return list(dict.fromkeys(re.findall(r"/console/keys/ak_\w+", page.text)))

    assert shown(first) + shown(second) == paths[::-1]


def test_what_scopes_open_is_told_in_chinese() -> None:
    assert set(SCOPES.values()) <= catalogue("zh").keys()
