"""A merge, and undoing one, beside whoever posts, spends or merges at the same moment.

The locks are both members' rows, and the rows of their books.
"""

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from regulars.entrypoints.merging import PARTS
from regulars.loyalty.contracts import Accrue, Posting, Redeem
from regulars.loyalty.merging import service as merging
from regulars.members import api as members
from regulars.members.contracts.merging import Merge, MergeMembers
from regulars.members.merging import store
from regulars.platform.errors import DomainError
from tests.loyalty.joining import merge, merge_of
from tests.loyalty.programme import Programme
from tests.races.conftest import WAITING, without_the_lock

pytestmark = pytest.mark.anyio

# What stands behind the lock of the books: no number is given twice, and no reference.
NETS = (
    "ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_pkey",
    "ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_member_id_reference_key",
    "ALTER TABLE lot_uses DROP CONSTRAINT lot_uses_pkey",
    "ALTER TABLE lots DROP CONSTRAINT lots_pkey",
)
Both = tuple[UUID, UUID]


@pytest.fixture
async def both(programme: Programme) -> Both:
    """Return a survivor with 10 points and an absorbed member with 100."""
    survivor, absorbed = await programme.members(2)
    await programme.post(Accrue(member_id=survivor, wallet="points", amount=10, reference="own"))
    await programme.post(Accrue(member_id=absorbed, wallet="points", amount=100, reference="gift"))
    return survivor, absorbed


async def beside(
    programme: Programme, other: Coroutine[Any, Any, Any], *, expect_wait: bool | None
) -> "asyncio.Task[Any]":
    """Let another come now: it waits for what is not committed yet, or is done before that."""
    task = asyncio.create_task(other)
    while not task.done() and (await programme.rows(WAITING))[0][0] == 0:
        await asyncio.sleep(0.005)
    assert expect_wait is None or task.done() is not expect_wait
    return task


async def now_of(programme: Programme) -> datetime:
    async with programme.database.transaction() as tx:
        return tx.now


async def balances(programme: Programme, both: Both) -> list[int]:
    rows = dict(await programme.rows("SELECT member_id, balance FROM member_wallets WHERE wallet_id = 1"))
    return [rows.get(member, 0) for member in both]


def late(absorbed: UUID) -> Accrue:
    return Accrue(member_id=absorbed, wallet="points", amount=7, reference="late")


async def merging_beside(programme: Programme, both: Both, *, expect_wait: bool) -> list[Posting | DomainError]:
    survivor, absorbed = both
    async with programme.database.transaction() as tx:
        await merging.merge(tx, merge_of(survivor, absorbed, tx.now), dry_run=False)
        other = await beside(programme, programme.post(late(absorbed)), expect_wait=expect_wait)
    found: list[Posting | DomainError] = await other
    return found


async def test_what_is_accrued_during_a_merge_comes_to_the_survivor(programme: Programme, both: Both) -> None:
    (posted,) = await merging_beside(programme, both, expect_wait=True)

    assert isinstance(posted, Posting)
    assert (posted.member_id, posted.balance) == (both[0], 117)
    assert await balances(programme, both) == [117, 0]
    assert await programme.problems() == {}


async def test_without_the_lock_what_is_accrued_during_a_merge_is_lost(
    programme: Programme, both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same two, with the lock off, leave units in books that are part of others."""
    await programme.execute(*NETS)
    without_the_lock(monkeypatch)
    (posted,) = await merging_beside(programme, both, expect_wait=False)

    assert isinstance(posted, Posting)
    assert posted.member_id == both[1]
    assert {"moves between members", "books in order"} <= set(await programme.problems())


async def undoing_beside(programme: Programme, both: Both, *, expect_wait: bool) -> list[Posting | DomainError]:
    survivor, absorbed = both
    wish = merge_of(survivor, absorbed, await now_of(programme))
    await merge(programme, wish)
    spent = Redeem(member_id=survivor, wallet="points", amount=105, reference="shop")
    async with programme.database.transaction() as tx:
        await merging.undo(tx, wish._replace(at=tx.now), dry_run=False)
        other = await beside(programme, programme.post(spent), expect_wait=expect_wait)
    found: list[Posting | DomainError] = await other
    return found


async def test_what_is_undone_is_not_spent_too(programme: Programme, both: Both) -> None:
    (refused,) = await undoing_beside(programme, both, expect_wait=True)

    assert isinstance(refused, DomainError)
    assert (refused.code, refused.data["available"]) == ("insufficient_points", 10)
    assert await balances(programme, both) == [10, 100]
    assert await programme.problems() == {}


async def test_without_the_lock_units_are_spent_and_given_back(
    programme: Programme, both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: 105 of 110 are spent, and 100 of them given back."""
    await programme.execute(*NETS)
    without_the_lock(monkeypatch)
    (spent,) = await undoing_beside(programme, both, expect_wait=False)

    assert isinstance(spent, Posting)
    moved = await programme.rows(
        "SELECT sum(CASE WHEN credit_account %% 100 = 0 THEN amount ELSE -amount END)::int FROM ledger_transfers"
    )
    assert moved == [(5,)]
    assert sum(await balances(programme, both)) == 110
    assert "wallets against transfers" in await programme.problems()


async def merge_into(programme: Programme, survivor: UUID, absorbed: UUID) -> Merge | DomainError:
    try:
        async with programme.database.transaction() as tx:
            return await members.merge_members(
                tx,
                programme.vault,
                PARTS,
                MergeMembers(survivor_id=survivor, absorbed_id=absorbed, actor="test", reason="one person"),
            )
    except DomainError as refusal:
        return refusal


async def two_merges(programme: Programme, both: Both, third: UUID, *, expect_wait: bool | None) -> Merge | DomainError:
    async with programme.database.transaction() as tx:
        wish = MergeMembers(survivor_id=both[0], absorbed_id=both[1], actor="test", reason="one person")
        await members.merge_members(tx, programme.vault, PARTS, wish)
        await tx.flush()
        other = await beside(programme, merge_into(programme, third, both[1]), expect_wait=expect_wait)
    found: Merge | DomainError = await other
    return found


async def test_of_two_merges_of_one_member_one_is_refused(programme: Programme, both: Both) -> None:
    (third,) = await programme.members(1, "third")
    refused = await two_merges(programme, both, third, expect_wait=True)

    assert isinstance(refused, DomainError)
    assert refused.code == "member_merged"
    assert await balances(programme, both) == [110, 0]
    assert await programme.problems() == {}


async def test_without_the_locks_one_member_is_part_of_two(
    programme: Programme, both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: books are moved twice."""
    (third,) = await programme.members(1, "third")
    await programme.execute(*NETS, "DROP INDEX member_merges_member_id_key")
    without_the_lock(monkeypatch)
    monkeypatch.setattr(store, "HOLD", store._REFS)
    second = await two_merges(programme, both, third, expect_wait=None)  # for a row at last, having decided

    assert isinstance(second, Merge)
    assert await programme.rows("SELECT count(*) FROM member_merges") == [(2,)]
    assert "wallets against transfers" in await programme.problems()
