"""The programs under test, started as an operator starts them, and how the load reaches them."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.load import Job, Result

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
ANSWER_SECONDS = 30.0
REGULARS = (sys.executable, "-m", "regulars.entrypoints.cli")


class BenchBroken(Exception):
    """What is measured did not work, so there is no figure."""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def environment(home: Path, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a deployment at `home`: ours, with its settings only."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REGULARS_", "DATABASE_"))}
    return {**kept, "REGULARS_HOME": str(home), **(settings or {})}


@contextmanager
def running(command: Sequence[str], env: Mapping[str, str], log: Path, port: int, ready: str) -> Iterator[int]:
    """Run a web process and give its pid once it answers `ready` with 200; end it with SIGTERM."""
    with log.open("ab") as said:
        process = subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
        )
    try:
        wait_until_ready(process, port, ready, log)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(process: "subprocess.Popen[bytes]", port: int, path: str, log: Path) -> None:
    """Return when the process answers with 200. Raises BenchBroken if it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BenchBroken(f"the server ended with {process.returncode}:\n{log.read_text()[-2000:]}")
        connection = http.client.HTTPConnection(HOST, port, timeout=1)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.002)
    raise BenchBroken(f"the server did not answer {path} within {START_SECONDS} s")


@contextmanager
def product(
    home: Path, settings: Mapping[str, str] | None = None, also: Sequence[str] = ()
) -> Iterator[tuple[int, int]]:
    """Run `regulars serve` on `home`, with more options if named; gives its port and pid."""
    port = free_port()
    command = [*REGULARS, "serve", "--port", str(port), *also]
    with running(command, environment(home, settings), home / "serve.log", port, "/ready") as pid:
        yield port, pid


@contextmanager
def empty_route(home: Path) -> Iterator[tuple[int, int]]:
    """Run the framework with one empty JSON route, served as the product is; gives its port and pid."""
    port = free_port()
    command = [sys.executable, "-m", "bench.empty", str(port)]
    with running(command, environment(home), home / "empty.log", port, "/empty") as pid:
        yield port, pid


def request(method: str, path: str, token: str, body: bytes = b"", key: str = "") -> bytes:
    """Render one request as it goes over the wire."""
    head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n"
    if key:
        head += f"Idempotency-Key: {key}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n".encode() + body


def fire(port: int, requests: list[bytes], *, connections: int, seconds: float, cycle: bool = False) -> Result:
    """Send a load from a process of its own. Raises BenchBroken unless every request was answered with 2xx."""
    warm = min(0.5, seconds / 4)
    job = Job(HOST, port, connections, seconds, warm, warm + seconds + ANSWER_SECONDS, requests, cycle)
    ran = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=msgspec.msgpack.encode(job),
        capture_output=True,
        check=False,
        timeout=job.deadline_seconds + START_SECONDS,
    )
    if ran.returncode:
        raise BenchBroken(f"the load generator failed:\n{ran.stderr.decode()[-2000:]}")
    result = msgspec.msgpack.decode(ran.stdout, type=Result)
    failed = {status: count for status, count in result.statuses.items() if status >= 400}
    if failed or result.lost:
        raise BenchBroken(f"{failed} refused, {result.lost} unanswered: {result.samples}")
    return result
