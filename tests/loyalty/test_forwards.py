"""What is addressed to a merged member, in batches and alone: found, posted once, and known after undoing."""

from typing import Any
from uuid import UUID

import pytest

from regulars.loyalty import api
from regulars.loyalty.contracts import Accrue, HoldStanding, Posting, ReturnSettlement
from regulars.loyalty.errors import AlreadySettled, ReferenceReused
from regulars.loyalty.ledger import service
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.vault.local import LocalVault
from tests.loyalty.joining import merge, merge_of, undo
from tests.loyalty.programme import (
    DAY,
    EASY,
    NOON,
    Programme,
    accrue,
    back,
    hold,
    order,
    post_hold,
    redeem,
    void_hold,
)

pytestmark = pytest.mark.anyio
WHOLE = [True, False]


@pytest.fixture
async def programme(database: Database, vault: LocalVault) -> Programme:
    return await Programme.begin(database, vault, EASY)


async def three(programme: Programme) -> tuple[UUID, UUID, UUID]:
    """Return three members with 100 points each, under a reference that all of them have."""
    found = await programme.members(3)
    await programme.post(*[accrue(member, "own", NOON, 100) for member in found])
    first, second, third = found
    return first, second, third


async def carried_out(programme: Programme, commands: list[Any], *, together: bool) -> list[Any]:
    """Carry out what is posted directly as its lane does, in one transaction or one each."""
    results = []
    for batch in [commands] if together else [[command] for command in commands]:
        async with programme.database.transaction(by_keys=True) as tx:
            results += await service.carry_out(tx, programme.configuration, batch)
    return results


async def balances(programme: Programme, *members: UUID) -> list[int]:
    return [(await programme.points(member, NOON + 900 * DAY))[0] for member in members]


# --- a batch of both is its singles -------------------------------------------------------------------------------


@pytest.mark.parametrize("together", WHOLE)
async def test_who_is_named_twice_spends_all_there_is(programme: Programme, *, together: bool) -> None:
    survivor, absorbed, _ = await three(programme)
    await merge(programme, merge_of(survivor, absorbed, NOON + DAY))
    more, spent = await carried_out(
        programme,
        [accrue(survivor, "more", NOON + 2 * DAY, 5), redeem(absorbed, "shop", NOON + 2 * DAY, 150)],
        together=together,
    )
    assert isinstance(more, Posting)
    assert isinstance(spent, Posting), spent
    assert (spent.member_id, spent.balance) == (survivor, 55)
    assert await programme.problems() == {}


@pytest.mark.parametrize("together", WHOLE)
async def test_a_reference_that_the_survivor_has_is_repeated(programme: Programme, *, together: bool) -> None:
    survivor, absorbed, _ = await three(programme)
    await merge(programme, merge_of(survivor, absorbed, NOON + DAY))
    (first,) = await programme.post(accrue(absorbed, "gift", NOON + 2 * DAY, 7))
    _, again = await carried_out(
        programme,
        [accrue(survivor, "more", NOON + 2 * DAY, 5), accrue(absorbed, "gift", NOON + 2 * DAY, 7)],
        together=together,
    )
    assert again == first


@pytest.mark.parametrize("together", WHOLE)
async def test_a_hold_of_the_survivor_is_posted_under_the_old_id(programme: Programme, *, together: bool) -> None:
    survivor, absorbed, _ = await three(programme)
    await merge(programme, merge_of(survivor, absorbed, NOON + DAY))
    await programme.one(hold(absorbed, "h", NOON + 2 * DAY, 150, NOON + 9 * DAY))
    _, posted = await carried_out(
        programme,
        [accrue(survivor, "more", NOON + 3 * DAY, 5), post_hold(absorbed, "h", NOON + 3 * DAY, 120)],
        together=together,
    )
    assert isinstance(posted, HoldStanding), posted
    assert (posted.member_id, posted.state, posted.posted) == (survivor, "posted", 120)
    assert await balances(programme, survivor, absorbed) == [85, 0]
    assert await programme.problems() == {}


