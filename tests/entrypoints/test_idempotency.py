"""Whatever changes something may be sent again without fear: every such operation, on the walk through the API."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import offered_to_programs, web
from regulars.platform.auth import service as keys
from regulars.platform.db.database import Database
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.entrypoints.insisting import Insisting, Looker, Once
from tests.entrypoints.walkthrough import Walk

pytestmark = pytest.mark.anyio

# What takes no key though its method could change something, and why.
WITHOUT_KEY: Final = {
    "lookUpMember": "it reads: what is looked up stands in its body so that no log of addresses holds a phone number",
    "POST /oauth/token": "RFC 6749 knows no such header; a token is kept nowhere, so one more of them is no effect",
    "POST /stop/{token:str}": "mail programs send it by RFC 8058, without such a header; who was stopped stays so",
}


@asynccontextmanager
async def process(url: str, home: Path) -> AsyncIterator[Services]:
    """Open what a web process of the deployment has."""
    settings = Settings(home=home, brand_name="北辰", webhook_networks="203.0.113.0/24")
    async with Database(url, pool_size=4) as database:
        services = Services(settings, database, LocalVault(home / "vault"))
        yield services
        await services.drain()


def transport_of(services: Services) -> httpx.ASGITransport:
    """Return the way to a process."""
    return httpx.ASGITransport(app=create_app(services, web(services)))


@dataclass
class Following(httpx.AsyncBaseTransport):
    """The way to a process that has the programme clock of the deployment, as each follows it."""

    services: Services

    def __post_init__(self) -> None:
        self._way = transport_of(self.services)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        await self.services.database.follow_clock()
        return await self._way.handle_async_request(request)


@dataclass
class Forgetful(httpx.AsyncBaseTransport):
    """A way on which every request gets another key."""

    way: httpx.AsyncBaseTransport
    sent: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, with a key of its own."""
        self.sent += 1
        request.headers["Idempotency-Key"] = f"forgotten-{self.sent}"
        return await self.way.handle_async_request(request)


async def test_every_mutation_may_be_sent_again(database_url: str, second_database_url: str, tmp_path: Path) -> None:
    """Three at once in two processes, two later, two with something else: what one request does, and nothing more."""
    async with AsyncExitStack() as stack:
        alone = await stack.enter_async_context(process(database_url, tmp_path / "alone"))
        first = await stack.enter_async_context(process(second_database_url, tmp_path / "both"))
        second = await stack.enter_async_context(process(second_database_url, tmp_path / "both"))
        once = Once(transport_of(alone), stack.enter_context(Looker.at(database_url)))
        looker = stack.enter_context(Looker.at(second_database_url))
        insisting = Insisting(transport_of(first), looker, other=Following(second))

        await Walk(alone, once).take()
        await Walk(first, insisting).take()

        for expected, found in zip(once.effects, insisting.effects, strict=True):
            assert found[1:] == expected[1:], (expected, found)
        walked = {effect.request for effect in insisting.effects if effect.status < 300}
        assert await unwalked(alone, walked) == set()
        await notices_who_forgets(Insisting(Forgetful(transport_of(first)), looker, other=Following(second)), first)


async def notices_who_forgets(insisting: Insisting, services: Services) -> None:
    """The negative control: where the key of a retry is lost, two drafts are made, and that is noticed."""
    async with services.database.transaction() as tx:
        _, token = await keys.create_key(tx, label="forgetful", scopes=["policies:write"])
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "once"}
    async with httpx.AsyncClient(transport=insisting, base_url="http://api.example", headers=headers) as client:
        with pytest.raises(AssertionError):
            await client.post("/v1/policy-drafts", json={"name": "Twice"})


async def unwalked(services: Services, walked: set[str]) -> set[str]:
    """Return the operations that may change something and were not among these requests; tell which have a reason."""
    async with httpx.AsyncClient(transport=transport_of(services), base_url="http://api.example") as client:
        described = (await client.get("/openapi.json")).json()["paths"]
    missing = set()
    for path, methods in described.items():
        request = re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path))
        for method, operation in methods.items():
            if method == "get" or any(request.fullmatch(one.removeprefix(f"{method.upper()} ")) for one in walked):
                continue
            missing.add(operation["operationId"])
    offered = offered_to_programs(services).routes
    missing |= {
        f"{method} {path}"
        for handler in offered
        if not handler.include_in_schema
        for path in handler.paths
        for method in handler.http_methods - {"GET", "HEAD", "OPTIONS"}
    }
    for name, reason in WITHOUT_KEY.items():
        print(f"{name} takes no idempotency key: {reason}")  # noqa: T201 - read by whoever looks for exceptions
        missing.remove(name)
    return missing
