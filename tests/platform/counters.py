"""A room of the tests' own: counters that can be added to, through everything a real room uses."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import httpx
import msgspec
import psycopg
from litestar import Request, Response, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import Web
from regulars.platform.auth import service as auth
from regulars.platform.commit.lane import Lane, json_answer
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import Conflict, DomainError, NotFound
from regulars.platform.http.edge import Edge
from regulars.platform.http.guards import requires
from regulars.platform.http.hot import HotMutation, HotRead, HotRoute
from regulars.platform.http.mutations import carry_out
from regulars.platform.http.versions import SPOKEN, Versions
from regulars.platform.logs import RequestLog
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault

Quantity = Annotated[int, Meta(ge=1, le=1000)]


class Line(Struct, forbid_unknown_fields=True):
    qty: Quantity
    sku: Annotated[str, Meta(min_length=1, max_length=8)] = "sku"


class Addition(Struct, forbid_unknown_fields=True):
    lines: Annotated[list[Line], Meta(min_length=1)]
    note: str = ""


class CounterView(Struct):
    counter_id: str
    value: int


class CounterFull(Conflict):
    """A counter takes no more than 10,000."""

    code = "counter_full"
    message = "The counter has {value} and takes no more than 10000."


class BrokenStatement(Exception):
    """What a bug of ours looks like."""


@dataclass
class Adding:
    counter_id: str
    amount: int


@dataclass
class Adder:
    """Adds in batches, set-based in spirit; `poison` breaks every batch that holds that counter.

    `before` is called in each transaction before anything is done.
    """

    poison: str = ""
    before: Callable[[Transaction], Awaitable[None]] | None = None
    batches: list[list[str]] = field(default_factory=list)

    async def apply(self, tx: Transaction, commands: Sequence[Adding]) -> list[CounterView | DomainError]:
        self.batches.append([command.counter_id for command in commands])
        if self.before is not None:
            await self.before(tx)
        results: list[CounterView | DomainError] = []
        for command in commands:
            if command.counter_id == self.poison:
                await tx.rows("SELECT 1 / 0")
            results.append(await self._add(tx, command))
        return results

    @staticmethod
    async def _add(tx: Transaction, command: Adding) -> CounterView | DomainError:
        found = await tx.rows("SELECT value FROM counters WHERE counter_id = %s FOR UPDATE", (command.counter_id,))
        if not found:
            return NotFound()
        value = found[0][0] + command.amount
        if value > 10_000:
            return CounterFull(value=found[0][0], pointer="/lines")
        tx.write("UPDATE counters SET value = %s WHERE counter_id = %s", (value, command.counter_id))
        return CounterView(command.counter_id, value)


def command_of(counter_id: str, data: Addition) -> Adding:
    return Adding(counter_id, sum(line.qty for line in data.lines))


def offered(services: Services, lane: Lane[Adding, CounterView]) -> Web:
    """The routes, and the hot ones among them; `/cold` leads to the documented twins' code only."""

    async def value_of(counter_id: str) -> bytes:
        async with services.database.transaction() as tx:
            rows = await tx.rows("SELECT value FROM counters WHERE counter_id = %s", (counter_id,))
        if not rows:
            raise NotFound
        return msgspec.json.encode(CounterView(counter_id, rows[0][0]))

    @post(
        ["/v1/counters/{counter_id:str}/additions", "/cold/counters/{counter_id:str}/additions"],
        guards=[requires("ledger:write")],
        status_code=200,
    )
    async def add(
        request: Request[Any, Any, Any], counter_id: FromPath[str], data: JSONBody[Addition]
    ) -> Response[CounterView]:
        """Add to a counter."""
        return await carry_out(request, lane, command_of(counter_id, data), subject=counter_id)

    @put(["/v1/tallies/{counter_id:str}", "/cold/counters/{counter_id:str}"], guards=[requires("ledger:write")])
    async def change(
        request: Request[Any, Any, Any], counter_id: FromPath[str], data: JSONBody[Addition]
    ) -> Response[CounterView]:
        return await carry_out(request, lane, command_of(counter_id, data), subject=counter_id)

    @get(
        ["/v1/counters/{counter_id:str}", "/cold/counters/{counter_id:str}"],
        guards=[requires("ledger:read")],
    )
    async def read(counter_id: FromPath[str], limit: Annotated[int, QueryParameter(ge=1)] = 1) -> Response[CounterView]:
        del limit
        body: Any = await value_of(counter_id)
        return Response(body, media_type="application/json")

    @get("/broken")
    async def broken() -> None:
        raise BrokenStatement("the phone +86 138 0013 8000 of zhang@example.com\nmore")

    hot: list[HotRoute] = [
        HotMutation("POST", "/v1/counters/{counter_id}/additions", "ledger:write", Addition, lane, command_of),
        HotRead("/v1/counters/{counter_id}", "ledger:read", value_of),
    ]
    return Web(routes=[add, change, read, broken], hot=hot)


@dataclass
class Room:
    """The application under test, a caller of it, and what stands behind it."""

    app: Edge
    services: Services
    lane: Lane[Adding, CounterView]
    adder: Adder
    client: httpx.AsyncClient
    key_id: Any
    log: StringIO
    request_log: RequestLog

    async def value(self, counter_id: str = "a") -> int:
        async with self.services.database.transaction() as tx:
            return int((await tx.rows("SELECT value FROM counters WHERE counter_id = %s", (counter_id,)))[0][0])

    async def count(self, table: str) -> int:
        async with self.services.database.transaction() as tx:
            return int((await tx.rows(f"SELECT count(*) FROM {table}"))[0][0])

    async def add(
        self,
        qty: int = 1,
        *,
        key: str | None = "k",
        counter: str = "a",
        side: str = "v1",
        more: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        return await self.client.post(
            f"/{side}/counters/{counter}/additions",
            json={"lines": [{"qty": qty}]},
            headers={**({"Idempotency-Key": key} if key is not None else {}), **(more or {})},
        )


def create_counters(database_url: str, *counters: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE counters (counter_id text PRIMARY KEY, value bigint NOT NULL)")
        for counter in counters:
            connection.execute("INSERT INTO counters VALUES (%s, 0)", (counter,))


@asynccontextmanager
async def room(
    database: Database,
    home: Path,
    *,
    scopes: Sequence[str] = ("ledger:write", "ledger:read"),
    body_limit_bytes: int = 1_000_000,
    networks: Sequence[str] = (),
    often: int | None = None,
    trusted_proxies: str = "",
    versions: Versions = SPOKEN,
    more: Callable[[Services], Sequence[Any]] | None = None,
) -> AsyncIterator[Room]:
    settings = Settings(home=home, body_limit_bytes=body_limit_bytes, trusted_proxies=trusted_proxies)
    services = Services(settings, database, LocalVault(home / "vault"), versions=versions)
    adder = Adder()
    lane: Lane[Adding, CounterView] = services.lane(
        "add_to_counter", adder.apply, json_answer(200, msgspec.json.encode)
    )
    async with database.transaction() as tx:
        key, token = await auth.create_key(
            tx, label="tests", scopes=scopes, networks=networks, requests_per_second=often
        )
    log = StringIO()
    request_log = RequestLog(log)
    shown = offered(services, lane)
    if more is not None:
        shown = replace(shown, routes=[*shown.routes, *more(services)])
    app = create_app(services, shown, request_log)
    transport = httpx.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield Room(app, services, lane, adder, client, key.key_id, log, request_log)
    await services.drain()
