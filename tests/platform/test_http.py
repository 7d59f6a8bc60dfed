"""The edge on a real application: hot routes and their twins answer alike, and nothing wrong changes anything."""

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import Web
from regulars.platform.auth import service as auth
from regulars.platform.db.database import Database
from regulars.platform.http.hot import HotRead, HotRoutes
from regulars.platform.logs import configure_logging
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.platform.counters import Room, create_counters, room

pytestmark = pytest.mark.anyio

both = pytest.mark.parametrize("side", ["v1", "cold"])


@pytest.fixture
async def counters(database_url: str, database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    create_counters(database_url, "a", "b")
    async with room(database, tmp_path, body_limit_bytes=10_000) as made:
        yield made


def problem(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code
    assert found["instance"] == answer.headers["x-request-id"]
    assert found["type"] == f"urn:regulars:problem:{found['code']}"
    return found


# --- who asks -------------------------------------------------------------------------------------------------


@both
async def test_without_a_key_nobody_learns_anything(counters: Room, side: str) -> None:
    del counters.client.headers["Authorization"]
    answers = [await counters.add(side=side, counter=counter) for counter in ("a", "unknown")]

    assert [(problem(answer)["code"], answer.status_code) for answer in answers] == [("not_authenticated", 401)] * 2
    assert [answer.headers["www-authenticate"] for answer in answers] == ["Bearer"] * 2
    assert await counters.value() == 0


@both
async def test_a_key_without_the_scope_is_refused(
    database_url: str, database: Database, tmp_path: Path, side: str
) -> None:
    create_counters(database_url, "a")
    async with room(database, tmp_path, scopes=["orders:write", "ledger:read"]) as counters:
        found = problem(await counters.add(side=side))
        read = await counters.client.get(f"/{side}/counters/a")

        assert (found["code"], found["status"], found["data"]) == ("not_allowed", 403, {"scope": "ledger:write"})
        assert read.json() == {"counter_id": "a", "value": 0}
        assert await counters.value() == 0


@both
async def test_authorisation_comes_before_everything_else(counters: Room, side: str) -> None:
    counters.client.headers["Authorization"] = "Bearer rgl_" + "0" * 32 + "_" + "0" * 64
    answer = await counters.client.post(f"/{side}/counters/a/additions", content=b"{")

    assert problem(answer)["code"] == "not_authenticated"


# --- idempotency ----------------------------------------------------------------------------------------------


@both
async def test_the_same_key_and_body_give_the_stored_answer(counters: Room, side: str) -> None:
    first, second = [await counters.add(3, side=side) for _ in range(2)]

    assert (first.status_code, first.json()) == (200, {"counter_id": "a", "value": 3})
    assert (second.status_code, second.content) == (200, first.content)
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert first.headers["content-type"] == second.headers["content-type"] == "application/json"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert await counters.value() == 3


@both
async def test_the_same_key_with_another_request_is_refused(counters: Room, side: str) -> None:
    await counters.add(3, side=side)
    answers = [await counters.add(4, side=side), await counters.add(3, counter="b", side=side)]

    assert [problem(answer)["code"] for answer in answers] == ["idempotency_key_reused"] * 2
    assert problem(answers[0])["errors"][0]["pointer"] == "/headers/idempotency-key"
    assert (await counters.value("a"), await counters.value("b")) == (3, 0)


@both
async def test_keys_of_two_callers_are_two_keys(counters: Room, side: str) -> None:
    async with counters.services.database.transaction() as tx:
        _, token = await auth.create_key(tx, label="other", scopes=["ledger:write"])
    first = await counters.add(3, side=side)
    other = await counters.add(3, side=side, more={"Authorization": f"Bearer {token}"})

    assert (first.json()["value"], other.json()["value"]) == (3, 6)
    assert "idempotency-replayed" not in other.headers


async def test_what_is_kept_of_a_request_gives_no_phone_number_away(
    counters: Room, database: Database, tmp_path: Path
) -> None:
    """A dump must not let anybody try all numbers: what is kept can be computed with the vault's pepper only."""
    body, path = b'{"lines":[{"qty":1}],"note":"+8613800138000"}', "/v1/counters/a/additions"
    async with room(database, tmp_path / "another") as other:
        for side, asker in (("v1", counters), ("cold", counters), ("v1", other)):
            key = {"Idempotency-Key": f"{side}"}
            answer = await asker.client.post(f"/{side}/counters/a/additions", content=body, headers=key)
            assert answer.status_code == 200
        async with database.transaction() as tx:
            kept = [row[0] for row in await tx.rows("SELECT request_hash FROM idempotency_answers")]
        peppers = [asker.services.vault.pepper for asker in (counters, other)]

    framings = (body, b"+8613800138000", f"POST\n{path}\n\n".encode() + body, f"POST {path}".encode() + body)
    unkeyed = {
        hashlib.new(name, framed).digest()[:32]
        for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s", "sha3_256")
        for framed in framings
    } | {hashlib.blake2b(framed, digest_size=32).digest() for framed in framings}
    assert hashlib.sha256(framings[2]).digest() in unkeyed
    assert len(set(kept)) == 3  # another path, another vault: another hash
    assert not unkeyed & set(kept)
    keys = [hmac.digest(pepper, b"request-hash", "sha256") for pepper in peppers]
    assert {hashlib.blake2b(framings[2], key=key, digest_size=32).digest() for key in keys} <= set(kept)


@both
async def test_a_refusal_is_replayed_even_when_it_would_pass_now(counters: Room, side: str) -> None:
    for number in range(10):
        await counters.add(1000, key=f"fill{number}", side=side)
    first = await counters.add(1, key="full", side=side)
    async with counters.services.database.transaction() as tx:
        tx.write("UPDATE counters SET value = 0")
    second = await counters.add(1, key="full", side=side)

    assert (first.status_code, problem(first)["code"]) == (409, "counter_full")
    assert problem(first)["data"] == {"value": 10_000}
    assert (second.status_code, second.content) == (409, first.content)
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["content-type"] == "application/problem+json"
    assert await counters.value() == 0


@both
async def test_what_says_nothing_of_the_request_is_not_replayed(counters: Room, side: str) -> None:
    missing = await counters.add(1, key="m", counter="c", side=side)
    counters.adder.poison = "a"
    broken = await counters.add(1, key="b", side=side)
    counters.adder.poison = ""
    async with counters.services.database.transaction() as tx:
        tx.write("INSERT INTO counters VALUES ('c', 0)")

    mended = [await counters.add(1, key="m", counter="c", side=side), await counters.add(1, key="b", side=side)]

    assert (problem(missing)["code"], problem(broken)["code"]) == ("not_found", "internal_fault")
    assert [answer.status_code for answer in mended] == [200, 200]
    assert (await counters.value("a"), await counters.value("c")) == (1, 1)


@both
@pytest.mark.parametrize("key", [None, "", "a b", "é", "x" * 256])
async def test_a_post_names_itself(counters: Room, side: str, key: str | None) -> None:
    encoded = {} if key is None else {b"idempotency-key": key.encode()}
    answer = await counters.client.post(f"/{side}/counters/a/additions", json={"lines": [{"qty": 1}]}, headers=encoded)

    assert (problem(answer)["code"], answer.status_code) == ("idempotency_key_missing", 400)
    assert await counters.value() == 0


async def test_a_put_may_go_without_a_key(counters: Room) -> None:
    answers = [await counters.client.put("/cold/counters/a", json={"lines": [{"qty": 2}]}) for _ in range(2)]

    assert [answer.json()["value"] for answer in answers] == [2, 4]


@both
async def test_a_hundred_at_once_are_each_done_once(counters: Room, side: str) -> None:
    answers = await asyncio.gather(*[counters.add(1, key=str(number % 50), side=side) for number in range(100)])

    assert {answer.status_code for answer in answers} == {200}
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 50
    assert await counters.value() == 50
    assert max(len(batch) for batch in counters.adder.batches) > 10


# --- bad input ------------------------------------------------------------------------------------------------


BAD_BODIES = [
    (b"", (400, "body_missing", "")),
    (b'{"lines": ', (400, "malformed_json", None)),
    (b'{"lines": [{"qty": 1}], "note": "\xff"}', (400, "invalid_utf8", None)),
    (b'{"lines": [{"qty": 1}], "note": "\\u0000"}', (400, "nul_in_text", None)),
    (b'{"lines": [{"qty": 1}, {"qty": "2"}]}', (422, "wrong_type", "/lines/1/qty")),
    (b'{"lines": [{"qty": 1}, {"qty": 2, "sku": ""}]}', (422, "wrong_length", "/lines/1/sku")),
    (b'{"lines": [{"qty": 1, "colour": "red"}]}', (422, "field_unknown", "/lines/0/colour")),
    (b'{"lines": [{}]}', (422, "field_missing", "/lines/0/qty")),
    (b'{"lines": [{"qty": -5}]}', (422, "out_of_range", "/lines/0/qty")),
    (b'{"lines": []}', (422, "wrong_length", "/lines")),
    (b'{"lines": [{"qty": 1}], "note": "' + b"x" * 10_000 + b'"}', (413, "body_too_large", None)),
    (b"x" * 2_000_000, (413, "body_too_large", None)),
]


@both
@pytest.mark.parametrize(("body", "refusal"), BAD_BODIES)
async def test_a_bad_body_names_the_field_and_changes_nothing(
    counters: Room, side: str, body: bytes, refusal: tuple[int, str, str | None]
) -> None:
    answer = await counters.client.post(f"/{side}/counters/a/additions", content=body, headers={"Idempotency-Key": "k"})
    found, (status, code, pointer) = problem(answer), refusal

    assert (answer.status_code, found["code"]) == (status, code)
    assert [error["pointer"] for error in found.get("errors", [])] == ([] if pointer is None else [pointer])
    assert await counters.value() == 0
    assert await counters.count("idempotency_answers") == 0
    assert (await counters.add(1, key="k", side=side)).status_code == 200  # the key is still free


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [("limit=0", "out_of_range", "/query/limit"), ("limit=many", "wrong_type", "/query/limit")],
)
async def test_a_bad_query_is_pointed_at(counters: Room, query: str, code: str, pointer: str) -> None:
    found = problem(await counters.client.get(f"/v1/counters/a?{query}"))

    assert (found["code"], found["status"], found["errors"][0]["pointer"]) == (code, 422, pointer)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/v1/counters/unknown", 404, "not_found"),
        ("GET", "/cold/counters/unknown", 404, "not_found"),
        ("GET", "/v1/counters/a%2Fb", 404, "not_found"),
        ("DELETE", "/v1/counters/a", 405, "method_not_allowed"),
        ("GET", "/v1/counters/a/additions", 405, "method_not_allowed"),
    ],
)
async def test_wrong_addresses(counters: Room, method: str, path: str, status: int, code: str) -> None:
    answer = await counters.client.request(method, path)
    found = problem(answer)

    assert (found["status"], found["code"]) == (status, code)
    assert ("allow" in answer.headers) is (status == 405)


