"""After undoing a merge both hold the tiers that they would hold had it never been: since when, and until when."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from regulars.loyalty import api
from regulars.loyalty.policy.contracts import Policy
from regulars.platform.clock import ClockSetting
from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.loyalty.joining import merge, merge_of, undo
from tests.loyalty.programme import (
    ANNIVERSARY,
    DAY,
    EASY,
    HARD,
    HOUR,
    NOON,
    Fact,
    Programme,
    accrue,
    adjust,
    back,
    order,
)

pytestmark = pytest.mark.anyio
POLICIES = pytest.mark.parametrize("policy", [EASY, HARD, ANNIVERSARY], ids=["easy", "hard", "anniversary"])


async def held(programme: Programme, member: UUID) -> tuple[Any, ...]:
    """Return the tier, since when, when it is looked at again, and whether in grace; the same is told, with why."""
    ((*rows, told_at),) = await programme.rows(
        "SELECT tier, tier_since, review_at, in_grace, last_recorded_at FROM member_books WHERE member_id = %s",
        (member,),
    )
    async with programme.database.transaction() as tx:
        told = await api.tier_status(tx, programme.configuration, member, told_at)
    assert [told.rank, told.since] == rows[:2]
    return tuple(rows)


async def alone(programme: Programme, facts: list[Fact], until: datetime) -> tuple[Any, ...]:
    """Return what somebody holds at the end who was never merged."""
    for fact in facts:
        await programme.one(fact)
    await programme.review(until)
    return await held(programme, facts[0].member_id)


@POLICIES
async def test_undone_at_once_the_survivor_holds_what_it_held(
    database: Database, vault: LocalVault, policy: Policy
) -> None:
    programme = await Programme.begin(database, vault, policy)
    survivor, absorbed = await programme.members(2)
    await programme.one(order(survivor, "S", NOON, 260_000))
    await programme.one(order(absorbed, "A", NOON + 300 * DAY, 260_000))
    at = NOON + (370 if policy is ANNIVERSARY else 301) * DAY
    await programme.review(at)
    before = [await held(programme, one) for one in (survivor, absorbed)]
    assert before[0][3] is (policy is ANNIVERSARY)  # in grace
    wish = merge_of(survivor, absorbed, at)
    await merge(programme, wish)
    assert await programme.problems() == {}

    await undo(programme, wish, at)

    assert [await held(programme, one) for one in (survivor, absorbed)] == before
    assert await programme.problems() == {}


async def test_a_tier_that_is_held_until_its_review_outlasts_a_merge(database: Database, vault: LocalVault) -> None:
    programme = await Programme.begin(database, vault, ANNIVERSARY)
    survivor, absorbed = await programme.members(2)
    await programme.one(order(survivor, "old", NOON, 130_000))
    await programme.one(order(survivor, "S", NOON + 300 * DAY, 130_000))
    await programme.one(order(absorbed, "A", NOON + 300 * DAY, 260_000))
    at = NOON + 400 * DAY  # in the window is silver, held is gold
    await programme.review(at)
    before = await held(programme, survivor)
    assert before[0] == 2
    wish = merge_of(survivor, absorbed, at)
    await merge(programme, wish)
    await undo(programme, wish, at)
    assert await held(programme, survivor) == before
    assert await programme.problems() == {}


@POLICIES
async def test_a_lift_by_the_merge_is_gone_with_it(database: Database, vault: LocalVault, policy: Policy) -> None:
    programme = await Programme.begin(database, vault, policy)
    survivor, absorbed = await programme.members(2)
    await programme.one(order(survivor, "S", NOON, 110_000))
    await programme.one(order(absorbed, "A", NOON, 260_000))
    before = [await held(programme, one) for one in (survivor, absorbed)]
    wish = merge_of(survivor, absorbed, NOON + DAY)
    moved = await merge(programme, wish)
    assert moved.tier.survivor_after == "gold"

    returned = await undo(programme, wish, NOON + 5 * DAY)

    assert (returned.tier.survivor_before, returned.tier.survivor_after) == ("gold", "silver")
    assert [await held(programme, one) for one in (survivor, absorbed)] == before
    change = await programme.rows(
        "SELECT from_tier, to_tier, cause, effective_at, recorded_at FROM tier_changes "
        "WHERE member_id = %s ORDER BY seq DESC LIMIT 1",
        (survivor,),
    )
    assert change == [(2, 1, "merge", NOON, NOON + 5 * DAY)]
    assert await programme.problems() == {}
    await programme.review(NOON + 900 * DAY)
    assert await programme.problems() == {}


@POLICIES
@pytest.mark.parametrize("days", [3, 40, 200, 370, 700])
async def test_undone_later_the_survivor_stands_as_if_never_merged(
    database: Database, vault: LocalVault, policy: Policy, days: int
) -> None:
    """Own orders, returns, corrections and reviews meanwhile count, what the merge brought does not."""
    programme = await Programme.begin(database, vault, policy)
    survivor, absorbed, twin, unmoved = await programme.members(4)

    def facts(member: UUID) -> list[Fact]:
        made: list[Fact] = [
            order(member, f"{member}:1", NOON, 130_000),
            order(member, f"{member}:2", NOON + 2 * DAY, 130_000),
            back(member, f"{member}:1", NOON + 30 * DAY, 60_000),
            order(member, f"{member}:3", NOON + 100 * DAY, 80_000),
            adjust(member, "down", NOON + 360 * DAY, -90, "growth"),
            order(member, f"{member}:4", NOON + 380 * DAY, 120_000),
        ]
        return [fact for fact in made if fact.recorded_at is not None and fact.recorded_at < NOON + days * DAY]

    others: list[Fact] = [order(absorbed, "A", NOON, 260_000), order(absorbed, "B", NOON + HOUR, 140_000)]
    for fact in others:
        await programme.one(fact)
    await programme.one(order(unmoved, "A'", NOON, 260_000))
    await programme.one(order(unmoved, "B'", NOON + HOUR, 140_000))
    mine = facts(survivor)
    await programme.one(mine[0])
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    for fact in mine[1:]:
        await programme.one(fact)
        if fact.recorded_at is not None:
            await programme.review(fact.recorded_at)
    assert await programme.problems() == {}
    until = NOON + days * DAY

    await undo(programme, wish, until)

    assert await held(programme, survivor) == await alone(programme, facts(twin), until)
    assert await held(programme, absorbed) == await held(programme, unmoved)
    assert await programme.problems() == {}
    await programme.review(NOON + 1_500 * DAY)
    assert await programme.problems() == {}


@POLICIES
async def test_two_merges_undone_in_either_order_leave_the_same(
    database: Database, vault: LocalVault, policy: Policy
) -> None:
    programme = await Programme.begin(database, vault, policy)
    found = []
    for turn, first in enumerate([0, 1]):
        survivor, one, two = await programme.members(3, f"turn{turn}")
        await programme.one(order(survivor, f"S{turn}", NOON, 90_000))
        await programme.one(order(one, f"A{turn}", NOON, 120_000))
        await programme.one(order(two, f"B{turn}", NOON + DAY, 310_000))
        wishes = [
            merge_of(survivor, one, NOON + 2 * DAY, f"one{turn}"),
            merge_of(survivor, two, NOON + 3 * DAY, f"two{turn}"),
        ]
        for wish in wishes:
            await merge(programme, wish)
        await programme.one(back(one, f"A{turn}", NOON + 4 * DAY, 60_000))
        await programme.one(order(survivor, f"T{turn}", NOON + 5 * DAY, 20_000))
        await undo(programme, wishes[first], NOON + 50 * DAY)
        assert await programme.problems() == {}
        await undo(programme, wishes[1 - first], NOON + 60 * DAY)
        await programme.review(NOON + 60 * DAY)
        assert await programme.problems() == {}
        found.append([await held(programme, member) for member in (survivor, one, two)])
    assert found[0] == found[1]


# --- ordinary histories, of which `verify` has nothing to say -------------------------------------------------------


@POLICIES
async def test_all_growth_returned_while_merged(database: Database, vault: LocalVault, policy: Policy) -> None:
    programme = await Programme.begin(database, vault, policy)
    survivor, absorbed = await programme.members(2)
    await programme.one(accrue(survivor, "open", NOON, 1))
    await programme.one(order(absorbed, "A", NOON, 120_000))
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    await programme.one(back(absorbed, "A", NOON + 2 * DAY, 120_000))
    await undo(programme, wish, NOON + 3 * DAY)
    assert (await held(programme, absorbed))[0] == 0
    assert await programme.problems() == {}
    await programme.one(order(absorbed, "B", NOON + 4 * DAY, 260_000))
    await programme.review(NOON + 700 * DAY)
    assert await programme.problems() == {}


async def test_growth_that_cancels_when_merged(database: Database, vault: LocalVault) -> None:
    programme = await Programme.begin(database, vault, ANNIVERSARY)
    survivor, absorbed = await programme.members(2)
    await programme.one(accrue(survivor, "open", NOON, 1))
    await programme.one(order(absorbed, "A", NOON, 120_000))
    at = NOON + 366 * DAY
    await programme.review(at)
    await programme.one(back(absorbed, "A", at, 120_000))
    wish = merge_of(survivor, absorbed, at + DAY)
    await merge(programme, wish)
    assert await programme.problems() == {}
    await undo(programme, wish, at + 100 * DAY)
    assert await programme.problems() == {}


async def test_a_return_that_is_named_undo(database: Database, vault: LocalVault) -> None:
    programme = await Programme.begin(database, vault, ANNIVERSARY)
    survivor, absorbed = await programme.members(2)
    await programme.one(accrue(survivor, "open", NOON, 1))
    await programme.one(order(absorbed, "A", NOON, 120_000))
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    await programme.one(back(absorbed, "A", NOON + 2 * DAY, 20_000, "undo"))
    await programme.one(back(absorbed, "A", NOON + 800 * DAY, 40_000, "x"))
    assert await programme.problems() == {}
    await undo(programme, wish, NOON + 801 * DAY)
    assert await programme.problems() == {}


async def test_a_chain_with_reviews_meanwhile(database: Database, vault: LocalVault) -> None:
    programme = await Programme.begin(database, vault, ANNIVERSARY)
    first, second, third = await programme.members(3)
    await programme.one(order(first, "A", NOON, 120_000))
    await programme.one(order(second, "B", NOON, 120_000))
    await programme.one(order(third, "C", NOON, 120_000))
    one, two = merge_of(second, first, NOON + DAY, "one"), merge_of(third, second, NOON + 2 * DAY, "two")
    await merge(programme, one)
    await merge(programme, two)
    await programme.review(NOON + 500 * DAY)
    await programme.one(back(first, "A", NOON + 501 * DAY, 30_000))
    await undo(programme, two, NOON + 600 * DAY)
    assert await programme.problems() == {}
    await undo(programme, one, NOON + 600 * DAY)
    await programme.review(NOON + 900 * DAY)
    assert await programme.problems() == {}


async def test_what_leaves_the_window_before_the_later_of_both_books_is_counted_out(
    database: Database, vault: LocalVault
) -> None:
    """The absorbed books are ahead of the merge, and the merge is recorded there: a survivor's year is over by then."""
    programme = await Programme.begin(database, vault, ANNIVERSARY)
    survivor, absorbed = await programme.members(2)
    await programme.one(order(survivor, "S", NOON, 70_000))
    await programme.one(order(absorbed, "A", NOON + 366 * DAY, 50_000))
    at = NOON + 364 * DAY
    database.clock.follow(ClockSetting(at, at, ticking=False))
    wish = merge_of(survivor, absorbed, at)

    async def counted() -> tuple[int, datetime]:
        ((window_sum, window_at),) = await programme.rows(
            "SELECT window_sum, window_at FROM member_books WHERE member_id = %s", (survivor,)
        )
        return window_sum, window_at

    await merge(programme, wish)
    merged = await counted()
    problems = await programme.problems()
    await undo(programme, wish, at)

    assert merged == (500, NOON + 366 * DAY), "the 700 of a year ago count no more"
    assert problems == {}
    assert (await counted())[0] == 0
    assert await programme.problems() == {}


