"""Commands as an operator runs them: processes of their own, on a database of the test's own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import httpx
from psycopg.conninfo import conninfo_to_dict

from tests.entrypoints import forked

START_SECONDS = 30.0
COMMAND_SECONDS = 60.0


def as_url(conninfo: str) -> str:
    """The same connection as an operator writes it."""
    parts = {name: quote(str(value), safe="") for name, value in conninfo_to_dict(conninfo).items()}
    more = "&".join(f"{name}={value}" for name, value in parts.items() if name in {"host", "port"})
    return f"postgresql://{parts.get('user', '')}@/{parts['dbname']}?{more}"


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, forked from one that has loaded what commands load."""
    return forked.run(environment, arguments, COMMAND_SECONDS)


def run_from_nothing(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a shell does."""
    return subprocess.run(
        [sys.executable, "-m", "regulars.entrypoints.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


@contextmanager
def serving(environment: dict[str, str], *arguments: str) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """A web process that is ready, and a client of it; killed at the end if it still runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "regulars.entrypoints.cli", "serve", "--port", str(port), *arguments]
    with (
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        try:
            wait_until_ready(client, process)
            yield client, process
        finally:
            if process.poll() is None:
                process.kill()


def wait_until_ready(client: httpx.Client, process: "subprocess.Popen[str]") -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < give_up_at:
        try:
            if client.get("/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    process.kill()
    raise AssertionError(f"not ready: exit code {process.poll()}, {process.communicate()[1][-2000:]}")