async def test_a_return_beside_a_small_thing_of_the_survivor_makes_no_debt(programme: Programme) -> None:
    survivor, absorbed, _ = await three(programme)
    await programme.one(order(absorbed, "A", NOON, 10_000))
    await merge(programme, merge_of(survivor, absorbed, NOON + DAY))
    async with programme.database.transaction(by_keys=True) as tx:
        needs = api.Needs(until=NOON + 2 * DAY)
        needs.want(accrue(survivor, "more", NOON + 2 * DAY, 5))
        needs.members.add(absorbed)
        needs.lots_of.add(absorbed)
        needs.orders.add((absorbed, "A"))
        books = await api.open_books(tx, programme.configuration, needs)
        books.post(accrue(survivor, "more", NOON + 2 * DAY, 5))
        settled = books.settle_return(back(absorbed, "A", NOON + 2 * DAY, 10_000))
        books.write(tx)
    assert settled.to_debt == 0
    assert await programme.problems() == {}


async def test_numbers_taken_with_the_lock_leave_no_gaps(programme: Programme) -> None:
    """Postings of this very instant are numbered with the lock, unless somebody is to be found elsewhere."""
    survivor, absorbed, other = await three(programme)
    await merge(programme, merge_of(survivor, absorbed, NOON + DAY))
    found = await programme.post(
        *[
            Accrue(member_id=member, wallet="points", amount=3, reference=f"{number}")
            for number, member in enumerate([other, absorbed, survivor, absorbed, other])
        ]
    )
    assert not [refusal for refusal in found if isinstance(refusal, DomainError)]
    assert await programme.problems() == {}


# --- posted once: along the way, and after undoing ------------------------------------------------------------------


async def test_each_keeps_what_it_had_under_the_same_reference(programme: Programme) -> None:
    first, second, third = await three(programme)
    await merge(programme, merge_of(second, first, NOON + DAY, "one"))
    await merge(programme, merge_of(third, second, NOON + 2 * DAY, "two"))
    again = [await programme.one(accrue(member, "own", NOON, 100)) for member in (first, second, third)]
    assert [found.member_id for found in again if isinstance(found, Posting)] == [first, second, third]
    assert await balances(programme, first, second, third) == [0, 0, 300]


async def test_a_reference_posted_on_the_way_is_known_under_the_old_id(programme: Programme) -> None:
    first, second, third = await three(programme)
    await merge(programme, merge_of(second, first, NOON + DAY, "one"))
    (gift,) = await programme.post(accrue(first, "gift", NOON + 2 * DAY, 7))
    await merge(programme, merge_of(third, second, NOON + 3 * DAY, "two"))
    for member in (first, second):
        assert await programme.post(accrue(member, "gift", NOON + 2 * DAY, 7)) == [gift]
    (refused,) = await programme.post(accrue(first, "gift", NOON + 2 * DAY, 8))
    assert isinstance(refused, ReferenceReused)
    assert await balances(programme, first, second, third) == [0, 0, 307]
    assert await programme.problems() == {}


async def test_what_was_posted_elsewhere_is_known_when_all_is_undone(programme: Programme) -> None:
    first, second, third = await three(programme)
    one, two = merge_of(second, first, NOON + DAY, "one"), merge_of(third, second, NOON + DAY, "two")
    await merge(programme, one)
    await merge(programme, two)
    (gift,) = await programme.post(accrue(first, "gift", NOON + 2 * DAY, 7))
    await undo(programme, two, NOON + 3 * DAY)
    assert await programme.post(accrue(second, "gift", NOON + 2 * DAY, 7)) == [gift]
    await undo(programme, one, NOON + 3 * DAY)
    for member in (first, second, third):
        assert await programme.post(accrue(member, "gift", NOON + 2 * DAY, 7)) == [gift]
    assert await balances(programme, first, second, third) == [100, 100, 107]
    assert await programme.problems() == {}


async def test_what_was_answered_from_other_books_is_answered_so_after_undoing(programme: Programme) -> None:
    survivor, absorbed, _ = await three(programme)
    await programme.post(accrue(survivor, "gift", NOON, 7))
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    (told,) = await programme.post(accrue(absorbed, "gift", NOON, 7))
    await undo(programme, wish, NOON + 2 * DAY)
    assert await programme.post(accrue(absorbed, "gift", NOON, 7)) == [told]
    assert await balances(programme, survivor, absorbed) == [107, 100]
    assert await programme.problems() == {}


async def test_a_hold_on_the_way_is_placed_once(programme: Programme) -> None:
    first, second, third = await three(programme)
    await merge(programme, merge_of(second, first, NOON + DAY, "one"))
    await programme.one(hold(first, "h", NOON + 2 * DAY, 50, NOON + 20 * DAY))
    await programme.one(void_hold(first, "h", NOON + 3 * DAY))
    await merge(programme, merge_of(third, second, NOON + 4 * DAY, "two"))
    again = await programme.one(hold(first, "h", NOON + 2 * DAY, 50, NOON + 20 * DAY))
    assert isinstance(again, HoldStanding)
    assert (again.member_id, again.state) == (second, "voided")
    assert await programme.rows("SELECT count(*) FROM holds") == [(1,)]
    assert await programme.problems() == {}


