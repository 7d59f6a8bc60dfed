"""A deployment in which something of every kind is there, and what its addresses hold: the walk went through it."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import httpx

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import web
from regulars.platform.auth import service as keys
from regulars.platform.db.database import Database
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.entrypoints.walkthrough import Walk

HOST: Final = "http://api.example"
PURPOSE: Final = "contract test"


@dataclass
class Walked(httpx.AsyncBaseTransport):
    """The deployment, its description, and by operation with which ids it was asked, and how first."""

    services: Services
    runner: asyncio.Runner
    way: httpx.AsyncBaseTransport
    described: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    asked: dict[str, httpx.Request] = field(default_factory=dict)
    key: str = ""
    _templates: list[tuple[str, re.Pattern[str], str]] = field(default_factory=list)

    @classmethod
    @contextmanager
    def at(cls, url: str, home: Path, database: Database | None = None) -> Iterator[Self]:
        """Open a deployment (on a database of the caller's own making, if one is given), and walk through it."""
        settings = Settings(home=home, brand_name="北辰", webhook_networks="203.0.113.0/24")
        database = database or Database(url, pool_size=4)
        with asyncio.Runner() as runner:
            services = Services(settings, database, LocalVault(home / "vault"))
            way = httpx.ASGITransport(app=create_app(services, web(services)))
            walked = cls(services, runner, way)
            runner.run(walked._open())
            try:
                yield walked
            finally:
                runner.run(walked._close())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Note with what a path was asked, and send the request."""
        for operation, pattern, method in self._templates:
            found = pattern.fullmatch(request.url.path) if method == request.method.lower() else None
            if found is not None:
                self.seen.setdefault(operation, []).append(found.groupdict())
                self.asked.setdefault(operation, request)
        return await self.way.handle_async_request(request)

    def ask(self, request: httpx.Request, key: str | None) -> httpx.Response:
        """Send one request with an API key, or without."""
        request.headers.pop("authorization", None)
        if key is not None:
            request.headers["authorization"] = f"Bearer {key}"
        return self.runner.run(self._answer(request))

    def key_with(self, *scopes: str) -> str:
        """Make a key that may ask as often as it likes."""
        return self.runner.run(self._key(scopes))

    async def _key(self, scopes: tuple[str, ...]) -> str:
        async with self.services.database.transaction() as tx:
            _, secret = await keys.create_key(tx, label="contract", scopes=scopes, requests_per_second=0)
        return secret

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        async with httpx.AsyncClient(transport=self.way) as client:
            return await client.send(request)

    async def _open(self) -> None:
        await self.services.database.open()
        answer = await self._answer(httpx.Request("GET", f"{HOST}/openapi.json"))
        self.described = answer.json()
        for path, methods in self.described["paths"].items():
            pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
            self._templates += [(operation["operationId"], pattern, method) for method, operation in methods.items()]
        await Walk(self.services, self).take()
        self.key = await self._key(("admin",))

    async def _close(self) -> None:
        await self.services.drain()
        await self.services.database.close()
