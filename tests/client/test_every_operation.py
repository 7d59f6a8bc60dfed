"""The client tells the same story: the walk through the API, every operation through it instead of raw HTTP."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from clients.generate.description import PARTS_PARAMETERS
from regulars.platform.db.database import Database
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from regulars_client import AsyncRegulars
from tests.client.driving import arguments, covers, in_address, method_of, operations, takes_another_form
from tests.entrypoints.told import examples
from tests.entrypoints.walkthrough import EXAMPLES, Walk

pytestmark = pytest.mark.anyio


class Through(httpx.AsyncClient):
    """Carries out what names its operation through the typed client, and checks what that sent and read."""

    last: httpx.Response

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        self.last = await super().send(request, **options)
        return self.last

    async def request(self, method: str, url: Any, **sent: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        name = (sent.get("extensions") or {}).get("operation")
        if name is None:
            return await super().request(method, url, **sent)
        operation = operations()[name]
        headers = dict(self.headers) | {name.lower(): value for name, value in sent["headers"].items()}
        client = AsyncRegulars(
            "http://api.example",
            api_key=headers["authorization"].removeprefix("Bearer "),
            language=headers["accept-language"],
            purpose=headers["regulars-purpose"],
            http_client=self,
        )
        in_path, in_query = in_address(operation, url)
        if PARTS_PARAMETERS & in_query.keys():
            parts = await client.request(method, str(url).partition("?")[0], query=in_query)
            covers(self.last.json(), parts, f"parts of {name}")
            return self.last
        named: dict[str, Any] = {**in_query, **(sent["json"] or {} if operation.body is not None else {})}
        asked = method_of(client, operation, in_another_form=takes_another_form(operation, named))
        told, passed = arguments(asked, operation, in_path, named)
        if operation.bytes_as:
            told.append(json.dumps(sent["json"], separators=(",", ":")).encode())  # as httpx writes it
        if operation.takes_key:
            passed["idempotency_key"] = headers["idempotency-key"]

        answer = await asked(*told, **passed)

        request = self.last.request
        assert request.method == method
        covers([in_path, in_query], list(in_address(operation, request.url.raw_path.decode())), f"address of {name}")
        if sent["json"] is not None:
            covers(sent["json"], json.loads(request.content), f"body of {name}")
        if operation.answer is None:
            pieces = [piece async for piece in answer.pieces()]
            return httpx.Response(self.last.status_code, headers=self.last.headers, content=b"".join(pieces))
        covers(self.last.json(), msgspec.to_builtins(answer), name)
        return self.last


@pytest.fixture
async def services(database: Database, tmp_path: Path) -> AsyncIterator[Services]:
    made = Services(
        Settings(home=tmp_path, brand_name="北辰", webhook_networks="203.0.113.0/24"),
        database,
        LocalVault(tmp_path / "vault"),
    )
    yield made
    await made.drain()


async def test_every_operation_is_carried_out_as_raw_http_does(services: Services) -> None:
    """What is asked, what comes of it and what is read is the same, in all operations."""
    walk = await Walk(services, caller=Through).take()

    assert {step.operation for step in walk.steps} == operations().keys()
    assert examples(walk) == EXAMPLES.read_bytes()
