"""Whole processes: how soon the program can be used, and how long the year takes."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter

import msgspec

from bench.figures import Budget, Row, row
from bench.options import Options
from bench.server import REGULARS, BenchBroken, environment, product
from regulars.platform.embedded.server import wait_until_stopped

EXPECTED = Path(__file__).parents[2] / "tests" / "year" / "expected.json"
WARM_SECONDS = Budget(most=2)
FIRST_SECONDS = Budget(most=5)
REPLAY_SECONDS = Budget(most=60)
REPLAY_GIGABYTES = Budget(most=2)
_MEASURED = {"seconds_replay", "seconds_total", "books_balanced"}


def start_up(options: Options) -> list[Row]:
    """Measure `regulars serve` from its start to the first 200 of /ready: on nothing, and on a stopped deployment."""
    first: list[float] = []
    warm: list[float] = []
    for _ in range(options.rounds):
        home = Path(tempfile.mkdtemp(prefix="regulars-bench-"))
        try:
            for seconds in (first, warm):
                began = perf_counter()
                with product(home):
                    seconds.append(perf_counter() - began)
                if not wait_until_stopped(home):
                    raise BenchBroken("the embedded PostgreSQL outlives its owner")
        finally:
            shutil.rmtree(home, ignore_errors=True)
    return [
        row("start to /ready, first", "s", first, budget=FIRST_SECONDS),
        row("start to /ready, warm", "s", warm, budget=WARM_SECONDS),
    ]


def replay(options: Options) -> list[Row]:
    """Measure `regulars demo --no-serve --json` on a fresh home; the figures must be the expected ones."""
    seconds: list[float] = []
    gigabytes: list[float] = []
    expected = msgspec.json.decode(EXPECTED.read_bytes())[options.programme_year]["full"]
    for _ in range(options.rounds):
        home = Path(tempfile.mkdtemp(prefix="regulars-bench-"))
        try:
            told, peak = _replay_once(home, options.programme_year)
        finally:
            wait_until_stopped(home)
            shutil.rmtree(home, ignore_errors=True)
        found = {name: value for name, value in told.items() if name not in _MEASURED}
        if found != expected or not told["books_balanced"]:
            wrong = {name: (found.get(name), value) for name, value in expected.items() if found.get(name) != value}
            raise BenchBroken(f"the replay came out wrong (found, expected): {wrong}")
        seconds.append(float(told["seconds_replay"]))
        gigabytes.append(peak)
    return [
        row("replay of the year (1.47 million lines)", "s", seconds, budget=REPLAY_SECONDS),
        row("replay of the year: memory of the process", "GB", gigabytes, budget=REPLAY_GIGABYTES),
    ]


def _replay_once(home: Path, programme: str) -> tuple[dict[str, float | int | bool | str], float]:
    command = [*REGULARS, "demo", "--no-serve", "--json", "--programme", programme]
    with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, env=environment(home), stdin=subprocess.DEVNULL, stdout=told, stderr=said, start_new_session=True
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        told.seek(0)
        said.seek(0)
        lines = told.read().splitlines()
        if process.returncode or not lines:
            raise BenchBroken(f"the replay ended with {process.returncode}:\n{said.read().decode()[-2000:]}")
        return msgspec.json.decode(lines[-1]), usage.ru_maxrss / 1_000_000