async def test_a_wrong_method_is_told_the_right_ones(counters: Room) -> None:
    answers = [await counters.client.delete(f"/v1/counters/{path}") for path in ("a", "a/additions")]

    assert [set(answer.headers["allow"].split(", ")) for answer in answers] == [{"GET", "OPTIONS"}, {"POST", "OPTIONS"}]


async def test_the_answer_speaks_the_callers_language(counters: Room) -> None:
    for side in ("v1", "cold"):
        found = problem(await counters.add(0, side=side, more={"Accept-Language": "zh-CN,zh;q=0.9"}))
        assert found["detail"] == "字段 lines[0].qty 中的数必须 >= 1。请更正后重新发送。"
    await counters.add(1)
    assert problem(await counters.add(2, more={"Accept-Language": "zh"}))["detail"].startswith("这个 Idempotency-Key")


# --- request ids and logs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [("order-17.a_B", "yes"), ("x" * 64, "yes"), ("x" * 65, "no"), ("a b", "no"), ("a\tb", "no"), ("", "no")],
)
@both
async def test_a_sane_request_id_is_taken_over(counters: Room, side: str, given: str, kept: str) -> None:
    answer = await counters.add(0, side=side, more={"X-Request-Id": given})

    assert (answer.headers["x-request-id"] == given) is (kept == "yes")
    assert problem(answer)["instance"] == answer.headers["x-request-id"]


