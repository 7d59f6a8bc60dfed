"""Transfers, and taking them back, beside each other, a redemption and a merge; with the lock of the books off."""

from uuid import UUID

import pytest
from psycopg.errors import Error

from regulars.loyalty import api
from regulars.loyalty.contracts import Redeem
from regulars.loyalty.errors import InsufficientPoints
from regulars.loyalty.merging import service as merging
from regulars.loyalty.transfers.errors import GivenTodayLimit, ReversalAfterMerge, TransferReversedBefore
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.vault.local import LocalVault
from tests.loyalty.giving import back, carry, gift, give, given, points, policy_of
from tests.loyalty.joining import merge_of
from tests.loyalty.programme import Programme
from tests.races.conftest import without_the_lock
from tests.races.test_merge_race import NETS, beside, now_of

pytestmark = pytest.mark.anyio
Three = tuple[UUID, UUID, UUID]


@pytest.fixture
async def programme(database: Database, vault: LocalVault) -> Programme:
    """Return a programme in which a member gives no more than 60 points a day."""
    return await Programme.begin(database, vault, policy_of(given_per_day=60))


@pytest.fixture
async def three(programme: Programme) -> Three:
    """Return three members, of whom the first has 100 points."""
    one, two, other = await programme.members(3)
    await gift(programme, one, 100)
    return one, two, other


async def two_at_once(programme: Programme, three: Three, *, expect_wait: bool | None) -> object:
    one, two, other = three
    async with programme.database.transaction(set_based=True) as tx:
        (first,) = await api.transfer_points(tx, programme.configuration, [give(one, two, 40, "first")])
        await tx.flush()
        second = await beside(programme, carry(programme, give(one, other, 40, "second")), expect_wait=expect_wait)
    assert isinstance(first, api.Transferred)
    try:
        (found,) = await second
    except Error as error:
        return error
    return found


async def test_two_at_once_do_not_go_beyond_the_limit(programme: Programme, three: Three) -> None:
    found = await two_at_once(programme, three, expect_wait=True)

    assert isinstance(found, GivenTodayLimit)
    assert found.data["left"] == 20
    assert await points(programme, *three) == [60, 40, 0]
    assert await programme.problems() == {}


async def test_without_the_lock_two_go_beyond_the_limit(
    programme: Programme, three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: neither sees the other, and both give."""
    await programme.execute(*NETS)
    without_the_lock(monkeypatch)
    found = await two_at_once(programme, three, expect_wait=None)

    assert isinstance(found, api.Transferred), found
    assert await programme.rows("SELECT sum(amount)::bigint FROM point_transfers WHERE side = 'given'") == [(80,)]


async def beside_a_redemption(programme: Programme, three: Three, *, expect_wait: bool | None) -> object:
    one, two, _ = three
    async with programme.database.transaction(set_based=True) as tx:
        await api.transfer_points(tx, programme.configuration, [give(one, two, 60, "gift")])
        await tx.flush()
        spent = Redeem(member_id=one, wallet="points", amount=60, reference="shop")
        other = await beside(programme, programme.post(spent), expect_wait=expect_wait)
    (found,) = await other
    return found


async def test_what_is_given_is_not_spent_too(programme: Programme, three: Three) -> None:
    found = await beside_a_redemption(programme, three, expect_wait=True)

    assert isinstance(found, InsufficientPoints)
    assert await points(programme, *three) == [40, 60, 0]
    assert await programme.problems() == {}


async def test_without_the_lock_what_is_given_is_spent_too(
    programme: Programme, three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same units are taken twice."""
    await programme.execute(*NETS)
    without_the_lock(monkeypatch)
    found = await beside_a_redemption(programme, three, expect_wait=None)

    assert not isinstance(found, InsufficientPoints)
    assert await programme.problems() != {}


async def beside_a_merge(programme: Programme, three: Three, *, expect_wait: bool | None) -> object:
    one, two, survivor = three
    wish = merge_of(survivor, two, await now_of(programme))
    async with programme.database.transaction() as tx:
        await merging.merge(tx, wish, dry_run=False)
        await tx.flush()
        other = await beside(programme, carry(programme, give(one, two, 50, "gift")), expect_wait=expect_wait)
    (found,) = await other
    return found


async def test_what_is_given_during_a_merge_comes_to_the_survivor(programme: Programme, three: Three) -> None:
    await gift(programme, three[1], 1)
    found = await beside_a_merge(programme, three, expect_wait=True)

    assert isinstance(found, api.Transferred)
    assert found.to_id == three[2]
    assert await points(programme, *three) == [50, 0, 51]
    assert await programme.problems() == {}


async def test_without_the_lock_it_is_lost_in_books_that_are_part_of_others(
    programme: Programme, three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: who is given was merged meanwhile, and nobody sees it."""
    await gift(programme, three[1], 1)
    await programme.execute(*NETS)
    without_the_lock(monkeypatch)
    found = await beside_a_merge(programme, three, expect_wait=None)

    assert isinstance(found, api.Transferred)
    assert found.to_id == three[1]
    assert "books that are part of others" in await programme.problems()


async def taken_back_twice(programme: Programme, three: Three, *, expect_wait: bool | None) -> object:
    one, two, _ = three
    done = await given(programme, one, two, 60)
    assert done.transfer_id is not None
    wish = api.ReverseTransfer(member_id=one, transfer_id=done.transfer_id, actor="test", reason="by mistake")
    async with programme.database.transaction() as tx:
        await api.reverse_transfer(tx, programme.configuration, wish)
        await tx.flush()
        other = await beside(programme, back(programme, one, done), expect_wait=expect_wait)
    try:
        return await other
    except (DomainError, Error) as refusal:
        return refusal


async def test_what_is_taken_back_is_taken_back_once(programme: Programme, three: Three) -> None:
    found = await taken_back_twice(programme, three, expect_wait=True)

    assert isinstance(found, TransferReversedBefore)
    assert await points(programme, *three) == [100, 0, 0]
    assert await programme.problems() == {}


async def test_without_the_lock_it_is_taken_back_twice(
    programme: Programme, three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: neither sees that the other took it back."""
    await programme.execute(*NETS, "ALTER TABLE point_transfer_reversals DROP CONSTRAINT point_transfer_reversals_pkey")
    without_the_lock(monkeypatch)
    found = await taken_back_twice(programme, three, expect_wait=None)

    assert isinstance(found, api.TransferReversed), found
    assert await programme.problems() != {}


@pytest.mark.parametrize("what", ["spent", "merged"])
async def test_taking_back_sees_what_was_done_beside_it(programme: Programme, three: Three, what: str) -> None:
    one, two, survivor = three
    done = await given(programme, one, two, 60)
    async with programme.database.transaction() as tx:
        if what == "spent":
            spent = Redeem(member_id=two, wallet="points", amount=50, reference="shop")
            await api.post(tx, programme.configuration, [spent])
        else:
            await merging.merge(tx, merge_of(survivor, two, tx.now), dry_run=False)
        await tx.flush()
        other = await beside(programme, back(programme, one, done), expect_wait=True)
    if what == "spent":
        taken = await other
        assert (taken.returned, taken.shortfall) == (10, 50)
    else:
        with pytest.raises(ReversalAfterMerge):
            await other
    assert await programme.problems() == {}
