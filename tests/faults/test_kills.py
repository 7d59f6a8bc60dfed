"""SIGKILL of every process of the product under load: what was acknowledged is there once, none twice, by itself.

The seed is printed and may be given again (`REGULARS_FAULT_SEED`); `REGULARS_FAULT_ROUNDS` says how many rounds.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random, SystemRandom

import pytest

from tests.faults.product import Product, product_at
from tests.faults.rounds import MEMBERS, rounds_on
from tests.faults.shop import prepare
from tests.faults.victims import EVERYTHING, KINDS, POSTMASTER, WEB, WORKER

pytestmark = pytest.mark.anyio

ROUNDS = int(os.environ.get("REGULARS_FAULT_ROUNDS", "20"))


@pytest.fixture
def seed() -> int:
    """Return the seed of this run, printed so that the run can be had again."""
    chosen = int(os.environ.get("REGULARS_FAULT_SEED", SystemRandom().randrange(10**6)))
    print(f"REGULARS_FAULT_SEED={chosen}")  # noqa: T201 - pytest shows it when the test fails
    return chosen


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """Return a product without programs; at the end nothing of it is left."""
    with product_at(tmp_path) as made:
        yield made


def start_apart(product: Product) -> None:
    """Start the web process and the worker as processes of their own."""
    product.add(WEB, "serve", "--no-work")
    product.add(WORKER, "work")


def start_together(product: Product) -> None:
    """Start one process that serves and works."""
    product.add(WEB, "serve")


def kinds_of(product: Product, rounds: int, random: Random) -> list[str]:
    """Return what is killed in each round: every kind as often as every other, in random order."""
    kinds = [kind for kind in KINDS if kind != WORKER or WORKER in product.programs]
    drawn: list[str] = []
    while len(drawn) < rounds:
        drawn += random.sample(kinds, len(kinds))
    return drawn[:rounds]


async def run_rounds(product: Product, kinds: list[str], seed: int) -> None:
    """Run one round of each kind on one product."""
    async with rounds_on(product, seed) as rounds:
        for kind in kinds:
            await rounds.run(kind)
    assert sum(one.retried for one in rounds.done), "no kill met a request: the load was too light to prove anything"


async def test_every_process_may_be_killed_once(product: Product, seed: int) -> None:
    await prepare(product, MEMBERS)
    start_apart(product)
    await run_rounds(product, kinds_of(product, len(KINDS), Random(seed)), seed)


async def test_a_product_of_one_process_may_be_killed(product: Product, seed: int) -> None:
    await prepare(product, MEMBERS)
    start_together(product)
    await run_rounds(product, [WEB, POSTMASTER, EVERYTHING], seed)


@pytest.mark.faults
@pytest.mark.parametrize("start", [start_apart, start_together])
async def test_many_rounds(product: Product, seed: int, start: object) -> None:
    await prepare(product, MEMBERS)
    assert callable(start)
    start(product)
    rounds = ROUNDS - ROUNDS // 4 if WORKER in product.programs else ROUNDS // 4
    await run_rounds(product, kinds_of(product, rounds, Random(seed)), seed)
