"""The edge on a real port: bodies that are too large or too slow, callers that hang up, and stopping."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from regulars.entrypoints.http import PortTaken, listen, serve
from regulars.platform.db.database import Database
from regulars.platform.http import direct
from regulars.platform.http.direct import HEAD_BYTES
from regulars.platform.http.timeouts import SharedTimeout
from tests.platform.counters import Room, create_counters, room

pytestmark = pytest.mark.anyio


@pytest.fixture
async def counters(database_url: str, database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    create_counters(database_url, "a")
    async with room(database, tmp_path, body_limit_bytes=10_000) as made:
        yield made


@asynccontextmanager
async def served(counters: Room) -> AsyncIterator[tuple[int, asyncio.Event]]:
    taken, stop = listen("127.0.0.1", 0), asyncio.Event()
    serving = asyncio.create_task(serve(counters.app, taken, stop))
    try:
        yield taken.getsockname()[1], stop
    finally:
        stop.set()
        await serving


async def exchange(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_large_body_is_refused_announced_or_not(counters: Room) -> None:
    authorization = f"Authorization: {counters.client.headers['Authorization']}\r\n".encode()
    head = b"POST /v1/counters/a/additions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIdempotency-Key: k\r\n"
    chunk = b"3000\r\n" + b"x" * 0x3000 + b"\r\n"
    async with served(counters) as (port, _):
        announced = await exchange(port, head + authorization + b"Content-Length: 30000\r\n\r\n" + b"x" * 30_000)
        chunked = await exchange(
            port, head + authorization + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 2 + b"0\r\n\r\n"
        )
        far_too_large = await exchange(port, head + authorization + b"Content-Length: 900000000\r\n\r\n")
        still_serves = await exchange(port, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    for answer in (announced, chunked, far_too_large):
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b'"code":"body_too_large"' in answer
    assert still_serves.startswith(b"HTTP/1.1 200 ")
    assert b"server:" not in still_serves.lower()


async def test_a_caller_that_hangs_up_within_its_body_does_no_harm(counters: Room) -> None:
    async with served(counters) as (port, _):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/counters/a/additions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            assert (await client.get("/health")).status_code == 200


@pytest.mark.parametrize("line", [b"X-Y: " + b"z" * HEAD_BYTES + b"\r\n", b"X-Y: z\r\n"])
async def test_a_head_without_an_end_is_refused_before_it_fills_the_memory(counters: Room, line: bytes) -> None:
    """Nobody needs a key to send one, and what is not complete reaches nothing that could refuse it."""
    begun, lines = b"GET /health HTTP/1.1\r\nConnection: close\r\n", -(-HEAD_BYTES // len(line))
    just = begun + b"X-Y: " + b"z" * (HEAD_BYTES - len(begun) - 100) + b"\r\n\r\n"
    async with served(counters) as (port, _), asyncio.timeout(10):
        whole = await exchange(port, begun + line * lines + b"\r\n")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        with suppress(ConnectionError):
            while not reader.at_eof():  # until nobody listens any more
                writer.write(line * lines)
                await writer.drain()
        within = await exchange(port, just)

    assert whole.startswith(b"HTTP/1.1 431 ")
    assert within.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n\r\nG"])
async def test_a_caller_that_does_not_finish_its_head_holds_no_connection(
    counters: Room, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert direct.HEAD_SECONDS == 30
    monkeypatch.setattr(direct, "HEAD_SECONDS", 0.1)
    async with served(counters) as (port, _), asyncio.timeout(4):  # uvicorn's own limit between requests is 5 s
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        if sent.endswith(b"G"):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"ET")
        answer = await reader.read()
        writer.close()

    assert answer.endswith(b"The head of the request did not arrive within 30 s.") == bool(sent)


@pytest.mark.parametrize("sent", [b"", b"{", b"x" * 10_001])
async def test_a_caller_that_does_not_finish_its_body_is_told_so_in_time(counters: Room, sent: bytes) -> None:
    """Before anything is known of the caller: not even a key is needed to hold a connection."""
    assert counters.app._arriving.seconds == 30
    counters.app._arriving = SharedTimeout(0.1)
    head = b"POST /v1/counters/a/additions HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n"
    async with served(counters) as (port, _), asyncio.timeout(10):
        answers = await asyncio.gather(*[exchange(port, head + sent) for _ in range(3)])
        ready = await exchange(port, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    for answer in answers:
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"body_too_slow"' in answer
        assert b"connection: close" in answer
    assert ready.startswith(b"HTTP/1.1 200 ")


async def test_only_who_is_late_is_told_so_and_a_cancelled_task_is_cancelled() -> None:
    """A timeout for all must not reach the others, nor swallow the cancellation of a task by somebody else."""
    limit, gate = SharedTimeout(0.05), asyncio.Event()

    async def wait(event: asyncio.Event) -> str:
        await event.wait()
        return "in time"

    late, cancelled = [asyncio.create_task(limit.limit(wait(gate))) for _ in range(2)]
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(TimeoutError):
        await late
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert late.cancelling() == 0
    gate.set()
    assert await limit.limit(wait(gate)) == "in time"
    assert limit._began == {}


async def test_stopping_answers_what_was_asked(counters: Room) -> None:
    entered, gate = asyncio.Event(), asyncio.Event()

    async def wait(_: object) -> None:
        entered.set()
        await gate.wait()

    counters.adder.before = wait
    headers = {**counters.client.headers, "Idempotency-Key": "k"}
    async with served(counters) as (port, stop), httpx.AsyncClient(headers=headers) as client:
        address = f"http://127.0.0.1:{port}/v1/counters/a/additions"
        asking = asyncio.create_task(client.post(address, json={"lines": [{"qty": 1}]}))
        await entered.wait()
        stop.set()
        gate.set()
        assert (await asking).json() == {"counter_id": "a", "value": 1}
    assert await counters.value() == 1


async def test_a_port_in_use_is_told_with_the_remedy() -> None:
    taken = listen("127.0.0.1", 0)
    port = taken.getsockname()[1]
    with pytest.raises(PortTaken, match=f"--port {port + 1}"):
        listen("127.0.0.1", port)
    taken.close()
