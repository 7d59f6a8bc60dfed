"""Two corrections of one person at once, of two members: both cannot pass below what one may correct alone in a day."""

import asyncio
from uuid import UUID

import pytest
from msgspec import structs

from regulars.loyalty import api
from regulars.loyalty.contracts import Adjust, Posting
from regulars.loyalty.errors import ApprovalNeededToday
from regulars.loyalty.ledger.store import alone
from regulars.loyalty.policy.contracts import AdjustmentPolicy
from regulars.platform.errors import DomainError
from tests.loyalty.programme import DAY, EASY, NOON, Programme, adjust
from tests.races.conftest import WAITING

pytestmark = pytest.mark.anyio
COUNTED = "SELECT sum(units)::int FROM corrections_alone"


def correction(member_id: UUID) -> Adjust:
    return structs.replace(adjust(member_id, "counted", NOON + DAY, 100), actor="li")


async def two_at_once(programme: Programme, *, expect_wait: bool) -> list[Posting | DomainError]:
    """Let the second come when the first has decided and has not yet committed."""
    by_day = structs.replace(EASY, adjustments=AdjustmentPolicy(alone_per_day=150))
    await programme.activate(by_day, NOON)
    wang, fang = await programme.members(2)
    async with programme.database.transaction(set_based=True) as tx:
        first = await api.post(tx, programme.configuration, [correction(wang)])
        other = asyncio.create_task(programme.post(correction(fang)))
        while not other.done() and (await programme.rows(WAITING))[0][0] == 0:
            await asyncio.sleep(0.005)
        assert other.done() is not expect_wait
    return [*first, *await other]


async def test_the_second_waits_and_is_told_of_the_first(programme: Programme) -> None:
    first, second = await two_at_once(programme, expect_wait=True)

    assert isinstance(first, Posting)
    assert isinstance(second, ApprovalNeededToday)
    assert (second.data["corrected"], await programme.rows(COUNTED)) == (100, [(100,)])
    assert await programme.problems() == {}


async def test_without_the_lock_both_pass_below(programme: Programme, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control; verifying finds it."""
    monkeypatch.setattr(alone, "LOCK_DAYS", alone.READ_DAYS)
    found = await two_at_once(programme, expect_wait=False)

    assert all(isinstance(one, Posting) for one in found)
    assert await programme.rows(COUNTED) == [(200,)]
    assert "at most 150 were allowed" in str((await programme.problems())["adjustments as approved"])
