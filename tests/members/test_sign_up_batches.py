"""Many sign-ups in one request: each as if it had come alone, and each once."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.platform.db.database import Database
from regulars.platform.ids import new_id
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.members.people import contents, rows
from tests.members.test_routes import caller

pytestmark = pytest.mark.anyio
numbers = count(1)


@pytest.fixture
def services(shop: Database, vault: LocalVault, tmp_path: Path) -> Services:
    return Services(Settings(home=tmp_path), shop, vault)


@pytest.fixture
async def till(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(services, "members:write") as client:
        yield client


def member(reference: str, *values: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of the body
    identities = [{"kind": "card", "value": value} for value in values]
    return {"reference": reference, "market": "CN", "channel": "store", "identities": identities, **more}


async def send(client: httpx.AsyncClient, path: str, body: Any) -> httpx.Response:  # noqa: ANN401 - any JSON value
    return await client.post(path, json=body, headers={"Idempotency-Key": new_id().hex})


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wished=st.lists(
        st.tuples(
            st.lists(st.integers(0, 4), max_size=2),
            st.sampled_from(["CN", "CN", "XX"]),
            st.sampled_from([None, "2017-01-01T05:00:00Z", "1901-01-01T05:00:00Z"]),
        ),
        min_size=1,
        max_size=10,
    )
)
async def test_a_batch_of_sign_ups_does_what_its_rows_do_alone(
    till: httpx.AsyncClient, wished: list[tuple[list[int], str, str | None]]
) -> None:
    number = next(numbers)

    def wishes(way: str) -> list[dict[str, Any]]:
        return [
            member(f"{way}{number}-{at}", *[f"{way}-{number}-{card}" for card in cards], market=market)
            | ({} if signed_up_at is None else {"signed_up_at": signed_up_at})
            for at, (cards, market, signed_up_at) in enumerate(wished)
        ]

    def told(document: dict[str, Any]) -> object:
        if "code" in document:
            return document["code"], document.get("data", {}).get("field")
        return len(document["identities"]), document["market"], document["channel"]

    singles = []
    for row in wishes("alone"):
        del row["reference"]
        answer = await send(till, "/v1/members", row)
        singles.append((answer.status_code, told(answer.json())))
    batch = await send(till, "/v1/members/batch", {"members": wishes("together")})
    found = [(row["status"], row.get("member") or row["problem"]) for row in batch.json()["rows"]]
    assert [(status, told(document)) for status, document in found] == singles


async def test_a_row_that_comes_again_is_the_member_of_before(services: Services) -> None:
    database = services.database
    wished = [member("old:1", "1000 0001"), member("old:2", "1000 0002", signed_up_at="2017-01-01T05:00:00Z")]
    async with caller(services, "members:write") as client:
        first = (await send(client, "/v1/members/batch", {"members": wished})).json()
        before = await contents(database)
        again = (await send(client, "/v1/members/batch", {"members": [*wished[::-1], member("x", "1000 0001")]})).json()
        twice = (await send(client, "/v1/members/batch", {"members": [member("old:3", "1000 0003")] * 2})).json()
    assert (first["signed_up"], first["refused"]) == (2, 0)
    ids = [row["member"]["member_id"] for row in first["rows"]]
    assert [row["member"]["member_id"] for row in again["rows"][:2]] == ids[::-1]
    assert (again["rows"][2]["status"], again["rows"][2]["problem"]["code"]) == (409, "identity_taken")
    assert again["rows"][2]["problem"]["errors"][0]["pointer"] == "/members/2/identities/0/value"
    assert {row["member"]["member_id"] for row in twice["rows"]} == {twice["rows"][0]["member"]["member_id"]}
    assert await rows(database, "SELECT count(*) FROM members") == [(3,)]
    kept = [row for row in (await contents(database))["members"] if row in before["members"]]
    assert kept == before["members"]


async def test_a_reference_with_other_values_is_another_sign_up(services: Services) -> None:
    async with caller(services, "members:write") as client:
        wished = [member("r", "2000 0001"), member("r", "2000 0002")]
        answer = (await send(client, "/v1/members/batch", {"members": wished})).json()
    assert len({row["member"]["member_id"] for row in answer["rows"]}) == 2
