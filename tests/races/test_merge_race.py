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
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue, Posting, Redeem
from regulars.loyalty.merging import service as merging
from regulars.members import api as members
from regulars.members.contracts.merging import BooksMoved, Merge, MergeMembers
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
    "ALTER TABLE book_joinings DROP CONSTRAINT book_joinings_pkey",
)
Both = tuple[UUID, UUID]
OF_OTHERS = "books that are part of others"


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
    assert {OF_OTHERS, "books in order"} <= set(await programme.problems())


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


async def books_into(programme: Programme, survivor: UUID, absorbed: UUID, name: str) -> BooksMoved | DomainError:
    try:
        return await merge(programme, merge_of(survivor, absorbed, await now_of(programme), name))
    except DomainError as refusal:
        return refusal


async def opposite_merges(programme: Programme, both: Both, *, expect_wait: bool | None) -> BooksMoved | DomainError:
    """Merge books while somebody merges them the other way round, at the ledger's own door."""
    async with programme.database.transaction() as tx:
        await merging.merge(tx, merge_of(*both, tx.now, "one"), dry_run=False)
        await tx.flush()
        other = await beside(programme, books_into(programme, both[1], both[0], "two"), expect_wait=expect_wait)
    found: BooksMoved | DomainError = await other
    return found


async def test_of_two_opposite_merges_of_books_one_is_refused(programme: Programme, both: Both) -> None:
    refused = await opposite_merges(programme, both, expect_wait=True)

    assert isinstance(refused, DomainError)
    assert refused.code == "books_merged"
    assert await balances(programme, both) == [110, 0]
    assert await programme.problems() == {}


async def test_without_the_lock_opposite_merges_make_a_ring(
    programme: Programme, both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: each becomes part of the other; `verify` finds it, and postings end in a fault."""
    await programme.execute(
        *NETS, "ALTER TABLE book_joinings DROP CONSTRAINT book_joinings_member_id_merge_id_step_key"
    )
    without_the_lock(monkeypatch)
    assert isinstance(await opposite_merges(programme, both, expect_wait=None), BooksMoved)

    assert await programme.rows("SELECT count(*) FROM member_books WHERE merged_into IS NOT NULL") == [(2,)]
    assert OF_OTHERS in await programme.problems()
    monkeypatch.undo()
    with pytest.raises(AssertionError, match="lead back to themselves"):
        await programme.post(late(both[1]))


async def merge_beside_erasure(
    programme: Programme, both: Both, erased: UUID, *, expect_wait: bool | None
) -> BooksMoved | DomainError:
    async with programme.database.transaction() as tx:
        await loyalty.PRIVACY.erase(tx, [erased])
        await tx.flush()
        other = await beside(programme, books_into(programme, *both, "one"), expect_wait=expect_wait)
    found: BooksMoved | DomainError = await other
    return found


@pytest.mark.parametrize("which", [0, 1], ids=["survivor", "absorbed"])
async def test_who_is_erased_meanwhile_is_not_merged(programme: Programme, both: Both, which: int) -> None:
    refused = await merge_beside_erasure(programme, both, both[which], expect_wait=True)

    assert isinstance(refused, DomainError)
    assert refused.code == "member_gone"
    assert await balances(programme, both) == [10, 100]


async def test_without_the_lock_units_go_into_closed_books(
    programme: Programme, both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: what a merge brings to an erased survivor nobody can spend."""
    without_the_lock(monkeypatch)
    assert isinstance(await merge_beside_erasure(programme, both, both[0], expect_wait=None), BooksMoved)

    assert await balances(programme, both) == [110, 0]
    assert await programme.rows("SELECT count(*) FROM member_books WHERE closed_at IS NOT NULL") == [(1,)]
