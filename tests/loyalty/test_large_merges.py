"""Members with very many lots: merging and undoing take time in proportion, and nobody else waits meanwhile."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from types import TracebackType
from typing import Self
from uuid import UUID

import pytest

from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.loyalty.joining import merge, merge_of, undo
from tests.loyalty.programme import DAY, EASY, NOON, Programme, accrue, redeem

pytestmark = pytest.mark.anyio
SECONDS_AT_MOST = 60.0 / 20_000  # a lot; about 5 on a quiet machine; one pass over the uses for each lot takes hours
TIMES_AT_MOST = 10.0  # for four times the lots: about 4 in proportion, 16 where each lot looks at every other
TIMES_MERGING_AT_MOST = 8.0  # undoing as many: about 1 to 2; 40 where a plan expects few and compares each with each
WAIT_AT_MOST = 2.5 / 20_000  # a lot

# One accrual as many times over, as if it had been posted again and again, an hour after the other.
MULTIPLY = (
    "INSERT INTO ledger_transfers (member_id, seq, wallet_id, kind, debit_account, credit_account, amount,"
    " balance_after, debt_change, qualifying, reference, order_id, effective_at, recorded_at, written_at,"
    " policy_version, basis, command_hash)"
    " SELECT member_id, n, wallet_id, kind, debit_account, credit_account, amount, n * amount, 0, qualifying,"
    " reference || n, order_id, effective_at, recorded_at, written_at, policy_version, basis, command_hash"
    " FROM ledger_transfers, generate_series(2, {lots}) AS n WHERE member_id = '{member}' AND seq = 1;"
    "INSERT INTO lots SELECT member_id, n, wallet_id, amount, remaining, earned_at + n * interval '1 s', available_at,"
    " expires_at + (n % 50) * interval '1 d', order_id"
    " FROM lots, generate_series(2, {lots}) AS n WHERE member_id = '{member}' AND lot_no = 1;"
    "UPDATE member_wallets SET balance = balance * {lots} WHERE member_id = '{member}' AND balance > 0;"
    "UPDATE member_books SET next_seq = {lots} + 1 WHERE member_id = '{member}'"
)


class Waiting:
    """Looks again and again whether its turn comes, and remembers the longest time in which it did not."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.took = 0.0
        self._since = monotonic()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._look())
        return self

    async def _look(self) -> None:
        last = monotonic()
        while True:
            await asyncio.sleep(0.005)
            now = monotonic()
            self.longest, last = max(self.longest, now - last), now

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._task.cancel()
        self.took = monotonic() - self._since


async def _with_many_lots(programme: Programme, member: UUID, lots: int) -> None:
    await programme.one(accrue(member, "gift", NOON, 10, expires_at=NOON + 300 * DAY))
    for statement in MULTIPLY.format(member=member, lots=lots).split(";"):
        await programme.execute(statement)


async def _joined_and_parted(programme: Programme, people: Sequence[UUID], lots: int) -> list[Waiting]:
    """Merge two with many lots into one, undo the first; returns how long merging, looking and undoing took."""
    survivor, absorbed, other = people
    await programme.one(accrue(survivor, "own", NOON, 1))
    await _with_many_lots(programme, absorbed, lots)
    await _with_many_lots(programme, other, lots)
    first, second = merge_of(survivor, absorbed, NOON + DAY, "one"), merge_of(survivor, other, NOON + DAY, "two")
    async with Waiting() as merging:
        await merge(programme, first)
    await programme.one(redeem(survivor, "shop", NOON + 2 * DAY, 10 * lots - 5))
    await merge(programme, second)  # out of which what was spent is covered
    async with Waiting() as looking:
        looked = await undo(programme, first, NOON + 3 * DAY, dry_run=True)
    async with Waiting() as undoing:
        returned = await undo(programme, first, NOON + 3 * DAY)

    (points,) = returned.wallets
    assert looked == returned
    assert (points.returned + points.covered, points.shortfall) == (10 * lots, 0)
    return [merging, looking, undoing]


@pytest.mark.parametrize("lots", [5_000, pytest.param(20_000, marks=pytest.mark.year)])
@pytest.mark.parametrize("analysed", [False, True], ids=["fresh", "analysed"])
async def test_undoing_a_large_merge_takes_time_in_proportion(
    database: Database, vault: LocalVault, lots: int, *, analysed: bool
) -> None:
    programme = await Programme.begin(database, vault, EASY)
    people = await programme.members(9)
    if analysed:
        await _joined_and_parted(programme, people[6:], 100)
        await programme.execute("ANALYZE")
    few = await _joined_and_parted(programme, people[:3], lots // 4)
    many = await _joined_and_parted(programme, people[3:6], lots)

    told = [(one.took, one.longest) for one in [*few, *many]]
    assert max(one.took for one in [*few, *many]) < SECONDS_AT_MOST * lots, told
    assert max(one.longest for one in many) < WAIT_AT_MOST * lots, told
    for merging, *parting in (few, many):
        assert max(one.took for one in parting) < TIMES_MERGING_AT_MOST * merging.took, told
    assert sum(one.took for one in many) < TIMES_AT_MOST * sum(one.took for one in few), told
