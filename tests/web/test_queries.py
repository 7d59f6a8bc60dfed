"""Every page that can be read asks the database exactly what `queries.py` says, however much there is to show."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import web
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.services import Services
from tests.web.access import ACCESS
from tests.web.conftest import BROWSER
from tests.web.counted import Asked, CountedDatabase
from tests.web.crowd import Crowd
from tests.web.queries import QUERIES, TURNED_AWAY
from tests.web.visitors import brings

pytestmark = pytest.mark.anyio

FEW, MANY = 3, 60
TOKENS = {"/stop": "stop", "/portal/confirm-address": "confirm", "/portal/confirm-consent": "consent"}
FACES = ("/console", "/portal", "/store", "/outbox", "/stop")


@pytest.fixture
async def database(database_url: str, tmp_path: Path, anyio_backend: str) -> AsyncIterator[CountedDatabase]:  # noqa: ARG001 - asks for the plugin
    async with CountedDatabase(database_url, tmp_path) as opened:
        yield opened


def pages() -> dict[str, str]:
    """Return every address of a page that can be read, and as whom it is: `staff`, `member`, `device`, `anybody`."""
    return {
        address.removeprefix("GET "): "staff" if "palette" in address else rule.split()[0]
        for rule, found in ACCESS.items()
        for address in found
        if address.startswith(tuple(f"GET {face}" for face in FACES))
    }


def test_every_page_has_its_queries_written_down() -> None:
    written = {address.partition("?")[0] for address in QUERIES}

    assert sorted(pages().keys() - written) == [], "write these into tests/web/queries.py"
    assert sorted(written - pages().keys()) == [], "there are no such pages"
    assert set(TURNED_AWAY) <= QUERIES.keys()


async def test_pages_ask_what_is_written_down_with_few_rows_and_with_many(
    services: Services, database: CountedDatabase
) -> None:
    crowd = await Crowd(services).begin()
    for rows in (FEW, MANY):
        await crowd.grow(rows)
        found = await opened(services, database, crowd)
        told = {address: asked for address, (asked, _) in found.items()}
        because = {address: texts for address, (asked, texts) in found.items() if asked != QUERIES[address]}

        assert told == QUERIES, (rows, because)


async def opened(services: Services, database: CountedDatabase, crowd: Crowd) -> dict[str, tuple[Asked, list[str]]]:
    """Open every page; return how many statements and round trips each needed, and the statements.

    What a page asks for the first time only (policies that it keeps, statements to be planned) does not count.
    """
    visitors = crowd.site.visitors
    cookies: dict[str, dict[str, str]] = {
        "staff": await visitors.staff(Role.OWNER),
        "member": await crowd.member_cookies(),
        "device": await visitors.device(),
        "anybody": {},
    }
    transport = httpx.ASGITransport(app=create_app(services, web(services)))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example", headers=BROWSER) as browser:
        ids = await crowd.ids(browser, brings(cookies["device"]))
        found = {}
        for address in QUERIES:
            token = next((name for start, name in TOKENS.items() if address.startswith(start)), "invitation")
            path = address.format(**ids, token=ids[token])
            who = pages()[address.partition("?")[0]]
            await browser.get(path, headers=brings(cookies[who]))
            database.tally.restart()
            answer = await browser.get(path, headers=brings(cookies[who]))
            assert answer.status_code == TURNED_AWAY.get(address, 200), address
            found[address] = database.tally.asked, list(database.tally.statements)
    return found
