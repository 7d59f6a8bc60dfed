"""The same fact comes from two sides at the same moment: it posts once. Behind the lock stands the unique reference."""

import asyncio
from uuid import UUID

import pytest
from psycopg import errors as database_errors

from regulars.loyalty import api
from regulars.loyalty.contracts import Accrue, Posting
from regulars.platform.errors import DomainError
from tests.loyalty.programme import Programme
from tests.races.conftest import WAITING, without_the_lock
from tests.races.test_redemption_race import NETS, spend, two_at_once

pytestmark = pytest.mark.anyio


@pytest.fixture
async def member(programme: Programme) -> UUID:
    """Return a member who has books already."""
    member = await programme.member()
    await programme.post(gift(member, 1, "welcome"))
    return member


def gift(member: UUID, amount: int, reference: str = "birthday:2026") -> Accrue:
    return Accrue(member_id=member, wallet="points", amount=amount, reference=reference)


async def balance(programme: Programme, member: UUID) -> int:
    return (await programme.wallet(member, programme.database.clock.now())).balance


async def test_the_same_fact_twice_at_once_posts_once(programme: Programme, member: UUID) -> None:
    first, second = await two_at_once(programme, gift(member, 100), gift(member, 100), expect_wait=True)

    assert isinstance(first, Posting)
    assert isinstance(second, Posting)
    assert (second.seq, second.amount, second.balance) == (first.seq, 100, 101)
    assert await balance(programme, member) == 101
    assert await programme.problems() == {}


async def test_another_fact_under_the_same_reference_is_refused(programme: Programme, member: UUID) -> None:
    _, second = await two_at_once(programme, gift(member, 100), gift(member, 50), expect_wait=True)

    assert isinstance(second, DomainError)
    assert (second.code, second.pointer) == ("reference_reused", "/reference")
    assert await balance(programme, member) == 101


async def test_without_the_lock_the_reference_still_stops_the_second(
    programme: Programme,
    member: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await programme.execute(*[net for net in NETS if "reference" not in net])
    without_the_lock(monkeypatch)
    with pytest.raises(database_errors.UniqueViolation, match="reference"):
        await two_at_once(programme, gift(member, 100), gift(member, 100), expect_wait=False)

    assert await programme.rows("SELECT count(*) FROM ledger_transfers WHERE reference LIKE 'birthday%%'") == [(1,)]


async def test_without_the_lock_and_the_nets_the_fact_posts_twice(
    programme: Programme,
    member: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The negative control: the same two, with the lock off."""
    await programme.execute(*NETS)
    without_the_lock(monkeypatch)
    await two_at_once(programme, gift(member, 100), gift(member, 100), expect_wait=False)

    assert await programme.rows("SELECT count(*) FROM ledger_transfers WHERE reference LIKE 'birthday%%'") == [(2,)]
    assert "no reference twice" in await programme.problems()


async def test_a_first_posting_from_many_sides_opens_one_book(programme: Programme) -> None:
    member = await programme.member()
    answers = await asyncio.gather(*[programme.post(gift(member, 100), gift(member, 7, f"g:{n}")) for n in range(10)])

    birthdays = [answer[0] for answer in answers]
    assert all(isinstance(posting, Posting) for posting in birthdays)
    assert len({posting.seq for posting in birthdays if isinstance(posting, Posting)}) == 1
    assert await balance(programme, member) == 170
    assert await programme.problems() == {}


async def test_books_opened_while_others_are_waited_for_are_read_again(programme: Programme, member: UUID) -> None:
    """A batch that waits for one member's books looked for another's before these were opened: it takes what it found
    when it looks again, not half of it.
    """
    (newcomer,) = await programme.members(1, "newcomer")
    async with programme.database.transaction() as tx:
        await api.open_books(tx, programme.configuration, api.Needs(until=tx.now, members={member}))
        batch = asyncio.create_task(programme.post(spend(newcomer, 30, "shoes"), gift(member, 5)))
        while not batch.done() and (await programme.rows(WAITING))[0][0] == 0:
            await asyncio.sleep(0.005)
        assert not batch.done()
        await programme.post(gift(newcomer, 100))
    spending, _ = await batch

    assert isinstance(spending, Posting)
    assert (spending.seq, spending.balance) == (2, 70)
    assert await balance(programme, newcomer) == 70
    assert await programme.problems() == {}
