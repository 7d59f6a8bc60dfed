"""What merging and undoing refuse at the ledger's own door, whoever asked before them; and what a ring cannot do."""

import asyncio
from uuid import UUID

import pytest
from psycopg.errors import CheckViolation

from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Posting
from regulars.loyalty.errors import BooksMerged, MergeNotInForce, UndoWaitsForLater
from regulars.members.contracts.merging import Merging
from regulars.members.contracts.refusals import MemberGone
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.vault.local import LocalVault
from tests.loyalty.joining import merge, merge_of, undo
from tests.loyalty.programme import DAY, EASY, NOON, Programme, accrue, back, hold, order, redeem

pytestmark = pytest.mark.anyio


@pytest.fixture
async def programme(database: Database, vault: LocalVault) -> Programme:
    return await Programme.begin(database, vault, EASY)


async def of_100(programme: Programme, count: int) -> list[UUID]:
    """Return members with 100 points each."""
    members = await programme.members(count)
    for member in members:
        await programme.one(accrue(member, "own", NOON, 100))
    return members


async def refused(programme: Programme, wish: Merging, refusal: type[DomainError]) -> None:
    """Assert that a merge is refused, by looking first too, and leaves nothing."""
    before = await programme.books()
    for dry_run in (True, False):
        with pytest.raises(refusal):
            await merge(programme, wish, dry_run=dry_run)
    assert await programme.books() == before


async def undo_refused(programme: Programme, wish: Merging, refusal: type[DomainError]) -> None:
    before = await programme.books()
    for dry_run in (True, False):
        with pytest.raises(refusal):
            await undo(programme, wish, NOON + 9 * DAY, dry_run=dry_run)
    assert await programme.books() == before


async def test_the_other_way_round_is_refused(programme: Programme) -> None:
    survivor, absorbed = await of_100(programme, 2)
    await merge(programme, merge_of(survivor, absorbed, NOON + DAY, "one"))
    await refused(programme, merge_of(absorbed, survivor, NOON + 2 * DAY, "two"), BooksMerged)
    assert await programme.problems() == {}


async def test_books_are_part_of_one_other_at_most(programme: Programme) -> None:
    survivor, absorbed, other = await of_100(programme, 3)
    await merge(programme, merge_of(survivor, absorbed, NOON + DAY, "one"))
    await refused(programme, merge_of(other, absorbed, NOON + 2 * DAY, "two"), BooksMerged)


async def test_nobody_joins_books_that_are_part_of_others(programme: Programme) -> None:
    survivor, absorbed, other = await of_100(programme, 3)
    await merge(programme, merge_of(other, survivor, NOON + DAY, "one"))
    await refused(programme, merge_of(survivor, absorbed, NOON + 2 * DAY, "two"), BooksMerged)


async def test_a_chain_is_undone_from_its_end(programme: Programme) -> None:
    first, second, third = await of_100(programme, 3)
    one, two = merge_of(second, first, NOON + DAY, "one"), merge_of(third, second, NOON + 2 * DAY, "two")
    await merge(programme, one)
    await merge(programme, two)
    await undo_refused(programme, one, UndoWaitsForLater)
    await undo(programme, two, NOON + 9 * DAY)
    await undo(programme, one, NOON + 9 * DAY)
    assert [(await programme.points(member, NOON + 9 * DAY))[0] for member in (first, second, third)] == [100] * 3
    assert await programme.problems() == {}


async def test_a_merge_is_undone_once_and_only_where_it_was(programme: Programme) -> None:
    survivor, absorbed, other = await of_100(programme, 3)
    one = merge_of(survivor, absorbed, NOON + DAY, "one")
    await undo_refused(programme, one, MergeNotInForce)
    await merge(programme, one)
    await undo_refused(programme, one._replace(survivor_id=other), MergeNotInForce)
    await undo_refused(programme, merge_of(survivor, absorbed, NOON, "another"), MergeNotInForce)
    await programme.one(redeem(survivor, "shop", NOON + DAY, 200))
    await undo(programme, one, NOON + 2 * DAY)
    await undo_refused(programme, one, MergeNotInForce)
    again = merge_of(survivor, absorbed, NOON + 9 * DAY, "again")
    await merge(programme, again)
    await undo_refused(programme, one, MergeNotInForce)
    await undo(programme, again, NOON + 9 * DAY)
    assert await programme.problems() == {}


