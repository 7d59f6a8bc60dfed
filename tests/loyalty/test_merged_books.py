"""Books of two members that become one, and two again: cases by hand."""

from typing import Any
from uuid import UUID

import pytest

from regulars.loyalty.contracts import Accrue, ExtendLot, Posting, ReturnSettlement
from regulars.loyalty.errors import MergeWaitsForHolds, UndoLacksGrowth
from regulars.loyalty.policy.contracts import Policy
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.vault.local import LocalVault
from tests.loyalty.joining import merge, merge_of, undo
from tests.loyalty.programme import (
    ANNIVERSARY,
    DAY,
    EASY,
    HARD,
    HOUR,
    NOON,
    Programme,
    accrue,
    adjust,
    back,
    extend,
    hold,
    order,
    redeem,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def programme(database: Database, vault: LocalVault) -> Programme:
    return await Programme.begin(database, vault, EASY)


async def lots(programme: Programme, member: UUID) -> list[tuple[Any, ...]]:
    """Return what is left, with dates and order: what a lot is, whatever its number."""
    return await programme.rows(
        "SELECT remaining, earned_at, available_at, expires_at, order_id FROM lots "
        "WHERE member_id = %s AND remaining > 0 ORDER BY expires_at, earned_at, remaining",
        (member,),
    )


async def tier(programme: Programme, member: UUID) -> int:
    return int((await programme.rows("SELECT tier FROM member_books WHERE member_id = %s", (member,)))[0][0])


async def test_lots_keep_their_dates_and_the_tier_follows_the_union(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(order(survivor, "S", NOON, 60_000))
    await programme.one(order(absorbed, "A", NOON + DAY, 60_000))
    await programme.one(accrue(absorbed, "gift", NOON + DAY, 50, available_at=NOON + 5 * DAY))
    before = await lots(programme, survivor) + await lots(programme, absorbed)
    assert await tier(programme, survivor) == 0

    moved = await merge(programme, merge_of(survivor, absorbed, NOON + 2 * DAY))

    assert [(one.wallet, one.units, one.lots, one.debt) for one in moved.wallets] == [
        ("points", 650, 2, 0),
        ("growth", 600, 1, 0),
    ]
    assert (moved.tier.survivor_before, moved.tier.survivor_after) == ("regular", "silver")
    assert sorted(await lots(programme, survivor)) == sorted(before)
    assert await lots(programme, absorbed) == []
    assert await tier(programme, survivor) == 1
    assert (await programme.points(survivor, NOON + 3 * DAY))[0] == 1_250
    assert (await programme.points(absorbed, NOON + 3 * DAY))[0] == 0
    assert (await programme.points(absorbed, NOON + DAY + HOUR))[0] == 650
    assert await programme.problems() == {}


async def test_looking_first_moves_nothing_and_tells_what_will_be(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(accrue(survivor, "own", NOON, 1))
    await programme.one(order(absorbed, "A", NOON, 120_000))
    before = await programme.books()
    wish = merge_of(survivor, absorbed, NOON + DAY)

    looked = await merge(programme, wish, dry_run=True)

    assert await programme.books() == before
    assert looked == await merge(programme, wish)


async def test_what_comes_for_the_old_id_is_posted_at_the_new_one(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(accrue(absorbed, "gift", NOON, 100))
    await merge(programme, merge_of(survivor, absorbed, NOON + DAY))

    (again,) = await programme.post(accrue(absorbed, "gift", NOON, 100))
    (fresh,) = await programme.post(accrue(absorbed, "gift:2", NOON + 2 * DAY, 30))
    (spent,) = await programme.post(redeem(absorbed, "shop", NOON + 2 * DAY, 120))

    assert isinstance(again, Posting)
    assert isinstance(fresh, Posting)
    assert isinstance(spent, Posting)
    assert again.member_id == absorbed
    assert fresh.member_id == spent.member_id == survivor
    assert (await programme.points(survivor, NOON + 3 * DAY))[0] == 10
    assert await programme.post(accrue(absorbed, "gift:2", NOON + 2 * DAY, 30)) == [fresh]
    assert await programme.problems() == {}


async def test_a_lot_of_the_old_id_is_nobody_elses(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(accrue(survivor, "own", NOON, 10, expires_at=NOON + 9 * DAY))
    await programme.one(accrue(absorbed, "gift", NOON, 100, expires_at=NOON + 9 * DAY))
    await merge(programme, merge_of(survivor, absorbed, NOON + DAY))
    wish = ExtendLot(
        member_id=absorbed,
        lot_no=1,
        expires_at=NOON + 20 * DAY,
        reference="later",
        reason="a mistake",
        recorded_at=NOON + 2 * DAY,
    )

    (refused,) = await programme.post(wish)

    assert isinstance(refused, DomainError)
    assert refused.code == "nothing_to_extend"
    assert {row[3] for row in await lots(programme, survivor)} == {NOON + 9 * DAY}


async def test_what_was_extended_meanwhile_goes_back_with_its_later_end(programme: Programme) -> None:
    """Extended twice, in part spent before and after: what is due are the lots in which the units are now."""
    survivor, absorbed = await programme.members(2)
    await programme.one(accrue(absorbed, "gift", NOON, 100, expires_at=NOON + 9 * DAY))
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    await programme.post(redeem(survivor, "shop", NOON + DAY, 20))
    for day, until in ((2, 90), (50, 190)):
        ((lot_no,),) = await programme.rows("SELECT lot_no FROM lots WHERE remaining > 0")
        await programme.post(extend(survivor, lot_no, NOON + day * DAY, NOON + until * DAY, f"until-{until}"))
    await programme.post(redeem(survivor, "shop:2", NOON + 60 * DAY, 30))

    returned = await undo(programme, wish, NOON + 100 * DAY)

    told = next(one for one in returned.wallets if one.wallet == "points")
    assert (told.returned, told.covered, told.shortfall, told.expired) == (50, 0, 30, 20)
    assert await lots(programme, survivor) == []
    assert {(row[0], row[3]) for row in await lots(programme, absorbed)} == {
        (50, NOON + 190 * DAY),
        (30, NOON + 190 * DAY),
    }
    assert await programme.problems() == {}


async def test_a_return_of_an_older_order_takes_from_the_survivor(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(order(absorbed, "A", NOON, 100_000))
    await programme.one(order(survivor, "S", NOON, 10_000))
    await merge(programme, merge_of(survivor, absorbed, NOON + DAY))
    assert await tier(programme, survivor) == 1

    settled = await programme.one(back(absorbed, "A", NOON + 2 * DAY, 40_000))

    assert isinstance(settled, ReturnSettlement)
    assert (settled.points_clawed_back, settled.to_debt, settled.growth_reversed) == (400, 0, 400)
    assert (settled.tier_before, settled.tier_after) == ("silver", "regular")
    assert (await programme.points(survivor, NOON + 2 * DAY))[0] == 700
    assert (await programme.wallet(survivor, NOON + 2 * DAY, "growth")).balance == 700
    assert (await programme.points(absorbed, NOON + 2 * DAY))[0] == 0
    assert await programme.problems() == {}


async def test_what_a_return_cannot_take_is_owed_by_the_survivor(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(order(absorbed, "A", NOON, 100_000))
    await merge(programme, merge_of(survivor, absorbed, NOON + 8 * DAY))
    await programme.one(redeem(survivor, "shop", NOON + 9 * DAY, 900))

    settled = await programme.one(back(absorbed, "A", NOON + 10 * DAY, 100_000))

    assert isinstance(settled, ReturnSettlement)
    assert settled.to_debt == 900
    assert await programme.points(survivor, NOON + 10 * DAY) == (-900, 0, 0, 900, 0)
    assert await programme.points(absorbed, NOON + 10 * DAY) == (0, 0, 0, 0, 0)
    assert await programme.problems() == {}


async def test_points_given_back_go_on_to_the_survivor(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(accrue(absorbed, "gift", NOON, 1_000))
    await programme.one(order(absorbed, "A", NOON + HOUR, 100_000, points=200))
    await merge(programme, merge_of(survivor, absorbed, NOON + DAY))
    settled = await programme.one(back(absorbed, "A", NOON + 2 * DAY, 100_000))
    assert isinstance(settled, ReturnSettlement)
    assert settled.points_given_back == 200
    assert await programme.points(survivor, NOON + 2 * DAY) == (1_000, 1_000, 0, 0, 0)
    assert (await programme.points(absorbed, NOON + 2 * DAY))[0] == 0
    assert await programme.problems() == {}


@pytest.mark.parametrize("policy", [EASY, HARD, ANNIVERSARY])
async def test_undone_at_once_everything_is_as_before(database: Database, vault: LocalVault, policy: Policy) -> None:
    programme = await Programme.begin(database, vault, policy)
    survivor, absorbed = await programme.members(2)
    await programme.one(order(survivor, "S", NOON, 130_000))
    await programme.one(order(absorbed, "A", NOON, 260_000))
    await programme.one(redeem(absorbed, "shop", NOON + 8 * DAY, 2_500))
    await programme.one(back(absorbed, "A", NOON + 9 * DAY, 50_000))  # leaves a debt
    await programme.one(order(absorbed, "B", NOON + 10 * DAY, 1_000))
    await programme.one(accrue(absorbed, "late", NOON + 10 * DAY, 7, available_at=NOON + 40 * DAY))
    before = [(await lots(programme, one), await tier(programme, one)) for one in (survivor, absorbed)]
    wallets = [await programme.points(one, NOON + 11 * DAY) for one in (survivor, absorbed)]
    growth = await programme.rows("SELECT member_id, review_at, window_sum, tier_since FROM member_books ORDER BY 1")
    wish = merge_of(survivor, absorbed, NOON + 11 * DAY)

    await merge(programme, wish)
    assert await programme.problems() == {}
    looked = await undo(programme, wish, NOON + 11 * DAY, dry_run=True)
    returned = await undo(programme, wish, NOON + 11 * DAY)

    assert looked == returned
    assert all(one.shortfall == one.covered == one.kept == one.expired == 0 for one in returned.wallets)
    assert [await lots(programme, one) for one in (survivor, absorbed)] == [rows for rows, _ in before]
    assert [await programme.points(one, NOON + 11 * DAY) for one in (survivor, absorbed)] == wallets
    assert await tier(programme, absorbed) == before[1][1]
    after = await programme.rows("SELECT member_id, review_at, window_sum, tier_since FROM member_books ORDER BY 1")
    assert [row for row in after if row[0] == absorbed] == [row for row in growth if row[0] == absorbed]
    assert [row[2] for row in after] == [row[2] for row in growth]
    assert await programme.problems() == {}
    await programme.one(order(absorbed, "C", NOON + 12 * DAY, 1_000))
    await programme.review(NOON + 500 * DAY)
    assert await programme.problems() == {}


async def test_what_was_spent_meanwhile_is_owed(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(accrue(absorbed, "gift", NOON, 500, expires_at=NOON + 100 * DAY))
    await programme.one(accrue(absorbed, "soon", NOON, 40, expires_at=NOON + 10 * DAY))
    await programme.one(accrue(survivor, "own", NOON, 100, expires_at=NOON + 200 * DAY))
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    await programme.one(redeem(survivor, "shop", NOON + 2 * DAY, 340))  # 40 that run out soon, and 300 of the gift
    await programme.expire(NOON + 11 * DAY)

    returned = await undo(programme, wish, NOON + 12 * DAY)

    (points,) = returned.wallets
    assert (points.returned, points.covered, points.shortfall, points.expired) == (200, 100, 200, 40)
    assert await programme.points(absorbed, NOON + 12 * DAY) == (500, 500, 0, 0, 0)
    assert await programme.points(survivor, NOON + 12 * DAY) == (-200, 0, 0, 200, 0)
    assert await programme.problems() == {}


async def test_what_a_return_took_of_the_survivors_own_is_kept_at_the_undoing(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(order(absorbed, "A", NOON, 30_000))
    await programme.one(redeem(absorbed, "shop", NOON + 8 * DAY, 300))
    await programme.one(accrue(absorbed, "gift", NOON + 8 * DAY, 120))
    await programme.one(accrue(survivor, "own", NOON + 8 * DAY, 1_000, expires_at=NOON + 30 * DAY))
    wish = merge_of(survivor, absorbed, NOON + 9 * DAY)
    await merge(programme, wish)
    await programme.one(back(absorbed, "A", NOON + 10 * DAY, 30_000))  # takes 300 of the survivor's own
    assert (await programme.points(survivor, NOON + 10 * DAY))[0] == 820

    returned = await undo(programme, wish, NOON + 11 * DAY)

    (points, *_) = returned.wallets
    assert (points.returned, points.kept, points.debt) == (0, 300, 180)
    assert await programme.points(absorbed, NOON + 11 * DAY) == (-180, 0, 0, 180, 0)
    assert (await programme.points(survivor, NOON + 11 * DAY))[0] == 1_000
    assert await programme.problems() == {}


async def test_a_chain_passes_returns_on_and_is_undone_from_its_end(programme: Programme) -> None:
    first, second, third = await programme.members(3)
    await programme.one(order(first, "A", NOON, 100_000))
    await programme.one(order(second, "B", NOON, 20_000))
    one, two = merge_of(second, first, NOON + DAY, "one"), merge_of(third, second, NOON + 2 * DAY, "two")
    await merge(programme, one)
    await merge(programme, two)
    assert (await programme.points(third, NOON + 3 * DAY))[0] == 1_200
    settled = await programme.one(back(first, "A", NOON + 4 * DAY, 50_000))
    assert isinstance(settled, ReturnSettlement)
    assert settled.points_clawed_back == 500
    assert (await programme.points(third, NOON + 4 * DAY))[0] == 700
    assert await programme.problems() == {}

    await undo(programme, two, NOON + 5 * DAY)
    assert (await programme.points(second, NOON + 5 * DAY))[0] == 700
    assert await programme.problems() == {}
    await undo(programme, one, NOON + 6 * DAY)

    assert [(await programme.points(member, NOON + 6 * DAY))[0] for member in (first, second, third)] == [500, 200, 0]
    assert await programme.problems() == {}


async def test_open_holds_stand_against_a_merge(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(accrue(absorbed, "gift", NOON, 100))
    await programme.one(hold(absorbed, "h", NOON, 10, NOON + 5 * DAY))
    with pytest.raises(MergeWaitsForHolds):
        await merge(programme, merge_of(survivor, absorbed, NOON + DAY))
    await merge(programme, merge_of(survivor, absorbed, NOON + 6 * DAY))
    assert await programme.problems() == {}


async def test_growth_that_was_corrected_away_stands_against_undoing(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(Accrue(member_id=absorbed, wallet="growth", amount=100, reference="g", recorded_at=NOON))
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    await programme.one(adjust(survivor, "down", NOON + 2 * DAY, -60, "growth"))
    with pytest.raises(UndoLacksGrowth):
        await undo(programme, wish, NOON + 3 * DAY)
    await programme.one(adjust(survivor, "up", NOON + 4 * DAY, 60, "growth"))
    await undo(programme, wish, NOON + 5 * DAY)
    assert (await programme.wallet(absorbed, NOON + 5 * DAY, "growth")).balance == 100
    assert await programme.problems() == {}


OF_OTHERS = "books that are part of others"
FOLLOWING: dict[str, set[str]] = {
    "an entry of which both sides are of less": {
        "wallets against transfers",
        "balances row by row",
        "lots against balances",
        "growth windows",
    },
    "units that went over out of another lot": {"nothing used out of time"},
    "moves of a merge that never was": {"no reference twice"},
    "a joining at another time": {"books in order"},
    "a joining that one of both knows nothing of": {"moves between members"},
    "a joining that is said to be a parting": {"moves between members"},
}
CORRUPTIONS: dict[str, tuple[set[str], str]] = {
    "a lot that came over with another date": (
        {"moves between members"},
        "UPDATE lots SET expires_at = expires_at + interval '1 day' WHERE member_id = '{s}' AND order_id = 'A'",
    ),
    "a lot that came over from another order": (
        {"moves between members"},
        "UPDATE lots SET order_id = 'B' WHERE member_id = '{s}' AND order_id = 'A'",
    ),
    "a move under another reference": (
        {"moves between members"},
        "UPDATE ledger_transfers SET reference = reference || 'x' WHERE member_id = '{s}' AND reference LIKE '%:lot:%'",
    ),
    "a move from somebody else": (
        {"moves between members"},
        "UPDATE ledger_transfers SET basis = replace(basis, 'mbr_', 'mbr_1') WHERE reference LIKE '%:lot:%:in'",
    ),
    "an entry that came over at another time": (
        {"moves between members", "growth windows"},
        "UPDATE ledger_transfers SET effective_at = effective_at - interval '2 y' WHERE reference LIKE '%:entry:%:in'",
    ),
    "an entry of which both sides came at another time": (
        {"moves between members", "growth windows"},
        "UPDATE ledger_transfers SET effective_at = effective_at - interval '2 y' WHERE reference LIKE '%:entry:%'",
    ),
    "an entry of which both sides are of less": (
        {"moves between members"},
        "UPDATE ledger_transfers SET amount = amount - 1 WHERE reference LIKE '%:entry:%'",
    ),
    "units that went over out of another lot": (
        {"moves between members", "lots against their uses"},
        "UPDATE lot_uses SET lot_no = lot_no + 2 WHERE member_id = '{a}' AND lot_no = 1 AND amount = 1200",
    ),
    "a lot that came over under another's number": (
        {"moves between members"},
        "UPDATE ledger_transfers SET reference = replace(reference, ':lot:1:', ':lot:7:')",
    ),
    "moves of a merge that never was": (
        {"moves between members"},
        (
            "UPDATE ledger_transfers SET reference = 'merge:' || repeat('0', 32) || substr(reference, 39) "
            "WHERE reference LIKE 'merge:%'"
        ),
    ),
    "books that are part of nobody's": (
        {OF_OTHERS},
        "UPDATE member_books SET merged_into = '00000000-0000-0000-0000-000000000001' WHERE member_id = '{a}'",
    ),
    "books that are part of a third one's": (
        {OF_OTHERS},
        "UPDATE member_books SET merged_into = '{o}' WHERE member_id = '{a}'",
    ),
    "books that are part by another merge": (
        {OF_OTHERS},
        "UPDATE member_books SET merged_by = '00000000-0000-0000-0000-000000000001' WHERE member_id = '{a}'",
    ),
    "a merge that the books forgot": (
        {OF_OTHERS},
        "UPDATE member_books SET merged_into = NULL, merged_by = NULL WHERE member_id = '{a}'",
    ),
    "a ring": (
        {OF_OTHERS},
        (
            "UPDATE member_books SET merged_into = '{a}', merged_by = (SELECT merge_id FROM book_joinings LIMIT 1) "
            "WHERE member_id = '{s}'"
        ),
    ),
    "a joining that one of both knows nothing of": (
        {OF_OTHERS, "books in order"},
        "DELETE FROM book_joinings WHERE member_id = '{s}'",
    ),
    "a joining with a third one": (
        {OF_OTHERS},
        "UPDATE book_joinings SET other_id = '{o}' WHERE member_id = '{a}'",
    ),
    "a joining at another time": (
        {OF_OTHERS},
        "UPDATE book_joinings SET recorded_at = recorded_at - interval '1 minute' WHERE member_id = '{a}'",
    ),
    "a joining that is said to be a parting": (
        {OF_OTHERS},
        "UPDATE book_joinings SET step = 'parted'",
    ),
    "a tier that went on while the books were part of others": (
        {"tiers recomputed"},
        "UPDATE member_books SET tier = 0 WHERE member_id = '{a}'",
    ),
}


@pytest.mark.parametrize("planted", CORRUPTIONS)
async def test_each_corruption_of_moves_is_found(programme: Programme, planted: str) -> None:
    finders, statement = CORRUPTIONS[planted]
    survivor, absorbed, other = await programme.members(3)
    await programme.one(order(survivor, "S", NOON, 10_000))
    await programme.one(order(absorbed, "A", NOON, 120_000))
    await programme.one(accrue(absorbed, "gift", NOON, 30))
    await programme.one(accrue(other, "own", NOON, 30))
    await merge(programme, merge_of(survivor, absorbed, NOON + DAY))
    await programme.execute(statement.format(s=survivor, a=absorbed, o=other))

    found = await programme.problems()

    assert finders <= set(found)
    assert set(found) <= finders | FOLLOWING.get(planted, set()) | {"tiers recomputed"}


async def test_a_ring_of_empty_books_is_found(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await merge(programme, merge_of(survivor, absorbed, NOON))
    await programme.execute(CORRUPTIONS["a ring"][1].format(s=survivor, a=absorbed))
    assert set(await programme.problems()) == {OF_OTHERS}


UNDONE: dict[str, tuple[set[str], str]] = {
    "a lot that did not come back": (
        {"moves between members"},
        "DELETE FROM ledger_transfers WHERE reference LIKE '%:undo:lot:%'",
    ),
    "less came back than was brought": (
        {"moves between members"},
        "UPDATE ledger_transfers SET amount = amount - 1 WHERE reference LIKE '%:undo:lot:%'",
    ),
    "an entry that came back at another time": (
        {"moves between members", "growth windows"},
        "UPDATE ledger_transfers SET effective_at = effective_at - interval '2y' WHERE reference LIKE '%:undo:entry:%'",
    ),
    "an undoing after it": (
        {"moves between members"},
        "UPDATE book_joinings SET seq = -1 WHERE step = 'parted'",
    ),
    "a parting that the books forgot": (
        {OF_OTHERS},
        (
            "UPDATE member_books SET merged_into = '{s}', merged_by = (SELECT merge_id FROM book_joinings LIMIT 1) "
            "WHERE member_id = '{a}'"
        ),
    ),
    "a tier that was not given back": (
        {"tiers recomputed"},
        "UPDATE member_books SET tier = 0 WHERE member_id = '{a}'",
    ),
    "another day on which the survivor is looked at again": (
        {"tiers recomputed"},
        "UPDATE member_books SET review_at = review_at + interval '1 d' WHERE member_id = '{s}'",
    ),
}


@pytest.mark.parametrize("planted", UNDONE)
async def test_each_corruption_of_what_was_undone_is_found(programme: Programme, planted: str) -> None:
    finders, statement = UNDONE[planted]
    survivor, absorbed = await programme.members(2)
    await programme.activate(HARD, NOON - DAY)
    await programme.one(order(survivor, "S", NOON, 110_000))
    await programme.one(order(absorbed, "A", NOON, 120_000))
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    await undo(programme, wish, NOON + 2 * DAY)
    assert await programme.problems() == {}
    await programme.execute(statement.format(s=survivor, a=absorbed))
    assert finders <= set(await programme.problems())