async def test_an_ended_hold_is_known_when_the_merge_is_undone(programme: Programme) -> None:
    survivor, absorbed, _ = await three(programme)
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    await programme.one(hold(absorbed, "h", NOON + 2 * DAY, 50, NOON + 20 * DAY))
    await programme.one(post_hold(absorbed, "h", NOON + 2 * DAY))
    await undo(programme, wish, NOON + 3 * DAY)
    again = await programme.one(hold(absorbed, "h", NOON + 2 * DAY, 50, NOON + 20 * DAY))
    assert isinstance(again, HoldStanding)
    assert (again.member_id, again.state) == (survivor, "posted")
    assert await programme.rows("SELECT count(*) FROM holds") == [(1,)]
    assert await programme.problems() == {}


# --- orders ---------------------------------------------------------------------------------------------------------


async def settled_already(programme: Programme, member: UUID, order_id: str) -> None:
    before = await programme.rows("SELECT count(*) FROM ledger_transfers")
    (refused,) = await programme.apply(order(member, order_id, NOON, 10_000))
    assert isinstance(refused, AlreadySettled), refused
    assert await programme.rows("SELECT count(*) FROM ledger_transfers") == before


async def test_an_order_settled_before_a_merge_is_not_settled_again(programme: Programme) -> None:
    first, second, third = await three(programme)
    await programme.one(order(first, "A", NOON, 10_000))
    await merge(programme, merge_of(second, first, NOON + DAY, "one"))
    await settled_already(programme, first, "A")
    await merge(programme, merge_of(third, second, NOON + DAY, "two"))
    await settled_already(programme, first, "A")


async def test_an_order_under_the_old_id_is_settled_once_and_can_be_returned(programme: Programme) -> None:
    first, second, third = await three(programme)
    await merge(programme, merge_of(second, first, NOON + DAY, "one"))
    await programme.one(order(first, "N", NOON + 2 * DAY, 10_000))
    await settled_already(programme, first, "N")
    await settled_already(programme, second, "N")
    await merge(programme, merge_of(third, second, NOON + 3 * DAY, "two"))
    await settled_already(programme, first, "N")
    returned = await programme.one(back(first, "N", NOON + 4 * DAY, 10_000))
    assert isinstance(returned, ReturnSettlement)
    assert (returned.points_clawed_back, returned.to_debt) == (100, 0)
    assert await balances(programme, first, second, third) == [0, 0, 300]
    assert await programme.problems() == {}


async def test_an_order_under_the_old_id_stays_where_it_is_settled(programme: Programme) -> None:
    survivor, absorbed, _ = await three(programme)
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    await programme.one(order(absorbed, "N", NOON + 2 * DAY, 10_000))
    await undo(programme, wish, NOON + 3 * DAY)
    await settled_already(programme, absorbed, "N")
    await programme.one(back(absorbed, "N", NOON + 4 * DAY, 10_000))
    assert await balances(programme, survivor, absorbed) == [100, 100]
    assert await programme.problems() == {}


# --- proofs ---------------------------------------------------------------------------------------------------------

CORRUPTIONS = {
    "stands nowhere": "UPDATE ledger_forwards SET name = 'other'",
    "stands with somebody else": "UPDATE ledger_forwards SET to_member_id = '{o}'",
    "stands here, too": "UPDATE ledger_forwards SET name = 'own' WHERE kind = 'posting'",
    "nobody looks for it": "UPDATE member_books SET has_forwards = false",
    "forgotten": "DELETE FROM ledger_forwards",
}


@pytest.mark.parametrize("planted", CORRUPTIONS)
async def test_each_corruption_is_found(programme: Programme, planted: str) -> None:
    survivor, absorbed, other = await three(programme)
    await merge(programme, merge_of(survivor, absorbed, NOON + DAY))
    await programme.post(accrue(absorbed, "gift", NOON + 2 * DAY, 7))
    await programme.one(hold(absorbed, "h", NOON + 2 * DAY, 5, NOON + 9 * DAY))
    await programme.one(order(absorbed, "N", NOON + 2 * DAY, 10_000))
    assert await programme.problems() == {}
    await programme.execute(CORRUPTIONS[planted].format(o=other))
    assert set(await programme.problems()) == {"facts posted elsewhere"}
