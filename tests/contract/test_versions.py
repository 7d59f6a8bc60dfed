"""Versions of the API: what one promised stays, one that nobody knows is refused, and each answer says which it is."""

import os
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import web
from regulars.platform.db.database import Database
from regulars.platform.http.versions import LATEST, SPOKEN, VERSIONS
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.contract.promises import Schema, broken, promised, unkept

pytestmark = pytest.mark.anyio

PROMISES: Final = Path(__file__).with_name("versions")
READ: Final = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}
SENT: Final = {"type": "object", "required": [], "properties": {"a": {"type": "string", "maxLength": 9, "enum": ["x"]}}}
SMALL: Final = {
    "paths": {
        "/v1/a": {
            "post": {
                "operationId": "doA",
                "parameters": [{"in": "query", "name": "q", "schema": {"type": "integer", "maximum": 9}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Sent"}}}},
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"oneOf": [READ, {"type": "null"}]}}}}
                },
            }
        }
    },
    "components": {"schemas": {"Sent": SENT}},
}
_ANSWER: Final = "paths|/v1/a|post|responses|200|content|application/json|schema|oneOf|0"
BREAKS: Final[dict[str, Any]] = {
    "paths|/v1/a|post": None,
    "paths|/v1/a|post|operationId": "makeA",
    "paths|/v1/a|post|parameters": [],
    "paths|/v1/a|post|parameters|0|required": True,
    "paths|/v1/a|post|parameters|0|schema|maximum": 8,
    "paths|/v1/a|post|parameters|0|schema|type": "string",
    "paths|/v1/a|post|requestBody|content": {},
    "paths|/v1/a|post|responses": {"201": {}},
    "components|schemas|Sent|required": ["a"],
    "components|schemas|Sent|properties": {},
    "components|schemas|Sent|properties|a|maxLength": 8,
    "components|schemas|Sent|properties|a|minLength": 1,
    "components|schemas|Sent|properties|a|enum": ["y"],
    "components|schemas|Sent|properties|a|pattern": "^x$",
    f"{_ANSWER}|required": [],
    f"{_ANSWER}|properties": {},
    f"{_ANSWER}|properties|a|type": ["string", "null"],
    f"{_ANSWER}|type": "array",
}
ADDS: Final[dict[str, Any]] = {
    "paths|/v1/b": {"get": {"operationId": "getB", "responses": {}}},
    "paths|/v1/a|post|parameters|0|schema|maximum": 10,
    "paths|/v1/a|post|parameters|0|description": "How many.",
    "components|schemas|Sent|properties|b": {"type": "string"},
    "components|schemas|Sent|properties|a|enum": ["x", "y"],
    "components|schemas|Sent|properties|a|type": ["string", "null"],
    f"{_ANSWER}|properties|b": {"type": "string"},
    f"{_ANSWER}|required": ["a", "b"],
}


def changed(path: str, value: Any) -> Schema:  # noqa: ANN401 - any JSON there is
    """Return the small description with one part another, or without it."""
    made: Any = deepcopy(SMALL)
    inner, names = made, path.split("|")
    for step in names[:-1]:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    if value is None:
        del inner[names[-1]]
    else:
        inner[names[-1]] = value
    return promised(made)


@pytest.mark.parametrize("path", BREAKS)
def test_what_takes_away_or_narrows_is_found(path: str) -> None:
    assert broken(promised(SMALL), changed(path, BREAKS[path])) != [], path


@pytest.mark.parametrize("path", ADDS)
def test_what_adds_is_let_through(path: str) -> None:
    assert broken(promised(SMALL), changed(path, ADDS[path])) == []


@pytest.mark.parametrize("path", BREAKS)
def test_what_an_older_version_promised_is_kept_or_turned_back(path: str) -> None:
    new = changed(path, BREAKS[path])
    is_there = path != "paths|/v1/a|post"

    assert unkept(promised(SMALL), new, {"GET /v1/b"})[0] == "GET /v1/b was changed, and is not there"
    assert len(unkept(promised(SMALL), new, ())) > 0
    assert (unkept(promised(SMALL), new, {"POST /v1/a"}) == []) == is_there


@pytest.fixture
def way(tmp_path: Path) -> httpx.ASGITransport:
    """Return the way to an API that has no database: what is asked here is decided before it."""
    database = Database("postgresql://nobody@127.0.0.1:1/nothing", pool_size=1)
    services = Services(Settings(home=tmp_path), database, LocalVault(tmp_path / "vault"))
    return httpx.ASGITransport(app=create_app(services, web(services)))


async def test_the_api_keeps_what_its_version_promised(way: httpx.ASGITransport) -> None:
    """`WRITE_DOCS=1` (which is what `make docs` does) adds to the latest version's promises what the API adds."""
    async with httpx.AsyncClient(transport=way, base_url="http://api.example") as client:
        told = promised((await client.get("/openapi.json")).json())
    page = PROMISES / f"{LATEST}.json"

    assert {found.stem for found in PROMISES.glob("*.json")} == set(VERSIONS)
    assert broken(msgspec.json.decode(page.read_bytes()), told) == []
    for version in VERSIONS[:-1]:
        before, older = msgspec.json.decode((PROMISES / f"{version}.json").read_bytes()), SPOKEN.older(version)
        assert unkept(before, told, () if older is None else older.turns.keys()) == [], version
    if os.environ.get("WRITE_DOCS"):
        page.write_bytes(msgspec.json.format(msgspec.json.encode(told, order="deterministic"), indent=1) + b"\n")


@pytest.mark.parametrize("path", ["/v1/markets", "/v1/members/mbr_1/wallets", "/v1/orders/web-1?explain=true"])
async def test_a_version_is_named_or_refused(way: httpx.ASGITransport, path: str) -> None:
    async with httpx.AsyncClient(transport=way, base_url="http://api.example") as client:
        without = await client.get(path)
        named = await client.get(path, headers={"Regulars-Version": LATEST})
        unknown = await client.get(path, headers={"Regulars-Version": "2019-01-01"})
        page = await client.get("/health", headers={"Regulars-Version": "2019-01-01"})

    assert (without.status_code, without.headers["regulars-version"]) == (401, LATEST)
    assert (named.status_code, named.headers["regulars-version"]) == (401, LATEST)
    assert (unknown.status_code, unknown.json()["code"]) == (400, "version_unknown")
    assert unknown.json()["data"] == {"version": "2019-01-01", "versions": ", ".join(VERSIONS)}
    assert (page.status_code, "regulars-version" in page.headers) == (200, False)
