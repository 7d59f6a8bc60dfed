"""Every operation of the API has a worked example, and it is what the product answers today."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import web
from regulars.platform.db.database import Database
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.entrypoints.told import examples, page
from tests.entrypoints.walkthrough import EXAMPLES, PAGE, Walk

pytestmark = pytest.mark.anyio


@pytest.fixture
async def services(database: Database, tmp_path: Path) -> AsyncIterator[Services]:
    made = Services(
        Settings(home=tmp_path, brand_name="北辰", webhook_networks="203.0.113.0/24"),
        database,
        LocalVault(tmp_path / "vault"),
    )
    yield made
    await made.drain()


async def described(services: Services) -> dict[str, Any]:
    transport = httpx.ASGITransport(app=create_app(services, web(services)))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
        found: dict[str, Any] = (await client.get("/openapi.json")).json()
    return {
        operation["operationId"]: operation
        for path in found["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
    }


async def test_the_walk_is_what_was_told(services: Services) -> None:
    """`WRITE_DOCS=1` writes both files instead, which is what `make docs` does."""
    walk = await Walk(services).take()

    if os.environ.get("WRITE_DOCS"):
        EXAMPLES.write_bytes(examples(walk))
        PAGE.write_text(page(walk), encoding="utf-8")
    assert EXAMPLES.read_bytes() == examples(walk), "make docs"
    assert PAGE.read_text(encoding="utf-8") == page(walk), "make docs"


async def test_every_operation_has_its_example(services: Services) -> None:
    operations = await described(services)

    for name, operation in operations.items():
        answers = [
            content["example"]
            for status, answer in operation["responses"].items()
            if status.startswith("2")
            for content in answer.get("content", {}).values()
            if "example" in content
        ]
        assert len(answers) == 1, f"{name}: walk through it in tests/entrypoints/walking_*.py, then make docs"
        if "requestBody" in operation:
            (content,) = operation["requestBody"]["content"].values()
            assert content["example"], name
            assert "examples" not in content, name
    takes_key = {
        name
        for name, operation in operations.items()
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", []))
    }
    assert "signUpMember" in takes_key
    assert "lookUpMember" not in takes_key
