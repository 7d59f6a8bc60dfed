"""The short way of hot routes, on a real port: a caller cannot tell it from the long one."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from regulars.entrypoints.http import listen, serve
from regulars.platform.auth import service as auth
from regulars.platform.db.database import Database
from regulars.platform.http.edge import Edge
from tests.platform.counters import Room, create_counters, room

pytestmark = pytest.mark.anyio

ADDITIONS = "/v1/counters/a/additions"
ONE = b'{"lines":[{"qty":1}]}'
REPLAYED = b"idempotency-replayed: true\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
async def counters(database_url: str, database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    create_counters(database_url, "a", "full")
    async with room(database, tmp_path, body_limit_bytes=1000) as made:
        yield made


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates of the routes that were answered the short way."""
    taken: list[str] = []
    carry_out = Edge.carry_out

    def watched(self: Edge, route: object, *rest: object) -> None:
        taken.append(route.template)  # type: ignore[attr-defined] # a Taken
        carry_out(self, route, *rest)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(Edge, "carry_out", watched)
    return taken


@asynccontextmanager
async def served(counters: Room) -> AsyncIterator[tuple[int, asyncio.Event]]:
    taken, stop = listen("127.0.0.1", 0), asyncio.Event()
    serving = asyncio.create_task(serve(counters.app, taken, stop))
    try:
        yield taken.getsockname()[1], stop
    finally:
        stop.set()
        await serving