async def test_no_books_are_part_of_themselves(programme: Programme) -> None:
    (member,) = await of_100(programme, 1)
    with pytest.raises(CheckViolation):
        await merge(programme, merge_of(member, member, NOON + DAY))


async def test_a_ring_ends_in_a_fault_and_not_never(programme: Programme) -> None:
    """Books that lead back to themselves are a fault of somebody else's making; others go on meanwhile."""
    survivor, absorbed, other = await of_100(programme, 3)
    await programme.one(order(survivor, "S", NOON, 1_000))
    await merge(programme, merge_of(survivor, absorbed, NOON + DAY))
    await programme.execute(
        f"UPDATE member_books SET merged_into = '{absorbed}', "
        f"merged_by = (SELECT merged_by FROM member_books WHERE member_id = '{absorbed}') "
        f"WHERE member_id = '{survivor}'"
    )
    at = NOON + 2 * DAY
    for fact in (accrue(absorbed, "x", at, 1), redeem(survivor, "x", at, 1), back(survivor, "S", at, 1_000)):
        async with asyncio.timeout(20):
            with pytest.raises(AssertionError, match="lead back to themselves"):
                await programme.apply(fact)
    assert isinstance((await programme.post(accrue(other, "x", at, 1)))[0], Posting)
    assert set(await programme.problems()) == {"books that are part of others"}


# --- erased members -------------------------------------------------------------------------------------------------


async def erase(programme: Programme, member: UUID) -> None:
    async with programme.database.transaction() as tx:
        await loyalty.PRIVACY.erase(tx, [member])


@pytest.mark.parametrize("which", [0, 1], ids=["survivor", "absorbed"])
async def test_closed_books_are_not_merged(programme: Programme, which: int) -> None:
    both = survivor, absorbed = await of_100(programme, 2)
    await erase(programme, both[which])
    await refused(programme, merge_of(survivor, absorbed, NOON + DAY), MemberGone)


@pytest.mark.parametrize("which", [0, 1], ids=["survivor", "absorbed"])
async def test_closed_books_are_not_parted(programme: Programme, which: int) -> None:
    both = survivor, absorbed = await of_100(programme, 2)
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    await erase(programme, both[which])
    await undo_refused(programme, wish, MemberGone)


@pytest.mark.parametrize("which", [0, 1], ids=["survivor", "absorbed"])
async def test_nothing_new_comes_for_an_id_that_was_erased(programme: Programme, which: int) -> None:
    both = survivor, absorbed = await of_100(programme, 2)
    await programme.one(order(absorbed, "A", NOON, 10_000))
    await merge(programme, merge_of(survivor, absorbed, NOON + DAY))
    at = NOON + 2 * DAY
    (meanwhile,) = await programme.post(accrue(absorbed, "meanwhile", at, 5))
    await erase(programme, both[which])
    for fact in (
        accrue(absorbed, "late", at, 5),
        redeem(absorbed, "late", at, 5),
        hold(absorbed, "late", at, 5, at + DAY),
        order(absorbed, "B", at, 10_000),
    ):
        (result,) = await programme.apply(fact)
        assert isinstance(result, MemberGone), fact
    again = await programme.post(accrue(absorbed, "own", NOON, 100), accrue(absorbed, "meanwhile", at, 5))
    assert isinstance(again[0], Posting)  # what was posted before is answered as ever
    assert again[1] == meanwhile
    await programme.one(back(absorbed, "A", at, 10_000))  # and what was bought before can be returned
    assert set(await programme.problems()) <= {"books of erased members"}
