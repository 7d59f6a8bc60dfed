"""Memory stays bounded: what the processes hold after a long round is what they held after a short one."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.product import Product, product_at
from tests.faults.rounds import MEMBERS, rounds_on
from tests.faults.shop import prepare
from tests.faults.test_kills import start_apart

pytestmark = [pytest.mark.anyio, pytest.mark.faults]

WARM_SECONDS, LONG_SECONDS = 30.0, 180.0
GROWN_BYTES = 32 * 2**20


async def test_a_long_round_leaves_no_more_in_memory_than_a_short_one(tmp_path: Path) -> None:
    with product_at(tmp_path) as product:
        await prepare(product, MEMBERS)
        start_apart(product)
        async with rounds_on(product, seed=1) as rounds:
            warm, grown = dict[str, int](), dict[str, int]()

            async def meanwhile(is_over: Callable[[], bool]) -> None:
                began = time.monotonic()
                while not is_over() and time.monotonic() < began + WARM_SECONDS:
                    await asyncio.sleep(0.1)
                warm.update(held(product))
                sent = rounds.load.acknowledged()
                while not is_over() and time.monotonic() < began + WARM_SECONDS + LONG_SECONDS:
                    await asyncio.sleep(0.1)
                assert rounds.load.acknowledged() > 2 * sent, "the long round was none"
                grown.update(held(product))

            await rounds.send(meanwhile)
            await rounds.check_drained()
    print(f"held after {WARM_SECONDS:.0f} s: {warm}, after {LONG_SECONDS:.0f} s more: {grown}")  # noqa: T201 # seen with -s
    assert {name: after for name, after in grown.items() if after > warm[name] + GROWN_BYTES} == {}


def held(product: Product) -> dict[str, int]:
    """Return how many bytes each program holds in memory."""
    found = {}
    for name, program in product.programs.items():
        assert program.process is not None
        (line,) = [
            text
            for text in Path(f"/proc/{program.process.pid}/status").read_text().splitlines()
            if text.startswith("VmRSS:")
        ]
        found[name] = int(line.split()[1]) * 1024
    return found