async def test_what_is_told_of_a_tier_before_during_and_after(programme: Programme) -> None:
    """The survivor rises by the merge, and meanwhile to the same tier by its own: afterwards only that counts."""
    survivor, absorbed = await programme.members(2)
    merged_at, own_at, undone_at = NOON + 10 * DAY, NOON + 20 * DAY, NOON + 30 * DAY
    await programme.one(order(absorbed, "A", NOON, 130_000))
    wish = merge_of(survivor, absorbed, merged_at)
    await merge(programme, wish)
    await programme.one(order(survivor, "S", own_at, 110_000))
    await undo(programme, wish, undone_at)

    async def told(member: UUID, at: datetime) -> tuple[str, datetime | None, str | None, int]:
        async with programme.database.transaction() as tx:
            found = await api.tier_status(tx, programme.configuration, member, at)
            why = await api.explain_tier(tx, programme.configuration, member, at)
        decided = why.reasons[0].values.get("metric", 0)
        assert isinstance(decided, int)
        return found.tier, found.since, why.reasons[0].rule, decided

    by_undo = ("tier.by_undo", 1_100)
    assert [await told(survivor, at) for at in (merged_at - HOUR, merged_at, own_at, undone_at)] == [
        ("regular", None, "tier.first", 0),
        ("silver", merged_at, "tier.by_merge", 1_300),
        ("silver", merged_at, "tier.by_merge", 1_300),
        ("silver", own_at, *by_undo),
    ]
    assert await told(absorbed, undone_at) == ("silver", NOON, "tier.by_order", 1_300)
    events = await programme.rows("SELECT type FROM outbox WHERE type LIKE 'Tier%%' ORDER BY seq")
    assert events == [("TierReached",), ("TierReached",)]  # nobody is told of a tier that they hold
    assert await programme.problems() == {}


async def test_who_never_left_the_first_tier_holds_it_from_the_beginning(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(order(absorbed, "A", NOON, 260_000))
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    await undo(programme, wish, NOON + 2 * DAY)

    assert (await held(programme, survivor))[:2] == (0, None)
    assert await programme.problems() == {}
