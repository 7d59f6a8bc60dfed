"""The load generator: a process of its own, so that it shares no interpreter with what it measures.

It reads one `Job` (msgpack) from stdin, keeps so many connections to the loopback busy for so many seconds with
requests that were rendered before, one in flight a connection, waits for the last answers, and writes one `Result`.
"""

import asyncio
import re
import socket
import sys
from time import perf_counter
from typing import Any, cast

import msgspec
import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_SAMPLES = 5
_FIRST_FAILURE = 400


class Job(msgspec.Struct):
    """What to send. `cycle` begins anew when the requests are used up; otherwise the load then ends."""

    host: str
    port: int
    connections: int
    seconds: float
    warm_seconds: float
    deadline_seconds: float
    requests: list[bytes]
    cycle: bool = False


class Result(msgspec.Struct):
    """What came back. `rate` (a second), `p50_ms` and `p99_ms` are of the time after the warm-up and before the end.

    `acknowledged` are the positions of the requests that were answered with 2xx, over the whole time.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    measured: int
    sent: int
    statuses: dict[int, int]
    acknowledged: list[int]
    samples: list[str]
    exhausted: bool
    lost: int


class Load:
    """The state that all connections share."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.next = 0
        self.open = 0
        self.lost = 0
        self.exhausted = False
        self.statuses: dict[int, int] = {}
        self.acknowledged: list[int] = []
        self.finished: list[tuple[float, float]] = []  # when answered, seconds taken
        self.samples: list[str] = []
        self.stop_at = float("inf")
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take(self) -> int | None:
        """Return the position of the next request; None when it is over."""
        if perf_counter() >= self.stop_at:
            return None
        position, count = self.next, len(self.job.requests)
        if position >= count and not self.job.cycle:
            self.exhausted = True
            return None
        self.next = position + 1
        return position

    def answered(self, position: int, status: int, began: float, body: bytes) -> None:
        """Take note of one answer."""
        now = perf_counter()
        self.finished.append((now, now - began))
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status < _FIRST_FAILURE:
            if not self.job.cycle:
                self.acknowledged.append(position)
        elif len(self.samples) < _SAMPLES:
            self.samples.append(f"{status} {body[:300].decode(errors='replace')}")

    def closed(self, *, waiting: bool) -> None:
        """Take note of a connection that ended, with or without an answer due."""
        self.lost += waiting
        self.open -= 1
        if self.open == 0 and not self.done.done():
            self.done.set_result(None)

    def break_off(self, context: dict[str, Any]) -> None:
        """End the load when the generator itself has a fault."""
        if not self.done.done():
            self.done.set_exception(context.get("exception") or RuntimeError(context["message"]))

    def result(self, began: float) -> Result:
        """Sum up."""
        first = began + self.job.warm_seconds
        last = max([at for at, _ in self.finished], default=first) if self.exhausted else self.stop_at
        taken = sorted(seconds for at, seconds in self.finished if first <= at <= last)
        span = max(last - first, 1e-9)

        def quantile(share: float) -> float:
            return round(taken[min(int(len(taken) * share), len(taken) - 1)] * 1000, 2) if taken else 0.0

        return Result(
            rate=round(len(taken) / span, 1),
            p50_ms=quantile(0.5),
            p99_ms=quantile(0.99),
            measured=len(taken),
            sent=self.next,
            statuses=self.statuses,
            acknowledged=self.acknowledged,
            samples=self.samples,
            exhausted=self.exhausted,
            lost=self.lost,
        )


class Connection(asyncio.Protocol):
    """One kept-alive connection with one request in flight."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._requests = load.job.requests
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._position: int | None = None
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none of asyncio's classes
        self._load.open += 1
        self._send()

    def data_received(self, data: bytes) -> None:
        """Take an answer, or a part of one; send the next request after it."""
        buffer = self._buffer + data if self._buffer else data
        head = buffer.find(_HEAD_END)
        length = _LENGTH.search(buffer, 0, head + 2) if head >= 0 else None
        whole = head + len(_HEAD_END) + int(length[1]) if length else 0
        if not length or len(buffer) < whole:
            self._buffer = buffer
            return
        self._buffer = b""
        assert self._position is not None, "an answer that nobody asked for"
        self._load.answered(self._position, int(buffer[9:12]), self._began, buffer[head + len(_HEAD_END) : whole])
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Say whether an answer was due."""
        del exc
        self._load.closed(waiting=self._position is not None)

    def _send(self) -> None:
        assert self._transport is not None
        self._position = self._load.take()
        if self._position is None:
            self._transport.close()
            return
        self._began = perf_counter()
        self._transport.write(self._requests[self._position % len(self._requests)])


async def run(job: Job) -> Result:
    """Carry out a job. Raises TimeoutError when answers are still missing at its deadline."""
    loop = asyncio.get_running_loop()
    load = Load(job)
    loop.set_exception_handler(lambda _, context: load.break_off(context))
    began = perf_counter()
    load.stop_at = began + job.warm_seconds + job.seconds
    async with asyncio.timeout(job.deadline_seconds):
        for _ in range(job.connections):
            await loop.create_connection(lambda: Connection(load), job.host, job.port)
        await load.done
    return load.result(began)


def main() -> None:
    """Read a job, carry it out, write its result."""
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(run(job))
    sys.stdout.buffer.write(msgspec.msgpack.encode(result))


if __name__ == "__main__":
    main()
