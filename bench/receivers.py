"""A receiver of webhooks on the loopback, a process of its own: says yes to every POST, and keeps what it got.

`GET /count` tells how many arrived. `GET /all` gives them (msgpack) with the seconds from the first to the last,
and forgets them.
"""

import asyncio
import sys
from time import perf_counter
from typing import cast

import msgspec
import uvloop

from bench.server import HOST

_YES = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
_HEAD_END = b"\r\n\r\n"


class Message(msgspec.Struct):
    """One POST, as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


class Arrived(msgspec.Struct):
    """What came since it was asked last, and within how many seconds."""

    messages: list[Message]
    seconds: float


class Kept:
    """What came so far; parsed when it is asked for."""

    def __init__(self) -> None:
        self.parts: list[tuple[bytes, bytes]] = []
        self.first = self.last = 0.0

    def take(self, head: bytes, body: bytes) -> None:
        """Keep one."""
        self.last = perf_counter()
        if not self.parts:
            self.first = self.last
        self.parts.append((head, body))

    def give(self) -> bytes:
        """Give everything, and forget it."""
        arrived = Arrived([_parsed(head, body) for head, body in self.parts], self.last - self.first)
        self.parts = []
        return msgspec.msgpack.encode(arrived)


class Receiving(asyncio.Protocol):
    """One connection."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is none by its class

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._buffer += data
        while (end := self._buffer.find(_HEAD_END)) >= 0:
            head = self._buffer[:end]
            length = _length(head)
            if len(self._buffer) < end + len(_HEAD_END) + length:
                return
            body = self._buffer[end + len(_HEAD_END) : end + len(_HEAD_END) + length]
            self._buffer = self._buffer[end + len(_HEAD_END) + length :]
            self._transport.write(self._answer(head, body))

    def _answer(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"POST"):
            self._kept.take(head, body)
            return _YES
        told = self._kept.give() if head.startswith(b"GET /all") else str(len(self._kept.parts)).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(told), told)


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def _parsed(head: bytes, body: bytes) -> Message:
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Message(first.split(" ")[1], headers, body)


async def serve(port: int) -> None:
    """Receive until a signal comes."""
    kept = Kept()
    server = await asyncio.get_running_loop().create_server(lambda: Receiving(kept), HOST, port)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
