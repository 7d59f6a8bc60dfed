"""The product on a real port beside the test, and somebody unsteady who stands before it."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regulars.entrypoints.configure import configure, read_programme
from regulars.entrypoints.http import create_app, listen, serve
from regulars.entrypoints.importing import job_kinds
from regulars.entrypoints.wiring import web
from regulars.platform.auth import service as auth
from regulars.platform.bulk.stepping import do_step
from regulars.platform.db.database import Database
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.entrypoints.walkthrough import PROGRAMME

CUT_BEFORE, CUT_AFTER = "cut before it is asked", "cut after it is carried out"


@dataclass(frozen=True, slots=True)
class Product:
    """A deployment with Beichen's programme: its address, a key that may do everything, and one that only reads."""

    url: str
    key_id: str
    api_key: str
    reader: str
    loop: asyncio.AbstractEventLoop
    do_jobs: Callable[[], Coroutine[Any, Any, None]]

    def work(self) -> None:
        """Do every job that waits, as a worker would."""
        asyncio.run_coroutine_threadsafe(self.do_jobs(), self.loop).result(timeout=30)


@contextmanager
def product_served(database_url: str, home: Path) -> Iterator[Product]:
    """Serve it on an event loop of its own, as another process would."""
    started: Future[Product] = Future()
    stop = asyncio.Event()

    async def run() -> None:
        async with Database(database_url, pool_size=6) as database:
            services = Services(Settings(home=home), database, LocalVault(home / "vault"))
            await configure(database, read_programme(PROGRAMME), reason="opening day")
            async with database.transaction() as tx:
                key, api_key = await auth.create_key(tx, label="till", scopes=["admin"])
                _, reader = await auth.create_key(tx, label="reader", scopes=["members:read"])
            taken = listen("127.0.0.1", 0)
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            serving = asyncio.create_task(serve(create_app(services, web(services)), taken, stop))
            loop = asyncio.get_running_loop()
            kinds = job_kinds(services.settings, services.vault, database)

            async def do_jobs() -> None:
                async with database.transaction() as tx:
                    waiting = await tx.rows("SELECT job_id FROM jobs WHERE state = 'queued' ORDER BY asked_at")
                for (job_id,) in waiting:
                    more: int | None = 1
                    while more is not None:
                        async with database.transaction(set_based=True) as tx:
                            more = await do_step(tx, kinds, job_id)

            started.set_result(Product(url, public_id("ak", key.key_id), api_key, reader, loop, do_jobs))
            await serving
            await services.drain()

    def begin() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=begin)
    thread.start()
    try:
        product = started.result(timeout=30)
        yield product
        product.loop.call_soon_threadsafe(stop.set)
    finally:
        thread.join(timeout=30)


@dataclass
class Unsteady:
    """Stands before the product. Each request meets the next fault: a cut, or an answer of its own; then none."""

    port: int
    faults: deque[str | bytes] = field(default_factory=deque)
    asked: list[bytes] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            body = await reader.readexactly(int(lengths[0].partition(b":")[2])) if lengths else b""
            self.asked.append(head + body)
            fault = self.faults.popleft() if self.faults else b""
            if isinstance(fault, bytes) and fault:
                writer.write(fault)
            elif fault != CUT_BEFORE:
                answer = await self._pass_on(head, body)
                writer.write(b"" if fault == CUT_AFTER else answer)
            await writer.drain()
        writer.close()

    async def _pass_on(self, head: bytes, body: bytes) -> bytes:
        first, _, rest = head.partition(b"\r\n")
        kept = b"\r\n".join(line for line in rest.split(b"\r\n") if not line.lower().startswith(b"connection:"))
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(first + b"\r\nConnection: close\r\n" + kept + body)
        await writer.drain()
        answer = await reader.read()
        writer.close()
        return answer

    @property
    def keys(self) -> list[bytes]:
        """The idempotency keys that were sent, request by request."""
        return [
            line.partition(b":")[2].strip()
            for request in self.asked
            for line in request.split(b"\r\n")
            if line.lower().startswith(b"idempotency-key:")
        ]


@contextmanager
def unsteady(product: Product, *faults: str | bytes) -> Iterator[Unsteady]:
    """Give one that listens."""
    before = Unsteady(int(product.url.rpartition(":")[2]), deque(faults))

    async def begin() -> asyncio.Server:
        server = await asyncio.start_server(before.serve, "127.0.0.1", 0)
        before.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return server

    server = asyncio.run_coroutine_threadsafe(begin(), product.loop).result(timeout=10)
    try:
        yield before
    finally:
        product.loop.call_soon_threadsafe(server.close)


def answer(status: int, *headers: str, body: bytes = b"") -> bytes:
    """Return an answer that somebody before the product gives."""
    told = "".join(f"{header}\r\n" for header in headers)
    return (
        f"HTTP/1.1 {status} Whatever\r\n{told}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    )
