"""The wall clock is set back and forward while members earn and spend: nothing stops, and nobody's time goes back."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.faults.books import read_books
from tests.faults.product import product_at, until_true
from tests.faults.rounds import MEMBERS, Rounds, rounds_on
from tests.faults.shop import prepare
from tests.faults.stepped_clock import OFFSET
from tests.faults.victims import WEB

pytestmark = pytest.mark.anyio

HOUR = 3600
STEPS = (HOUR, -3 * HOUR, 0, 2 * 24 * HOUR, -HOUR)
ANSWERS = 60


async def test_postings_go_on_and_no_members_time_goes_back(tmp_path: Path) -> None:
    offset = tmp_path / "offset"
    set_clock(offset, 0)
    launcher = ("-m", "tests.faults.stepped_clock")
    with product_at(tmp_path, launcher=launcher, settings={OFFSET: str(offset)}) as product:
        shop = await prepare(product, MEMBERS)
        product.add(WEB, "serve")
        async with rounds_on(product, seed=1) as rounds:
            for seconds in (0, *STEPS):
                set_clock(offset, seconds)
                await rounds.check(await rounds.send(partial(until_answered, rounds, rounds.load.acknowledged())))
        times = [row.recorded_at for row in read_books(shop.url).transfers]
    assert (max(times) - min(times)).days == 2, "the steps were felt"


async def until_answered(rounds: Rounds, before: int, is_over: Callable[[], bool]) -> None:
    """Wait until more operations were answered than `before`."""
    await until_true(lambda: is_over() or rounds.load.acknowledged() >= before + ANSWERS)


def set_clock(offset: Path, seconds: int) -> None:
    """Let the product's wall clock be wrong by so many seconds from now on."""
    unfinished = offset.with_suffix(".new")
    unfinished.write_text(str(seconds))
    unfinished.rename(offset)
