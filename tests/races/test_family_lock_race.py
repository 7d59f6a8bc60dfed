"""Batches that name members of one family by different ids lock all of them in one order, whatever id they name."""

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

import pytest
from psycopg import errors as database_errors

from regulars.loyalty.contracts import Accrue, Posting
from regulars.loyalty.ledger.store import reading
from regulars.loyalty.merging import service as merging
from regulars.platform.db.transaction import Statement
from tests.loyalty.joining import merge, merge_of
from tests.loyalty.programme import Programme
from tests.races.conftest import WAITING

pytestmark = pytest.mark.anyio
HOLD_ROW = "SELECT FROM member_books WHERE member_id = %s FOR UPDATE"
Both = tuple[UUID, UUID]


@pytest.fixture
async def both(programme: Programme) -> Both:
    """Return a survivor and an absorbed member, not merged yet; the survivor's id comes first in the order."""
    survivor, absorbed = sorted(await programme.members(2))
    await programme.post(Accrue(member_id=survivor, wallet="points", amount=10, reference="own"))
    await programme.post(Accrue(member_id=absorbed, wallet="points", amount=100, reference="own"))
    return survivor, absorbed


async def join(programme: Programme, both: Both) -> None:
    async with programme.database.transaction() as tx:
        now = tx.now
    await merge(programme, merge_of(*both, now))


def gift(member: UUID, reference: str) -> Accrue:
    return Accrue(member_id=member, wallet="points", amount=1, reference=reference)


async def beside(programme: Programme, other: Coroutine[Any, Any, Any], waiting: int) -> "asyncio.Task[Any]":
    """Let another come, until so many wait for a lock."""
    task = asyncio.create_task(other)
    while (await programme.rows(WAITING))[0][0] < waiting:
        assert not task.done()
        await asyncio.sleep(0.005)
    return task


async def old_id_beside_both(programme: Programme, both: Both) -> list[Any]:
    """Let the absorbed member's lock be held, one batch come under the old id, then one that names both."""
    survivor, absorbed = both
    await join(programme, both)
    async with programme.database.transaction() as tx:
        await tx.rows(HOLD_ROW, (absorbed,))
        one = await beside(programme, programme.post(gift(absorbed, "one")), 1)
        two = await beside(programme, programme.post(gift(survivor, "two"), gift(absorbed, "three")), 2)
    return list(await asyncio.gather(one, two, return_exceptions=True))


async def test_an_old_id_beside_both_is_no_deadlock(programme: Programme, both: Both) -> None:
    one, two = await old_id_beside_both(programme, both)

    assert [type(posted) for posted in (*one, *two)] == [Posting] * 3
    assert {posted.member_id for posted in (*one, *two)} == {both[0]}
    assert await programme.problems() == {}


async def test_locking_the_survivor_after_the_old_id_is_a_deadlock(
    programme: Programme, both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: who is named is locked first, and waits for whom they stand for with that lock in hand."""
    lock = reading.lock_books
    monkeypatch.setattr(reading, "lock_books", lambda *asked, **_: lock(*asked))
    monkeypatch.setattr(
        reading,
        "lock_at_once",
        lambda member_ids: Statement(reading.LOCK_AT_ONCE.replace("SKIP LOCKED", ""), (list(member_ids),)),
    )
    found = await old_id_beside_both(programme, both)

    assert [type(one) for one in found].count(database_errors.DeadlockDetected) == 1


async def merged_while_waiting(programme: Programme, both: Both) -> Any:  # noqa: ANN401 - postings, or what was raised
    """Let a batch wait for the absorbed member while the merge is made, and another hold the survivor after it."""
    survivor, absorbed = both
    async with programme.database.transaction() as tx:
        await merging.merge(tx, merge_of(survivor, absorbed, tx.now), dry_run=False)
        task = await beside(programme, programme.post(gift(absorbed, "one")), 1)
        next_one = await beside(programme, programme.post(gift(survivor, "two")), 2)
    return (await asyncio.gather(task, next_one, return_exceptions=True))[0]


async def test_who_is_merged_while_a_batch_waits_is_found_or_the_batch_begins_again(
    programme: Programme, both: Both
) -> None:
    """The lock that is held cannot be let go of alone: then the survivor's is not waited for."""
    found = await merged_while_waiting(programme, both)

    if isinstance(found, database_errors.SerializationFailure):  # the survivor was locked: lanes begin again
        found = await programme.post(gift(both[1], "one"))
    (posted,) = found
    assert (posted.member_id, posted.reference) == (both[0], "one")
    assert await programme.rows("SELECT balance FROM member_wallets WHERE member_id = %s", (both[0],)) == [(112,)]
    assert await programme.problems() == {}


async def test_who_is_merged_anew_while_a_batch_waits_is_locked_in_order(programme: Programme, both: Both) -> None:
    """A chain grows while the family is being locked: all is let go, and locked again with whom it grew by."""
    (third,) = await programme.members(1, "third")
    await programme.post(Accrue(member_id=third, wallet="points", amount=1_000, reference="own"))
    await join(programme, both)
    async with programme.database.transaction() as tx:
        await merging.merge(tx, merge_of(third, both[0], tx.now, "two"), dry_run=False)
        task = await beside(programme, programme.post(gift(both[1], "one")), 1)
    (posted,) = await task

    assert (posted.member_id, posted.balance) == (third, 1_111)
    assert await programme.problems() == {}
