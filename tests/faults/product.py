"""The product as an operator runs it: its own processes on a home of their own, started again when they end."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from regulars.platform.embedded import wait_until_stopped
from tests.faults.victims import nothing_runs

DEADLINE_SECONDS = 60
LOOK_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.1
STOPPED_BY_OPERATOR = 2  # the exit code of a command that says what an operator can mend


@dataclass(frozen=True)
class Shop:
    """What was prepared: the address of the database for checks, the key of the load, and the members."""

    url: str
    token: str
    members: tuple[UUID, ...]

    @property
    def client(self) -> str:
        """Return how the product names whoever uses the key."""
        return f"key:ak_{self.token.split('_')[1]}"


@dataclass
class Program:
    """One process of the product. `tend` starts it again when it has ended, as a service manager does."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    ended: list[int] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; what it says is appended to its log."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"
            )

    def tend(self) -> None:
        """Start the process again if it has ended, and remember how it ended."""
        if self.process is not None and (code := self.process.poll()) is not None:
            self.ended.append(code)
            self.start()

    def kill(self) -> None:
        """End it by SIGKILL, at once."""
        if self.process is not None:
            self.process.kill()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Return its exit code once it has ended; one that does not end is killed, and the test fails."""
        assert self.process is not None
        try:
            return self.process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(DEADLINE_SECONDS)
            raise


@dataclass
class Product:
    """One deployment: a home, an address, and the programs that run on it."""

    home: Path
    port: int
    programs: dict[str, Program] = field(default_factory=dict)
    launcher: tuple[str, ...] = ("-m", "regulars.entrypoints.cli")
    settings: dict[str, str] = field(default_factory=dict)
    shop: Shop | None = None
    logs: Path | None = None  # where its programs' logs are; beside its home, else

    @property
    def address(self) -> str:
        """Where the web process answers."""
        return f"http://127.0.0.1:{self.port}"

    def add(self, name: str, *arguments: str) -> Program:
        """Start one more program, e.g. `add("web", "serve", "--no-work")`."""
        command = [sys.executable, *self.launcher, *arguments]
        program = Program(name, command, self._environment(), (self.logs or self.home.parent) / f"{name}.log")
        self.programs[name] = program
        program.start()
        return program

    def ask(self, *arguments: str) -> dict[str, Any]:
        """Run a command that prints one JSON object and return the object; its exit code is not looked at."""
        done = subprocess.run(
            [sys.executable, "-m", "regulars.entrypoints.cli", *arguments],
            check=False,
            env=self._environment(),
            capture_output=True,
            timeout=DEADLINE_SECONDS,
        )
        try:
            answer: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            said = done.stderr.decode(errors="replace")
            raise AssertionError(f"{arguments} ended with {done.returncode}: {said[-2000:]}") from None
        return answer

    @contextlib.asynccontextmanager
    async def tended(self) -> Any:  # noqa: ANN401 - an asynchronous context without a value
        """Start again whatever ends, for as long as the context lasts."""

        async def tend() -> None:
            while True:
                for program in self.programs.values():
                    program.tend()
                await asyncio.sleep(LOOK_SECONDS)

        tending = asyncio.create_task(tend())
        try:
            yield
        finally:
            tending.cancel()
            await asyncio.gather(tending, return_exceptions=True)

    def shut_down(self) -> None:
        """End everything that was started, and wait until nothing of it is left."""
        for program in self.programs.values():
            if program.process is not None and program.process.poll() is None:
                program.process.terminate()
        for program in self.programs.values():
            if program.process is not None:
                program.wait()
        if (self.home / "postgres").exists():
            assert wait_until_stopped(self.home, DEADLINE_SECONDS)
            until(lambda: nothing_runs(self.home))

    def said(self, lines: int = 40) -> str:
        """Return the end of every program's log, for a test that fails."""
        parts = []
        for program in self.programs.values():
            text = program.log.read_text(errors="replace").splitlines()[-lines:] if program.log.exists() else []
            parts.append("\n".join([f"--- {program.name} (ended: {program.ended})", *text]))
        return "\n".join(parts)

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("REGULARS_", "DATABASE_"))}
        own = {
            "REGULARS_HOME": str(self.home),
            "REGULARS_PORT": str(self.port),
            "REGULARS_LOG_LEVEL": "warning",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")))),
        }
        return kept | own | self.settings


@contextlib.contextmanager
def product_at(folder: Path, **options: Any) -> Iterator[Product]:  # noqa: ANN401 - fields of Product
    """Give a product without programs; at the end nothing of it is left."""
    folder.chmod(0o700)
    product = Product(folder / "home", free_port(), **options)
    try:
        yield product
    except BaseException:
        sys.stderr.write(product.said())
        raise
    finally:
        product.shut_down()


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def answers(url: str, within: float = 5) -> bool:
    """Whether an address answers 200 within so many seconds.

    Asked again and again while a product starts: a client of httpx reads the certificates of the whole world first.
    """
    asked = urlsplit(url)
    with contextlib.closing(HTTPConnection(asked.netloc, timeout=within)) as connection:
        try:
            connection.request("GET", asked.path)
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False


def until(condition: Callable[[], object], seconds: float = DEADLINE_SECONDS) -> float:
    """Wait until the condition holds; return how long that took, in seconds.

    What is waited for needs the processor too: after a look that took long, the next one waits longer.
    """
    began = time.monotonic()
    while True:
        looked = time.monotonic()
        if condition():
            return time.monotonic() - began
        assert time.monotonic() < began + seconds, f"the condition did not come true within {seconds} s"
        time.sleep(min(max(LOOK_SECONDS, 4 * (time.monotonic() - looked)), LONGEST_PAUSE_SECONDS))


async def until_true(condition: Callable[[], object], seconds: float = DEADLINE_SECONDS) -> float:
    """Wait, letting others run, until the condition holds; return how long that took, in seconds."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + seconds, f"the condition did not come true within {seconds} s"
        await asyncio.sleep(LOOK_SECONDS)
    return time.monotonic() - began