def post(counters: Room, body: bytes, *, path: str = ADDITIONS, key: str | None = "k", more: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {counters.client.headers['Authorization']}\r\n{more}"
    if key is not None:
        head += f"Idempotency-Key: {key}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def get(counters: Room, counter: str = "a") -> bytes:
    authorization = counters.client.headers["Authorization"]
    return f"GET /v1/counters/{counter} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n\r\n".encode()


async def ask(port: int, *parts: bytes, answers: int = 1) -> list[bytes]:
    """Send a request, in parts that arrive apart, and return so many answers without what changes each time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        if part is not parts[-1]:  # a whole other exchange lies between two parts
            await ask(port, HEALTH)
    found = []
    for _ in range(answers):
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None
        found.append(varying_left_out(head + await reader.readexactly(int(length[1]))))
    writer.close()
    return found


def varying_left_out(answer: bytes) -> bytes:
    answer = re.sub(rb"date: [^\r]+\r\n", b"date\r\n", answer)
    answer = re.sub(rb"req_[0-9a-f]{24}", b"req_", answer)
    answer = re.sub(rb";r=\d+;t=\d+", b";r;t", answer)
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    return b"\r\n".join([status, *sorted(lines)]) + b"\r\n\r\n" + body


async def test_the_short_way_answers_as_the_long_one(counters: Room, direct: list[str]) -> None:
    full = post(counters, b'{"lines":[' + b",".join([b'{"qty":1000}'] * 10) + b"]}", path="/v1/counters/full/additions")
    requests = {
        "a posting": post(counters, ONE),
        "its replay": post(counters, ONE),
        "another body": post(counters, b'{"lines":[{"qty":2}]}'),
        "no key": post(counters, ONE, key=None),
        "an impossible key": post(counters, ONE, key="x" * 256),
        "no JSON": post(counters, b"{", key="j"),
        "an unknown field": post(counters, b'{"lines":[{"qty":1}],"colour":1}', key="f"),
        "no body": post(counters, b"", key="e"),
        "an unknown counter": post(counters, ONE, path="/v1/counters/nobody/additions", key="n"),
        "up to the brim": full.replace(b"Key: k", b"Key: full"),
        "too full": full.replace(b"Key: k", b"Key: fuller"),
        "in Chinese": post(counters, b"{", key="z", more="Accept-Language: zh-CN\r\n"),
        "a request id": post(counters, b"{", key="r", more="X-Request-Id: till-7\r\n"),
        "a read": get(counters),
        "a read of nothing": get(counters, "nobody"),
        "a wrong key": get(counters).replace(b"rgl_", b"rgx_"),
    }
    async with served(counters) as (port, _):
        for name, request in requests.items():
            before = len(direct)
            short = await ask(port, request)
            assert len(direct) == before + 1, name
            long = await ask(port, request.replace(b"/v1/counters", b"/v1/%63ounters"))
            assert len(direct) == before + 1, name
            # Who asks again is given the first answer, marked as such.
            assert [one.replace(REPLAYED, b"") for one in long] == [one.replace(REPLAYED, b"") for one in short], name
    assert await counters.value() == 1


async def test_what_is_no_plain_request_goes_the_long_way(counters: Room, direct: list[str]) -> None:
    plain = post(counters, ONE)
    chunked = plain.replace(b"Content-Length: 21", b"Transfer-Encoding: chunked").replace(
        ONE, b"15\r\n" + ONE + b"\r\n0\r\n\r\n"
    )
    async with served(counters) as (port, _):
        for request in (
            plain.replace(b"Host: x", b"Host: x\r\nConnection: close"),
            plain.replace(b"HTTP/1.1", b"HTTP/1.0"),
            plain.replace(b"additions HTTP", b"additions?explain=1 HTTP"),
            plain.replace(b"/a/", b"/%61/"),
            post(counters, b" " * 980 + ONE),  # beyond the limit
        ):
            await ask(port, request)
        await ask(port, plain[:-5], plain[-5:])
        assert direct == []
        (answer,) = await ask(port, chunked)
        assert answer.startswith(b"HTTP/1.1 200")
    assert direct == [ADDITIONS.replace("/a/", "/{counter_id}/")]


async def test_requests_that_come_together_are_answered_in_their_order(counters: Room) -> None:
    async with served(counters) as (port, _):
        answers = await ask(
            port,
            post(counters, ONE, key="1") + HEALTH + post(counters, ONE, key="2") + get(counters) + post(counters, b"{"),
            answers=5,
        )
    bodies = [answer.partition(b"\r\n\r\n")[2] for answer in answers]
    assert [b'"value":1' in bodies[0], b"alive" in bodies[1], b'"value":2' in bodies[2], b'"value":2' in bodies[3]] == [
        True
    ] * 4
    assert answers[4].startswith(b"HTTP/1.1 400")


async def test_a_caller_that_hangs_up_is_posted_for_all_the_same(counters: Room, direct: list[str]) -> None:
    async with served(counters) as (port, _):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(post(counters, ONE))
        await writer.drain()
        while not direct:
            await asyncio.sleep(0)
        writer.close()
        await writer.wait_closed()
        while not await counters.value():  # else the second, which comes while the first is looked at, may overtake it
            await asyncio.sleep(0)
        (answer,) = await ask(port, post(counters, ONE))
    assert b"idempotency-replayed: true" in answer
    assert await counters.value() == 1


async def test_stopping_lets_what_was_begun_be_answered(counters: Room, direct: list[str]) -> None:
    begun, gate = asyncio.Event(), asyncio.Event()

    async def wait(_: object) -> None:
        begun.set()
        await gate.wait()

    counters.adder.before = wait
    async with served(counters) as (port, stop):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(post(counters, ONE))
        await begun.wait()
        stop.set()
        gate.set()
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 200")
    assert direct


async def test_a_key_is_recognised_at_its_first_request_and_refused_once_revoked(
    counters: Room, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "KNOWN_FOR_SECONDS", 0.0)
    monkeypatch.setattr(auth, "_ASK_AGAIN_SECONDS", 0.0)
    async with served(counters) as (port, _):
        assert (await ask(port, get(counters)))[0].startswith(b"HTTP/1.1 200")
        async with database.transaction() as tx:
            await auth.revoke_key(tx, counters.key_id)
        assert (await ask(port, get(counters)))[0].startswith(b"HTTP/1.1 401")
