"""Keys speak the version of the API that they are pinned to: proven on a room whose operations two versions changed."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import pytest
from litestar import Response, get
from litestar.params import FromPath
from msgspec import Meta, Struct

from regulars.platform.auth import service
from regulars.platform.auth.contracts import KeyChange
from regulars.platform.auth.errors import VersionNotSpoken
from regulars.platform.db.database import Database
from regulars.platform.http.expanding import EXPANDS, Expandable, Expansion, Looking, Related
from regulars.platform.http.guards import requires
from regulars.platform.http.versions import (
    LATEST,
    SPOKEN,
    AnswerChange,
    BodyChange,
    Change,
    Version,
    Versions,
)
from regulars.platform.services import Services
from tests.platform.counters import CounterView, Room, create_counters, room
from tests.platform.test_direct import ask, post, served
from tests.platform.test_direct import get as read_of

pytestmark = pytest.mark.anyio

FIRST, SECOND, NOW = LATEST, "2999-03-01", "2999-09-01"
GONE: Final = "2019-01-01"
ADD, CHANGE = "POST /v1/counters/{counter_id}/additions", "PUT /v1/tallies/{counter_id}"
READ, SHELF = "GET /v1/counters/{counter_id}", "GET /v1/shelves/{shelf_id}"
SENT: Final[dict[str, dict[str, Any]]] = {
    FIRST: {"amount": 3},
    SECOND: {"amounts": [1, 2]},
    NOW: {"lines": [{"qty": 3}]},
}
CALLED: Final = {FIRST: ("id", "total"), SECOND: ("counter", "total"), NOW: ("counter_id", "value")}


class Amount(Struct, forbid_unknown_fields=True):
    amount: Annotated[int, Meta(ge=1)]


class Amounts(Struct, forbid_unknown_fields=True):
    amounts: Annotated[list[int], Meta(min_length=1)]


class FirstView(Struct):
    id: str
    total: int


class SecondView(Struct):
    counter: str
    total: int


class ShelfView(Struct):
    name: str
    counter_id: str


class FirstShelfView(Struct):
    label: str
    counter_id: str


def versions(turned: list[str]) -> Versions:
    """Return three versions, which note in `turned` what they turn."""

    def renamed(told: str, **names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
        def rename(answer: dict[str, Any]) -> dict[str, Any]:
            turned.append(told)
            return {names.get(name, name): part for name, part in answer.items()}

        return rename

    def one_amount(body: Amount) -> Amounts:
        turned.append("body to second")
        return Amounts([body.amount])

    def lines(body: Amounts) -> dict[str, Any]:
        turned.append("body to now")
        return {"lines": [{"qty": amount} for amount in body.amounts]}

    first = AnswerChange(FirstView, renamed("answer to first", counter="id"))
    second = AnswerChange(SecondView, renamed("answer to second", counter_id="counter", value="total"))

    def shelf(answer: dict[str, Any]) -> dict[str, Any]:
        return {"label": answer["name"], "counter_id": answer["counter_id"], **along(answer)}

    def along(answer: dict[str, Any]) -> dict[str, Any]:
        given = answer.get("counter")
        return {} if given is None else {"counter": {"id": given["counter_id"], "total": given["value"]}}

    return Versions(
        FIRST,
        Version(
            SECOND,
            [
                *[Change(one, BodyChange(Amount, one_amount), first) for one in (ADD, CHANGE)],
                Change(READ, answer=first),
                Change(SHELF, answer=AnswerChange(FirstShelfView, shelf)),
            ],
        ),
        Version(
            NOW,
            [*[Change(one, BodyChange(Amounts, lines), second) for one in (ADD, CHANGE)], Change(READ, answer=second)],
        ),
    )


def shelves(services: Services) -> Sequence[Any]:
    """Return a read that gives counters along."""

    async def counters(_: Looking, ids: Sequence[str]) -> Mapping[str, CounterView]:
        return {one: CounterView(one, 7) for one in ids}

    related = Related(CounterView, "readCounter", "ledger:read", counters)
    expandable = Expandable(services.database, [Expansion("counter", "counter_id", related)])

    @get("/v1/shelves/{shelf_id:str}", guards=[requires("ledger:read")], opt={EXPANDS: expandable})
    async def shelf(shelf_id: FromPath[str]) -> Response[ShelfView]:
        return Response(ShelfView(shelf_id, "a"))

    return [shelf]


@pytest.fixture
def turned() -> list[str]:
    """What was turned from one version into another."""
    return []


@pytest.fixture
async def counters(database: Database, database_url: str, tmp_path: Path, turned: list[str]) -> AsyncIterator[Room]:
    """A room of today, and a key that was made when there was one version only."""
    create_counters(database_url, "a")
    async with room(database, tmp_path, versions=versions(turned), more=shelves) as made:
        yield made


async def pin(counters: Room, version: str) -> None:
    async with counters.services.database.transaction(actor="cli:anna") as tx:
        change = KeyChange(api_version=version)
        await service.change_key(tx, counters.key_id, change, versions=counters.services.versions)
    await counters.services.authenticator._forget_if_changed()


async def pin_to_what_is_gone(counters: Room) -> None:
    """Leave a key as a release does that was taken back: it made it, and spoke more."""
    async with counters.services.database.transaction() as tx:
        tx.write("UPDATE api_keys SET api_version = %s", (GONE,))
        tx.write("UPDATE api_key_revision SET revision = revision + 1")
    await counters.services.authenticator._forget_if_changed()


async def send(
    counters: Room, operation: str, body: dict[str, Any], key: str, *, named: str | None = None
) -> httpx.Response:
    method, _, path = operation.partition(" ")
    headers = {"Idempotency-Key": key} | ({} if named is None else {"Regulars-Version": named})
    return await counters.client.request(method, path.replace("{counter_id}", "a"), json=body, headers=headers)


@pytest.mark.parametrize("operation", [ADD, CHANGE])  # the one past the framework, the other within it
async def test_what_is_sent_and_answered_is_of_the_keys_version_or_the_one_named(
    counters: Room, turned: list[str], operation: str
) -> None:
    total = 0
    for pinned in (FIRST, SECOND, NOW):
        await pin(counters, pinned)
        for named in (None, FIRST, SECOND, NOW):
            turned.clear()
            spoken = named or pinned
            total += 3
            answer = await send(counters, operation, SENT[spoken], f"{pinned}-{named}", named=named)
            again = await send(counters, operation, SENT[spoken], f"{pinned}-{named}", named=named)
            id_name, value_name = CALLED[spoken]
            assert (answer.status_code, answer.json()) == (200, {id_name: "a", value_name: total}), (pinned, named)
            assert answer.headers.get_list("regulars-version") == [spoken]
            assert (again.headers["idempotency-replayed"], again.content) == ("true", answer.content)
            assert bool(turned) == (spoken != NOW), turned
    assert await counters.value() == total == 36


async def test_the_short_way_speaks_versions_too(counters: Room, turned: list[str]) -> None:
    now = f"Regulars-Version: {NOW}\r\n"
    async with served(counters) as (port, _):
        (then,) = await ask(port, post(counters, b'{"amount":2}', key="1"))
        (today,) = await ask(port, post(counters, b'{"lines":[{"qty":1}]}', key="2", more=now))
        (read,) = await ask(port, read_of(counters))
        (refused,) = await ask(port, post(counters, b'{"lines":[{"qty":1}]}', key="3"))
        await pin(counters, NOW)
        turned.clear()
        (after,) = await ask(port, post(counters, b'{"lines":[{"qty":1}]}', key="4"))

    assert then.endswith(b'\r\n\r\n{"id":"a","total":2}')
    assert today.endswith(b'\r\n\r\n{"counter_id":"a","value":3}')
    assert read.endswith(b'\r\n\r\n{"id":"a","total":3}')
    assert after.endswith(b'\r\n\r\n{"counter_id":"a","value":4}')
    assert b'"code":"field_unknown"' in refused
    for answer, version in ((then, FIRST), (today, NOW), (read, FIRST), (refused, FIRST), (after, NOW)):
        assert answer.count(b"regulars-version: ") == answer.count(f"regulars-version: {version}\r\n".encode()) == 1
    assert turned == []


@pytest.mark.parametrize("operation", [ADD, CHANGE])
async def test_an_older_body_is_read_as_strictly_and_refused_by_its_own_names(counters: Room, operation: str) -> None:
    wrong = await send(counters, operation, {"amount": 0}, "1")
    newer = await send(counters, operation, SENT[NOW], "2")
    older = await send(counters, operation, SENT[FIRST], "3", named=NOW)
    later = await send(counters, operation, {"amount": 1001}, "4")  # what the body of today refuses

    assert [(one.status_code, one.json()["code"]) for one in (wrong, newer, older, later)] == [
        (422, "out_of_range"),
        (422, "field_unknown"),
        (422, "field_unknown"),
        (422, "out_of_range"),
    ]
    assert wrong.json()["errors"][0]["pointer"] == "/amount"
    assert newer.json()["errors"][0]["pointer"] == "/lines"
    assert [one.headers["regulars-version"] for one in (wrong, older)] == [FIRST, NOW]
    assert await counters.value() == 0


async def test_fields_are_chosen_from_the_answer_as_it_was(counters: Room) -> None:
    some = await counters.client.get("/v1/counters/a?fields=total")
    wrong = await counters.client.get("/v1/counters/a?fields=value")
    now = await counters.client.get("/v1/counters/a?fields=value", headers={"Regulars-Version": NOW})
    along = await counters.client.get("/v1/shelves/top?expand=counter&fields=label,counter.total")
    newer = await counters.client.get("/v1/shelves/top?expand=counter", headers={"Regulars-Version": SECOND})

    assert (some.json(), some.headers["regulars-version"]) == ({"total": 0}, FIRST)
    assert (wrong.status_code, wrong.json()["data"]["known"]) == (422, "id, total")
    assert now.json() == {"value": 0}
    assert along.json() == {"label": "top", "counter": {"total": 7}}
    assert newer.json() == {"name": "top", "counter_id": "a", "counter": {"counter_id": "a", "value": 7}}


@pytest.mark.parametrize("operation", [ADD, CHANGE])
async def test_a_version_that_is_not_spoken_is_refused(counters: Room, operation: str) -> None:
    spoken = f"{FIRST}, {SECOND}, {NOW}"
    unknown = await send(counters, operation, SENT[NOW], "1", named=GONE)
    await pin_to_what_is_gone(counters)
    pinned = await send(counters, operation, SENT[NOW], "2")
    counters.client.headers["Accept-Language"] = "zh"
    in_chinese = await send(counters, operation, SENT[NOW], "2")
    before = await counters.value()
    named = await send(counters, operation, SENT[FIRST], "2", named=FIRST)
    del counters.client.headers["Authorization"]
    nobody = await send(counters, operation, SENT[FIRST], "3", named=FIRST)

    assert (unknown.status_code, unknown.json()["code"]) == (400, "version_unknown")
    assert unknown.json()["data"] == {"version": GONE, "versions": spoken}
    assert (pinned.status_code, pinned.json()["code"]) == (400, "key_version_unknown")
    assert pinned.json()["data"] == {"version": GONE, "versions": spoken}
    assert all(told in pinned.json()["detail"] for told in ("Regulars-Version", spoken))
    assert all(told in in_chinese.json()["detail"] for told in ("Regulars-Version", GONE, "密钥"))
    assert [one.headers["regulars-version"] for one in (unknown, pinned)] == [NOW, NOW]
    assert before == 0
    assert (named.status_code, named.json()) == (200, {"id": "a", "total": 3})
    assert (nobody.status_code, nobody.headers["regulars-version"]) == (401, FIRST)


async def test_an_access_token_speaks_what_its_key_does(counters: Room) -> None:
    key = counters.client.headers["Authorization"].removeprefix("Bearer ")
    exchanged = await counters.services.authenticator.exchange(f"ak_{counters.key_id.hex}", key, [])
    counters.client.headers["Authorization"] = f"Bearer {exchanged.token}"
    first = await send(counters, ADD, SENT[FIRST], "1")
    await pin(counters, SECOND)
    second = await send(counters, ADD, SENT[SECOND], "2")

    assert first.json() == {"id": "a", "total": 3}
    assert second.json() == {"counter": "a", "total": 6}


async def test_a_key_is_pinned_to_the_latest_there_is_until_it_is_changed(database: Database) -> None:
    later = versions([])
    async with database.transaction(actor="cli:anna") as tx:
        old, _ = await service.create_key(tx, label="old", scopes=["admin"])
        new, _ = await service.create_key(tx, label="new", scopes=["admin"], versions=later)
        for key, version in ((old, SECOND), (new, FIRST)):
            change = KeyChange(api_version=version)
            await service.change_key(tx, key.key_id, change, reason="tried out", versions=later)
        with pytest.raises(VersionNotSpoken) as caught:
            await service.change_key(tx, old.key_id, KeyChange(api_version=NOW))
        await service.change_key(tx, old.key_id, KeyChange(label="older"))
    async with database.transaction() as tx:
        kept = {key.label: key.api_version for key in await service.list_keys(tx)}
        told = await tx.rows("SELECT reason, detail FROM audit_entries WHERE action = 'change_key' ORDER BY entry_id")

    assert (old.api_version, new.api_version) == (LATEST, NOW)
    assert (caught.value.pointer, caught.value.data) == (
        "/api_version",
        {"version": NOW, "versions": ", ".join(SPOKEN.names)},
    )
    assert kept == {"older": SECOND, "new": FIRST}
    assert [tuple(row) for row in told] == [
        ("tried out", f"from anywhere, the usual limit, 'old', version {SECOND}"),
        ("tried out", f"from anywhere, the usual limit, 'new', version {FIRST}"),
        ("", f"from anywhere, the usual limit, 'older', version {SECOND}"),
    ]


def test_an_answer_kept_from_before_an_upgrade_stays_what_it_is() -> None:
    older = versions([]).older(FIRST)
    assert older is not None
    then = older.turns[ADD].answer({"counter_id": "a", "value": 3})

    assert then == {"id": "a", "total": 3}
    assert older.turns[ADD].answer(then) == then


def test_versions_stand_in_the_order_of_their_dates() -> None:
    for later in (FIRST, "2001-01-01"):
        with pytest.raises(ValueError, match="order"):
            Versions(FIRST, Version(later))
