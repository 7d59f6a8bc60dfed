"""Two spend the same points at the same moment: one gets them. The lock is the member's row in `member_books`."""

import asyncio
from uuid import UUID

import pytest
from psycopg import errors as database_errors

from regulars.loyalty import api
from regulars.loyalty.contracts import Accrue, Posting, Redeem
from regulars.platform.errors import DomainError
from tests.loyalty.programme import Programme, order
from tests.races.conftest import WAITING, without_the_lock

pytestmark = pytest.mark.anyio

# What stands behind the lock: no number, and no reference, is given twice.
NETS = (
    "ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_pkey",
    "ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_member_id_reference_key",
    "ALTER TABLE lot_uses DROP CONSTRAINT lot_uses_pkey",
    "ALTER TABLE lots DROP CONSTRAINT lots_pkey",
)


@pytest.fixture
async def member(programme: Programme) -> UUID:
    """Return a member with 100 points to spend."""
    member = await programme.member()
    await programme.post(Accrue(member_id=member, wallet="points", amount=100, reference="gift"))
    return member


def spend(member: UUID, amount: int, reference: str) -> Redeem:
    return Redeem(member_id=member, wallet="points", amount=amount, reference=reference)


async def two_at_once(
    programme: Programme, first: Accrue | Redeem, second: Accrue | Redeem, *, expect_wait: bool
) -> list[Posting | DomainError]:
    """Let the second come when the first has looked at the books and has not yet written; return both outcomes."""
    async with programme.database.transaction() as tx:
        needs = api.Needs(
            until=tx.now,
            members={first.member_id},
            lots_of={first.member_id},
            references={(first.member_id, first.reference)},
        )
        books = await api.open_books(tx, programme.configuration, needs)
        other = asyncio.create_task(programme.post(second))
        while not other.done() and (await programme.rows(WAITING))[0][0] == 0:
            await asyncio.sleep(0.005)
        assert other.done() is not expect_wait
        posted = books.post(first)
        books.write(tx)
    return [posted, *await other]


async def spent(programme: Programme, member: UUID) -> int:
    """Return what redemptions took out of the books."""
    rows = await programme.rows(
        "SELECT coalesce(sum(amount), 0)::int FROM ledger_transfers WHERE kind = 'redeem' AND member_id = %s", (member,)
    )
    return int(rows[0][0])


async def test_of_two_that_spend_the_same_points_one_is_refused(programme: Programme, member: UUID) -> None:
    first, second = await two_at_once(programme, spend(member, 80, "a"), spend(member, 80, "b"), expect_wait=True)

    assert isinstance(first, Posting)
    assert isinstance(second, DomainError)
    assert (second.code, second.data["available"]) == ("insufficient_points", 20)
    assert await spent(programme, member) == 80
    assert await programme.problems() == {}


async def test_without_the_lock_the_numbering_still_stops_the_second(
    programme: Programme, member: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_the_lock(monkeypatch)
    with pytest.raises(database_errors.UniqueViolation):
        await two_at_once(programme, spend(member, 80, "a"), spend(member, 80, "b"), expect_wait=False)

    assert await spent(programme, member) == 80


async def test_without_the_lock_and_the_nets_the_points_are_spent_twice(
    programme: Programme, member: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same two, with the lock off, take 160 out of 100."""
    await programme.execute(*NETS)
    without_the_lock(monkeypatch)
    first, second = await two_at_once(programme, spend(member, 80, "a"), spend(member, 80, "b"), expect_wait=False)

    assert isinstance(first, Posting)
    assert isinstance(second, Posting)
    assert await spent(programme, member) == 160
    found = await programme.problems()
    assert {"wallets against transfers", "lots against their uses", "books in order"} <= set(found)


async def test_an_order_cannot_pay_with_points_that_are_being_spent(programme: Programme, member: UUID) -> None:
    await programme.post(Accrue(member_id=member, wallet="points", amount=200, reference="gift:2"))
    async with programme.database.transaction() as tx:
        books = await api.open_books(tx, programme.configuration, api.Needs(tx.now, {member}, {member}))
        buying = order(member, "A", tx.now, 1_000_000, points=300, recorded_at=None)
        other = asyncio.create_task(programme.apply(buying))
        while not other.done() and (await programme.rows(WAITING))[0][0] == 0:
            await asyncio.sleep(0.005)
        assert not other.done()
        books.post(spend(member, 10, "a"))
        books.write(tx)
    (refused,) = await other
    assert isinstance(refused, DomainError)
    assert (refused.code, refused.data["spendable"]) == ("points_not_usable", 290)
    assert await programme.problems() == {}


async def test_of_twenty_at_once_as_many_go_through_as_there_are_points(programme: Programme, member: UUID) -> None:
    outcomes = [
        outcome
        for batch in await asyncio.gather(
            *[programme.post(spend(member, 15, f"a:{n}"), spend(member, 15, f"b:{n}")) for n in range(10)]
        )
        for outcome in batch
    ]

    refused = [outcome for outcome in outcomes if isinstance(outcome, DomainError)]
    assert len(outcomes) - len(refused) == 6
    assert {refusal.code for refusal in refused} == {"insufficient_points"}
    assert await spent(programme, member) == 90
    assert await programme.problems() == {}


async def test_no_balance_below_zero_can_be_written(programme: Programme, member: UUID) -> None:
    """The checks of the tables stand whatever the code does."""
    for statement in (
        f"UPDATE member_wallets SET balance = -1 WHERE member_id = '{member}'",
        f"UPDATE member_wallets SET debt = -1 WHERE member_id = '{member}'",
        f"UPDATE lots SET remaining = -1 WHERE member_id = '{member}'",
        f"UPDATE lots SET remaining = amount + 1 WHERE member_id = '{member}'",
        f"UPDATE ledger_transfers SET amount = 0 WHERE member_id = '{member}'",
        f"UPDATE ledger_transfers SET debit_account = 200 WHERE member_id = '{member}'",
    ):
        with pytest.raises(database_errors.CheckViolation):
            await programme.execute(statement)
