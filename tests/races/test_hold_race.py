"""Held points are not spent, a hold is used once, and its deadline decides. The lock is the member's row of books."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from psycopg import errors as database_errors

from regulars.loyalty import api
from regulars.loyalty.contracts import Accrue, HoldStanding, PlaceHold, PostHold, Redeem
from regulars.loyalty.ledger.holding import hold_id_of
from regulars.platform.errors import DomainError
from tests.loyalty.programme import DAY, Programme
from tests.races.conftest import WAITING, without_the_lock

pytestmark = pytest.mark.anyio

# What stands behind the lock: no number is given twice, and no hold ends twice.
NETS = (
    "ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_pkey",
    "ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_member_id_reference_key",
    "ALTER TABLE lot_uses DROP CONSTRAINT lot_uses_pkey",
    "ALTER TABLE hold_ends DROP CONSTRAINT hold_ends_pkey",
)
Command = Redeem | PlaceHold | PostHold
SPENT = "SELECT coalesce(sum(amount), 0)::int FROM ledger_transfers WHERE kind = 'redeem'"


@pytest.fixture
async def member(programme: Programme) -> UUID:
    """Return a member with 100 points to spend."""
    member = await programme.member()
    await programme.post(Accrue(member_id=member, wallet="points", amount=100, reference="gift"))
    return member


async def keep(programme: Programme, member: UUID, amount: int, reference: str) -> PlaceHold:
    async with programme.database.transaction() as tx:
        deadline = tx.now + DAY
    return PlaceHold(
        member_id=member, wallet="points", amount=amount, purpose="x", deadline=deadline, reference=reference
    )


def use(member: UUID, reference: str, amount: int | None = None) -> PostHold:
    return PostHold(member_id=member, hold_id=hold_id_of(reference), amount=amount)


def spend(member: UUID, amount: int) -> Redeem:
    return Redeem(member_id=member, wallet="points", amount=amount, reference="shop")


async def carry_out(programme: Programme, command: Command) -> object:
    async with programme.database.transaction(set_based=True) as tx:
        return (await api.carry_out(tx, programme.configuration, [command]))[0]


async def two_at_once(programme: Programme, first: Command, second: Command, *, expect_wait: bool) -> list[object]:
    """Let the second come when the first has looked at the books and has not yet written; return both outcomes."""
    async with programme.database.transaction() as tx:
        needs = api.Needs(until=tx.now)
        needs.want(first)
        books = await api.open_books(tx, programme.configuration, needs)
        other = asyncio.create_task(carry_out(programme, second))
        while not other.done() and (await programme.rows(WAITING))[0][0] == 0:
            await asyncio.sleep(0.005)
        assert other.done() is not expect_wait
        done = books.post(first) if isinstance(first, Redeem) else books.hold(first)
        books.write(tx)
    return [done, await other]


async def available(programme: Programme, member: UUID) -> tuple[int, int]:
    """Return what is available and held now."""
    async with programme.database.transaction() as tx:
        found = {wallet.wallet: wallet for wallet in await api.balances(tx, member)}["points"]
    return found.available, found.held


async def test_of_a_hold_and_a_redemption_of_the_same_points_one_is_refused(programme: Programme, member: UUID) -> None:
    hold = await keep(programme, member, 80, "k")
    first, second = await two_at_once(programme, hold, spend(member, 80), expect_wait=True)

    assert isinstance(first, HoldStanding)
    assert isinstance(second, DomainError)
    assert (second.code, second.data["available"]) == ("insufficient_points", 20)
    assert await available(programme, member) == (20, 80)
    assert await programme.problems() == {}


async def test_without_the_lock_and_the_nets_held_points_are_spent(
    programme: Programme, member: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same two, with the lock off, keep and spend 160 of 100."""
    hold = await keep(programme, member, 80, "k")
    await programme.execute(*NETS)
    without_the_lock(monkeypatch)
    first, second = await two_at_once(programme, hold, spend(member, 80), expect_wait=False)

    assert isinstance(first, HoldStanding)
    assert not isinstance(second, DomainError)
    assert await available(programme, member) == (-60, 80)
    assert "holds against lots" in await programme.problems()


async def test_of_two_postings_of_one_hold_one_is_refused(programme: Programme, member: UUID) -> None:
    await carry_out(programme, await keep(programme, member, 40, "k"))
    first, second = await two_at_once(programme, use(member, "k", 30), use(member, "k"), expect_wait=True)

    assert isinstance(first, HoldStanding)
    assert isinstance(second, DomainError)
    assert (second.code, second.data["posted"]) == ("hold_over", 30)
    assert (await programme.rows(SPENT))[0][0] == 30
    assert await programme.problems() == {}


async def test_without_the_lock_the_nets_still_stop_the_second_posting(
    programme: Programme, member: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    await carry_out(programme, await keep(programme, member, 40, "k"))
    without_the_lock(monkeypatch)
    with pytest.raises(database_errors.UniqueViolation):
        await two_at_once(programme, use(member, "k"), use(member, "k"), expect_wait=False)
    assert (await programme.rows(SPENT))[0][0] == 40


async def test_without_the_lock_and_the_nets_a_hold_is_used_twice(
    programme: Programme, member: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    await carry_out(programme, await keep(programme, member, 40, "k"))
    await programme.execute(*NETS)
    without_the_lock(monkeypatch)
    await two_at_once(programme, use(member, "k"), use(member, "k"), expect_wait=False)

    assert (await programme.rows(SPENT))[0][0] == 80
    assert "wallets against transfers" in await programme.problems()


@pytest.mark.parametrize("lock", [True, False])
async def test_of_a_posting_and_the_deadline_one_ends_the_hold(
    programme: Programme,
    member: UUID,
    monkeypatch: pytest.MonkeyPatch,
    lock: bool,  # noqa: FBT001 - a case
) -> None:
    """A posting that began before the deadline, and the job that comes after it: with the lock off, both end it."""
    hold = await keep(programme, member, 40, "k")
    await carry_out(programme, hold)
    if not lock:
        await programme.execute(*NETS)
        without_the_lock(monkeypatch)
    async with programme.database.transaction() as tx:
        needs = api.Needs(until=tx.now)
        needs.want(use(member, "k"))
        books = await api.open_books(tx, programme.configuration, needs)
        job = asyncio.create_task(programme.time_out(hold.deadline + timedelta(hours=1)))
        while not job.done() and (await programme.rows(WAITING))[0][0] == 0:
            await asyncio.sleep(0.005)
        assert job.done() is not lock
        books.hold(use(member, "k"))
        books.write(tx)
    await job

    ends = sorted(row[0] for row in await programme.rows("SELECT how FROM hold_ends"))
    assert ends == (["posted"] if lock else ["posted", "timed_out"])
    assert (await programme.problems() == {}) is lock