async def test_every_request_is_one_line_without_personal_data(
    database_url: str, database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    create_counters(database_url, "+8613800138000")
    caplog.set_level(logging.INFO, "regulars")
    async with room(database, tmp_path) as counters:
        await counters.add(1, counter="+8613800138000", more={"X-Request-Id": "r1"})
        await counters.add(1, counter="+8613800138000", key="k2", side="cold", more={"X-Request-Id": "r2"})
        await counters.client.get("/nothing/zhang@example.com?q=zhang", headers={"X-Request-Id": "r3"})
        await counters.client.get("/broken", headers={"X-Request-Id": "r4"})
        counters.request_log.flush()
        lines = [json.loads(line) for line in counters.log.getvalue().splitlines()]

    assert [(line["request_id"], line["method"], line["route"], line["status"]) for line in lines] == [
        ("r1", "POST", "/v1/counters/{counter_id}/additions", 200),
        ("r2", "POST", "/cold/counters/{counter_id}/additions", 200),
        ("r3", "GET", "", 404),
        ("r4", "GET", "/broken", 500),
    ]
    assert [line["key_id"] for line in lines] == [f"ak_{counters.key_id.hex}"] * 2 + [""] * 2
    assert all(line["ms"] >= 0 for line in lines)
    assert "138" not in counters.log.getvalue().replace(counters.key_id.hex, "")
    assert "zhang" not in counters.log.getvalue()


async def test_a_bug_is_logged_with_its_request_and_without_its_values(
    counters: Room, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    configure_logging("info")
    found = problem(await counters.client.get("/broken", headers={"X-Request-Id": "r4"}))

    (line,) = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (found["code"], found["status"]) == ("internal_fault", 500)
    assert (line["level"], line["request_id"]) == ("error", "r4")
    assert line["exception"]["type"] == "tests.platform.counters.BrokenStatement"
    assert line["exception"]["message"] == "the phone … of …"
    assert line["exception"]["trace"][-1].endswith(" broken")


# --- what describes it and says how it is ---------------------------------------------------------------------


async def test_every_operation_is_described_with_its_refusals(counters: Room) -> None:
    described = (await counters.client.get("/openapi.json")).json()

    assert described["openapi"].startswith("3.1")
    assert described["info"]["title"] == "Regulars"
    assert described["components"]["securitySchemes"]["api_key"]["scheme"] == "bearer"
    operation = described["paths"]["/v1/counters/{counter_id}/additions"]["post"]
    assert operation["security"] == [{"api_key": ["ledger:write"]}, {"oauth2": ["ledger:write"]}]
    assert set(operation["responses"]) == {
        "200", "400", "401", "403", "404", "408", "409", "413", "422", "429", "500", "503",
    }  # fmt: skip
    header = next(one for one in operation["parameters"] if one["name"] == "Idempotency-Key")
    assert (header["in"], header["required"]) == ("header", True)
    change = described["paths"]["/cold/counters/{counter_id}"]["put"]
    assert next(one for one in change["parameters"] if one["name"] == "Idempotency-Key")["required"] is False
    assert set(described["paths"]["/v1/counters/{counter_id}"]["get"]["responses"]) == {
        "200", "400", "401", "403", "404", "422", "429", "500", "503",
    }  # fmt: skip
    for answer in described["components"]["responses"].values():
        assert answer["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert "Litestar" not in json.dumps(described)
    assert references(described) <= set(described["components"]["schemas"]) | set(described["components"]["responses"])


def references(part: Any) -> set[str]:  # noqa: ANN401 - any JSON
    """The last part of every $ref."""
    if isinstance(part, dict):
        here = {part["$ref"].rpartition("/")[2]} if isinstance(part.get("$ref"), str) else set()
        return here.union(*[references(value) for value in part.values()])
    return set().union(*[references(value) for value in part]) if isinstance(part, list) else set()


async def test_alive_and_ready(counters: Room, database_url: str) -> None:
    alive, ready = [await counters.client.get(path) for path in ("/health", "/ready")]
    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    old = await counters.client.get("/ready")

    assert (old.status_code, problem(old)["code"], problem(old)["data"]["found"]) == (503, "not_migrated", "0000")
    assert old.headers["retry-after"] == "1"
    assert (await counters.client.get("/health")).status_code == 200


async def test_a_database_that_does_not_answer_is_not_ready(tmp_path: Path) -> None:
    nowhere = Database("host=/nonexistent dbname=nothing", wait_seconds=0.2)
    await nowhere._pool.open(wait=False)
    services = Services(Settings(home=tmp_path), nowhere, LocalVault(tmp_path / "vault"))
    transport = httpx.ASGITransport(app=create_app(services, Web([], [])))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        ready, alive = [await client.get(path) for path in ("/ready", "/health")]

    assert (ready.status_code, problem(ready)["code"]) == (503, "database_silent")
    assert alive.status_code == 200
    await nowhere.close()


def test_a_hot_route_has_one_parameter_and_a_known_scope() -> None:
    async def answer(_: str) -> bytes:
        return b""

    for path, scope in (("/v1/x", "ledger:read"), ("/v1/{a}/{b}", "ledger:read"), ("/v1/{a}", "ledger:fly")):
        with pytest.raises(ValueError, match="not a hot route"):
            HotRoutes.of([HotRead(path, scope, answer)])
