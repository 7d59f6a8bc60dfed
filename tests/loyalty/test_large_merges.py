"""Members with very many lots: merging and undoing cost in proportion, and nobody else waits meanwhile.

What it costs is counted: statements, the rows that their plans handle, the lines that are run. `make test-year` takes
the time of twenty times as many, alone on the machine.
"""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from types import TracebackType
from typing import Self, TypeVar
from uuid import UUID

import pytest

from regulars.platform.db.database import Database
from regulars.platform.ids import public_id
from regulars.platform.vault.local import LocalVault
from tests.loyalty.counting import Cost, Counter, explained
from tests.loyalty.joining import merge, merge_of, undo
from tests.loyalty.programme import DAY, EASY, NOON, Programme, accrue, redeem

pytestmark = pytest.mark.anyio
SECONDS_AT_MOST = 60.0 / 20_000  # a lot; about 5 on a quiet machine; one pass over the uses for each lot takes hours
TIMES_AT_MOST = 10.0  # for four times the lots: about 4 in proportion, 16 where each lot looks at every other
TIMES_MERGING_AT_MOST = 8.0  # undoing as many: about 1 to 2; 40 where a plan expects few and compares each with each
WAIT_AT_MOST = 2.5 / 20_000  # a lot
FEW, MANY = 250, 1_000
ROWS_TIMES_AT_MOST = 8.0  # for four times the lots: 4 to 6 in proportion, 16 where a plan compares each with each
LINES_TIMES_AT_MOST = 4.2  # 16 where each lot looks at every other
STRETCH_AT_MOST = 20  # lines a lot in which nobody else has a turn: 13; 200 where all is moved while everybody waits

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


Measured = TypeVar("Measured", "Waiting", Counter)


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


async def _joined_and_parted(
    programme: Programme, people: Sequence[UUID], lots: int, measured: Callable[[], Measured]
) -> list[Measured]:
    """Merge two with many lots into one, undo the first; returns what merging, looking and undoing took."""
    survivor, absorbed, other = people
    await programme.one(accrue(survivor, "own", NOON, 1))
    await _with_many_lots(programme, absorbed, lots)
    await _with_many_lots(programme, other, lots)
    name = f"{lots} of {absorbed}"
    first, second = (
        merge_of(survivor, absorbed, NOON + DAY, name),
        merge_of(survivor, other, NOON + DAY, f"{name}, too"),
    )
    async with (merging := measured()):
        await merge(programme, first)
    await programme.one(redeem(survivor, "shop", NOON + 2 * DAY, 10 * lots - 5))
    await merge(programme, second)  # out of which what was spent is covered
    async with (looking := measured()):
        looked = await undo(programme, first, NOON + 3 * DAY, dry_run=True)
    async with (undoing := measured()):
        returned = await undo(programme, first, NOON + 3 * DAY)

    (points,) = returned.wallets
    assert looked == returned
    assert (points.returned + points.covered, points.shortfall) == (10 * lots, 0)
    return [merging, looking, undoing]


@pytest.mark.parametrize("analysed", [False, True], ids=["fresh", "analysed"])
async def test_undoing_a_large_merge_costs_in_proportion(
    database_url: str, vault: LocalVault, *, analysed: bool
) -> None:
    async with explained(database_url) as (database, counter):
        programme = await Programme.begin(database, vault, EASY)
        people = await programme.members(9)
        if analysed:
            await _joined_and_parted(programme, people[6:], 100, counter.anew)
            await programme.execute("ANALYZE")
        few = [one.cost for one in await _joined_and_parted(programme, people[:3], FEW, counter.anew)]
        many = [one.cost for one in await _joined_and_parted(programme, people[3:6], MANY, counter.anew)]

    assert [one.statements for one in many] == [one.statements for one in few], "none is asked for each lot"
    for one, other in zip(many, few, strict=True):
        assert other.rows < one.rows < ROWS_TIMES_AT_MOST * other.rows, (many, few)
        assert other.lines < one.lines < LINES_TIMES_AT_MOST * other.lines, (many, few)
        assert one.longest < STRETCH_AT_MOST * MANY, (many, few)


async def test_the_count_sees_what_it_is_to_see(database_url: str) -> None:
    """The control: a plan that compares each with each, and work that keeps everybody waiting."""
    compared = "SELECT count(*) FROM generate_series(1, 100) AS a JOIN generate_series(1, 100) AS b ON a = b"

    def work() -> None:
        for number in range(1_000):
            public_id("mbr", UUID(int=number))

    async with explained(database_url) as (database, counter):
        costs = list[Cost]()
        for hashed in ("on", "off"):
            async with (counting := counter.anew()), database.transaction() as tx:
                await tx.rows(f"SET LOCAL enable_hashjoin = {hashed}")
                await tx.rows(f"SET LOCAL enable_mergejoin = {hashed}")
                await tx.rows(f"{compared} /* {hashed} */")  # planned anew, as it is another statement
            costs.append(counting.cost)
        async with (beside := counter.anew()):
            await asyncio.to_thread(work)
        async with (waited_for := counter.anew()):
            work()
    seen, each_with_each = costs
    assert seen.statements == each_with_each.statements
    assert seen.rows < 1_000
    assert each_with_each.rows >= 10_000
    assert beside.cost.lines == waited_for.cost.lines >= 1_000
    assert beside.cost.longest < 100
    assert waited_for.cost.longest >= 1_000


@pytest.mark.year
@pytest.mark.parametrize("analysed", [False, True], ids=["fresh", "analysed"])
async def test_undoing_a_large_merge_takes_time_in_proportion(
    database: Database, vault: LocalVault, *, analysed: bool
) -> None:
    lots = 20_000
    programme = await Programme.begin(database, vault, EASY)
    people = await programme.members(9)
    if analysed:
        await _joined_and_parted(programme, people[6:], 100, Waiting)
        await programme.execute("ANALYZE")
    few = await _joined_and_parted(programme, people[:3], lots // 4, Waiting)
    many = await _joined_and_parted(programme, people[3:6], lots, Waiting)

    told = [(one.took, one.longest) for one in [*few, *many]]
    assert max(one.took for one in [*few, *many]) < SECONDS_AT_MOST * lots, told
    assert max(one.longest for one in many) < WAIT_AT_MOST * lots, told
    for merging, *parting in (few, many):
        assert max(one.took for one in parting) < TIMES_MERGING_AT_MOST * merging.took, told
    assert sum(one.took for one in many) < TIMES_AT_MOST * sum(one.took for one in few), told
