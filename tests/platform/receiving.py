"""Receivers of webhooks: real servers on this machine that answer as they are told, and the house around them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from regulars.domain_events.base import Event
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.outbox.relay import Relay
from regulars.platform.vault.local import LocalVault
from regulars.platform.webhooks import service
from regulars.platform.webhooks.addresses import Guard
from regulars.platform.webhooks.contracts import Chosen, Delivery, Endpoint
from regulars.platform.webhooks.couriers import Courier
from regulars.platform.webhooks.handlers import announce
from regulars.platform.webhooks.sending import Limits, Sender
from regulars.platform.webhooks.signing import open_secret, shown
from tests.platform.feeding import accrued, redeemed
from tests.platform.relaying import publish

LOOPBACK = "127.0.0.0/8, ::1"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HURRIED = Limits(connect_seconds=2.0, step_seconds=0.3, whole_seconds=0.6)
REACTIONS = {type(accrued(None, 1)): [announce], type(redeemed(None, 1)): [announce]}


def answering(status: int, *headers: str, body: bytes = b"") -> bytes:
    """Return an answer."""
    head = "".join([f"{line}\r\n" for line in headers])
    return f"HTTP/1.1 {status} Whatever\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found

    @property
    def number(self) -> int:
        return int(self.event["data"]["amount"])


Behaviour = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Receiver:
    """A server that keeps what it gets, and answers by `behave`: 200 unless told otherwise."""

    behave: Behaviour | None = None
    received: list[Received] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    @property
    def numbers(self) -> list[int]:
        return [one.number for one in self.received]

    def always(self, answer: bytes) -> None:
        """Give everybody this answer."""

        async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
            writer.write(answer)

        self.behave = behave

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                one = Received(lines[0].split(" ")[1], headers, body)
                self.received.append(one)
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                try:
                    if self.behave is None:
                        writer.write(OK)
                    else:
                        await self.behave(one, writer)
                    await writer.drain()
                finally:
                    self.at_once -= 1
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Give a receiver that listens."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


@dataclass
class Watch:
    """A wall clock that tests move on."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return wall_now() + self.ahead

    def later(self, **parts: float) -> None:
        self.ahead += timedelta(**parts)


@dataclass
class House:
    """A programme that delivers webhooks to this machine."""

    database: Database
    vault: LocalVault
    watch: Watch
    relay: Relay
    courier: Courier

    @classmethod
    def of(cls, database: Database, folder: Path) -> "House":
        vault, watch = LocalVault(folder / "vault"), Watch()
        house = cls(database, vault, watch, Relay(database, REACTIONS), None)  # type: ignore[arg-type] # made below
        house.courier = house.another_courier()
        return house

    def another_courier(self, limits: Limits | None = None) -> Courier:
        sender = Sender(Guard(LOOPBACK), limits)
        return Courier(self.database, self.vault, sender, "urn:test", wall=self.watch)

    async def endpoint(self, url: str, *types: str) -> tuple[UUID, str]:
        """Add an endpoint; return its id and its secret."""
        async with self.database.transaction() as tx:
            made = await service.create(tx, self.vault, url, "", types)
        endpoint_id = made.endpoint.endpoint_id
        return endpoint_id, shown(open_secret(self.vault, endpoint_id, made.sealed))

    async def tell(self, *events: Event) -> None:
        """Publish, and let the relay write deliveries."""
        await publish(self.database, *events)
        await self.relay.drain()

    async def log(self, endpoint_id: UUID, *states: str) -> list[Delivery]:
        """Return an endpoint's deliveries, the first first."""
        async with self.database.transaction() as tx:
            found = await service.list_deliveries(tx, endpoint_id, Chosen(states=states), 1000)
        return found[::-1]

    async def standing(self, endpoint_id: UUID) -> Endpoint:
        async with self.database.transaction() as tx:
            return await service.find(tx, endpoint_id)

    async def errors(self, endpoint_id: UUID) -> list[str]:
        """Return what went wrong at each attempt of an endpoint's first delivery."""
        async with self.database.transaction() as tx:
            found = await service.list_deliveries(tx, endpoint_id, Chosen(), 1000)
            attempts = await service.attempts_of(tx, found[-1:])
        return [one.error for one in attempts.get(found[-1].delivery_id, [])]


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    made = House.of(database, tmp_path)
    yield made
    await made.courier.sender.close()
    made.vault.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made
