"""Of two who approve a correction at once one posts it; of a correction and the expiry of a lot one takes it."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec import structs
from psycopg import errors as database_errors

from regulars.loyalty import api
from regulars.loyalty.contracts import AdjustmentRequest, Posting
from regulars.platform.errors import DomainError
from tests.loyalty.adjusting import Command, answer, ask, decide
from tests.loyalty.programme import DAY, NOON, Programme, accrue, adjust
from tests.races.conftest import WAITING, without_the_lock

pytestmark = pytest.mark.anyio

NETS = (
    "ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_pkey",
    "ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_member_id_reference_key",
    "ALTER TABLE lots DROP CONSTRAINT lots_pkey",
    "ALTER TABLE lot_uses DROP CONSTRAINT lot_uses_pkey",
    "ALTER TABLE adjustment_answers DROP CONSTRAINT adjustment_answers_pkey",
)
POSTED = "SELECT coalesce(sum(amount), 0)::int FROM ledger_transfers WHERE kind = 'adjust'"


@pytest.fixture
async def member(programme: Programme) -> UUID:
    """Return a member for whom somebody asked for 500 points."""
    member = await programme.member()
    await decide(programme, ask(member, "care:1", None, 500))
    return member


async def two_approve(
    programme: Programme, member: UUID, *, expect_wait: bool
) -> list[AdjustmentRequest | DomainError]:
    """Let the second come when the first has decided and has not yet committed."""
    async with programme.database.transaction(set_based=True) as tx:
        first = await api.decide_adjustments(tx, programme.configuration, [answer(member, "care:1", None, "wu")])
        other = asyncio.create_task(decide(programme, answer(member, "care:1", None, "xu")))
        while not other.done() and (await programme.rows(WAITING))[0][0] == 0:
            await asyncio.sleep(0.005)
        assert other.done() is not expect_wait
    return [*first, *await other]


async def test_of_two_approvers_one_posts(programme: Programme, member: UUID) -> None:
    first, second = await two_approve(programme, member, expect_wait=True)

    assert isinstance(first, AdjustmentRequest)
    assert isinstance(second, DomainError)
    assert second.code == "request_over"
    assert (await programme.rows(POSTED))[0][0] == 500
    assert await programme.problems() == {}


async def test_without_the_lock_the_nets_still_stop_the_second(
    programme: Programme, member: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_the_lock(monkeypatch)
    with pytest.raises(database_errors.UniqueViolation):
        await two_approve(programme, member, expect_wait=False)
    assert (await programme.rows(POSTED))[0][0] == 500


async def test_without_the_lock_and_the_nets_it_is_posted_twice(
    programme: Programme, member: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    await programme.execute(*NETS)
    without_the_lock(monkeypatch)
    await two_approve(programme, member, expect_wait=False)

    assert (await programme.rows(POSTED))[0][0] == 1_000
    assert "wallets against transfers" in await programme.problems()


async def asked_for_and_directly(programme: Programme, *, expect_wait: bool) -> UUID:
    """Let somebody correct directly while the same reference is asked for and approved, and not yet committed."""
    member = (await programme.members(1, "twice"))[0]
    await programme.one(accrue(member, "gift", NOON, 7))
    async with programme.database.transaction(set_based=True) as tx:
        wishes: list[Command] = [ask(member, "case-4711", None, 50), answer(member, "case-4711", None, "wu")]
        decided = await api.decide_adjustments(tx, programme.configuration, wishes)
        assert all(isinstance(one, AdjustmentRequest) for one in decided)
        wish = structs.replace(adjust(member, "case-4711", NOON, 50), recorded_at=None)
        other = asyncio.create_task(programme.post(wish))
        while not other.done() and (await programme.rows(WAITING))[0][0] == 0:
            await asyncio.sleep(0.005)
        assert other.done() is not expect_wait
    (posted,) = await other
    assert isinstance(posted, Posting)
    return member


CORRECTED = "SELECT count(*), sum(amount)::int FROM ledger_transfers WHERE member_id = %s AND kind = 'adjust'"


async def test_asked_for_and_directly_at_once_a_reference_is_corrected_once(programme: Programme) -> None:
    member = await asked_for_and_directly(programme, expect_wait=True)

    assert await programme.rows(CORRECTED, (member,)) == [(1, 50)]
    assert await programme.problems() == {}


async def test_without_the_lock_it_is_corrected_both_ways(
    programme: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control; verifying finds it."""
    await programme.execute(*NETS)
    without_the_lock(monkeypatch)
    member = await asked_for_and_directly(programme, expect_wait=False)

    assert await programme.rows(CORRECTED, (member,)) == [(2, 100)]
    problems = await programme.problems()
    assert any("asked for under the same reference" in one for one in problems["adjustments as approved"])


@pytest.mark.parametrize("lock", [True, False])
async def test_of_a_correction_and_the_expiry_of_a_lot_one_takes_it(
    programme: Programme,
    monkeypatch: pytest.MonkeyPatch,
    lock: bool,  # noqa: FBT001 - a case
) -> None:
    """A correction decided just before a lot runs out, and the job that comes after it: without the lock, both."""
    member = (await programme.members(1, "other"))[0]
    await programme.one(accrue(member, "gift", NOON, 100, expires_at=NOON + DAY))
    if not lock:
        await programme.execute(*NETS)
        without_the_lock(monkeypatch)
    correction = adjust(member, "desk", NOON + DAY - timedelta(seconds=1), -100)
    async with programme.database.transaction() as tx:
        needs = api.Needs(until=NOON + DAY)
        needs.want(correction)
        books = await api.open_books(tx, programme.configuration, needs)
        job = asyncio.create_task(programme.expire(NOON + DAY))
        while not job.done() and (await programme.rows(WAITING))[0][0] == 0:
            await asyncio.sleep(0.005)
        assert job.done() is not lock
        books.post(correction)
        books.write(tx)
    await job

    kinds = sorted(row[0] for row in await programme.rows("SELECT kind FROM ledger_transfers"))
    assert kinds == (["accrue", "adjust"] if lock else ["accrue", "adjust", "expire"])
    assert (await programme.problems() == {}) is lock
