"""The load generator: a process of its own, so that it shares no interpreter with what it measures.

It reads one `Job` (msgpack) from stdin, keeps so many connections to the loopback busy for so many seconds with
requests that were rendered before, one in flight a connection, waits for the last answers, and writes one `Result`.

It shares the machine's cores with what it measures, so it is bare: one loop over epoll, one read and one write an
answer, and nothing is counted before the end that can be counted then.
"""

import gc
import re
import select
import socket
import sys
from collections import Counter
from time import perf_counter

import msgspec

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_READ_BYTES = 1 << 20
_LOOK_SECONDS = 0.5
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


class Connection:
    """One kept-alive connection with one request in flight."""

    __slots__ = ("began", "buffer", "position", "send", "socket", "unsent")

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)  # noqa: FBT003 - its only parameter
        self.send = self.socket.send
        self.buffer = b""
        self.unsent = b""
        self.position = -1
        self.began = 0.0


class Load:
    """One load, from its first request to its last answer."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.next = 0
        self.lost = 0
        self.exhausted = False
        self.answers: list[tuple[float, float, int, int]] = []  # when, seconds taken, status, position
        self.samples: list[str] = []
        self._open: dict[int, Connection] = {}
        self._poll = select.epoll()

    def run(self) -> Result:
        """Carry it out. Raises TimeoutError when answers are still missing at the deadline."""
        job, began = self.job, perf_counter()
        self.stop_at = began + job.warm_seconds + job.seconds
        deadline = began + job.deadline_seconds
        for connection in [Connection(job.host, job.port) for _ in range(job.connections)]:
            self._open[connection.socket.fileno()] = connection
            self._poll.register(connection.socket, select.EPOLLIN)
            self._ask(connection)
        while self._open:
            for number, event in self._poll.poll(_LOOK_SECONDS):
                connection = self._open[number]
                if event & select.EPOLLOUT:
                    self._send(connection)
                if event & ~select.EPOLLOUT:
                    self._read(connection)
            if perf_counter() > deadline:
                raise TimeoutError
        return self._result(began)

    def _ask(self, connection: Connection) -> None:
        """Send the next request, or close the connection when it is over."""
        now, position, requests = perf_counter(), self.next, self.job.requests
        self.exhausted = self.exhausted or (position >= len(requests) and not self.job.cycle)
        if self.exhausted or now >= self.stop_at:
            self._close(connection)
            return
        self.next = position + 1
        connection.position, connection.began = position, now
        connection.unsent = requests[position % len(requests)]
        self._send(connection)

    def _send(self, connection: Connection) -> None:
        unsent = connection.unsent
        try:
            sent = connection.send(unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close(connection)
            return
        if sent < len(unsent):
            self._poll.modify(connection.socket, select.EPOLLIN | select.EPOLLOUT)
        elif len(unsent) < len(self.job.requests[connection.position % len(self.job.requests)]):
            self._poll.modify(connection.socket, select.EPOLLIN)
        connection.unsent = unsent[sent:]

    def _read(self, connection: Connection) -> None:
        """Take an answer, or a part of one; send the next request after it."""
        try:
            data = connection.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(connection)
            return
        buffer = connection.buffer + data if connection.buffer else data
        head = buffer.find(_HEAD_END)
        length = _LENGTH.search(buffer, 0, head + 2) if head >= 0 else None
        if length is None or len(buffer) < head + len(_HEAD_END) + int(length[1]):
            connection.buffer = buffer
            return
        connection.buffer = b""
        now, status, position = perf_counter(), int(buffer[9:12]), connection.position
        assert position >= 0, "an answer that nobody asked for"
        self.answers.append((now, now - connection.began, status, position))
        if status >= _FIRST_FAILURE and len(self.samples) < _SAMPLES:
            self.samples.append(f"{status} {buffer[head + len(_HEAD_END) :][:300].decode(errors='replace')}")
        connection.position = -1
        self._ask(connection)

    def _close(self, connection: Connection) -> None:
        self.lost += connection.position >= 0
        del self._open[connection.socket.fileno()]
        self._poll.unregister(connection.socket)
        connection.socket.close()

    def _result(self, began: float) -> Result:
        """Sum up."""
        first = began + self.job.warm_seconds
        last = max([at for at, *_ in self.answers], default=first) if self.exhausted else self.stop_at
        taken = sorted(seconds for at, seconds, *_ in self.answers if first <= at <= last)
        span = max(last - first, 1e-9)
        statuses = Counter([status for *_, status, _ in self.answers])

        def quantile(share: float) -> float:
            return round(taken[min(int(len(taken) * share), len(taken) - 1)] * 1000, 2) if taken else 0.0

        return Result(
            rate=round(len(taken) / span, 1),
            p50_ms=quantile(0.5),
            p99_ms=quantile(0.99),
            measured=len(taken),
            sent=self.next,
            statuses=dict(statuses),
            acknowledged=[
                position for *_, status, position in self.answers if status < _FIRST_FAILURE and not self.job.cycle
            ],
            samples=self.samples,
            exhausted=self.exhausted,
            lost=self.lost,
        )


def run(job: Job) -> Result:
    """Carry out a job. Raises TimeoutError when answers are still missing at its deadline."""
    return Load(job).run()


def main() -> None:
    """Read a job, carry it out, write its result."""
    gc.disable()  # it lives for seconds, and makes no cycles
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    sys.stdout.buffer.write(msgspec.msgpack.encode(run(job)))


if __name__ == "__main__":
    main()
