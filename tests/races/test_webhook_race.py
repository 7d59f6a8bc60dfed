"""Two couriers never have the same delivery, nor two of one member, under way side by side."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.webhooks.contracts import Taken
from regulars.platform.webhooks.couriers import LEASE
from regulars.platform.webhooks.store import queue
from tests.platform.feeding import ANNE, BO, accrued
from tests.platform.receiving import House
from tests.platform.relaying import until_somebody_waits

pytestmark = pytest.mark.anyio


async def taken_by_two(database: Database, folder: Path, *, second_waits: bool) -> tuple[list[Taken], list[Taken]]:
    """Let one take while another's transaction has taken already and not committed."""
    house = House.of(database, folder)
    endpoint_id, _ = await house.endpoint("http://127.0.0.1:9/")
    await house.tell(accrued(ANNE, 1), accrued(ANNE, 2), accrued(BO, 3))
    at = wall_now() + timedelta(seconds=1)
    async with database.transaction() as first, database.transaction() as second:
        one = await queue.take(first, {endpoint_id: 1}, at, LEASE)
        taking = asyncio.create_task(queue.take(second, {endpoint_id: 4}, at, LEASE))
        if second_waits:
            async with database.transaction() as watching:
                await until_somebody_waits(watching)
            await first.commit()
        other = await taking
    house.vault.close()
    return one, other


def numbers(taken: list[Taken]) -> list[str]:
    return [one.told.data.partition('"amount":')[2][0] for one in taken]


async def test_what_one_takes_the_other_leaves(database: Database, tmp_path: Path) -> None:
    one, other = await taken_by_two(database, tmp_path, second_waits=False)

    assert (numbers(one), numbers(other)) == (["1"], ["3"]), "and what stands behind the first is left, too"


async def test_without_the_lock_both_take_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control."""
    monkeypatch.setattr(queue, "TAKE", queue.TAKE.replace("FOR UPDATE SKIP LOCKED", ""))
    one, other = await taken_by_two(database, tmp_path, second_waits=True)

    assert numbers(one) == ["1"]
    assert "1" in numbers(other)
