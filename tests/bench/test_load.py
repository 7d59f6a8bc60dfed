"""The load generator counts what it is answered, and says what it was not."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bench.load import Job, Result, run

pytestmark = pytest.mark.anyio
REQUEST = b"GET / HTTP/1.1\r\n\r\n"
Answers = Callable[[int, asyncio.StreamWriter], Awaitable[None]]


async def loaded(answer: Answers, *, requests: int, connections: int = 3) -> Result:
    """Fire a few requests at a server that answers the n-th one by `answer`."""
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        while await reader.readline():
            await reader.readline()
            served += 1
            await answer(served, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        job = Job("127.0.0.1", port, connections, 30.0, 0.0, 20.0, [REQUEST] * requests)
        return await asyncio.to_thread(run, job)


def response(status: int, body: bytes = b"{}") -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


async def test_every_request_is_sent_once_and_every_answer_counted() -> None:
    async def answer(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(response(201))

    result = await loaded(answer, requests=40)

    assert (result.statuses, result.lost, result.exhausted) == ({201: 40}, 0, True)
    assert sorted(result.acknowledged) == list(range(40))


async def test_an_answer_may_come_in_pieces() -> None:
    async def answer(_: int, writer: asyncio.StreamWriter) -> None:
        for byte in response(200, b"[1, 2, 3]"):
            writer.write(bytes([byte]))
            await writer.drain()

    result = await loaded(answer, requests=6)

    assert result.statuses == {200: 6}


async def test_a_refusal_is_not_acknowledged_and_is_shown() -> None:
    async def answer(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(response(409, b"no") if number == 3 else response(201))

    result = await loaded(answer, requests=5, connections=1)

    assert result.statuses == {201: 4, 409: 1}
    assert result.acknowledged == [0, 1, 3, 4]
    assert result.samples == ["409 no"]


async def test_an_answer_that_never_comes_is_lost() -> None:
    async def answer(number: int, writer: asyncio.StreamWriter) -> None:
        if number == 4:
            writer.close()
        else:
            writer.write(response(201))

    result = await loaded(answer, requests=9, connections=1)

    assert (result.lost, result.statuses) == (1, {201: 3})
