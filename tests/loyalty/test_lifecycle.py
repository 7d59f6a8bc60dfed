"""Debt, give-backs, expiry, tiers and reviews: cases worked by hand, on the database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from regulars.loyalty import api, tasks
from regulars.loyalty.contracts import OrderSettlement, ReturnSettlement
from regulars.loyalty.errors import AlreadySettled, AmountIsZero, NotSettled, PointsNotUsable, TimesContradict
from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.loyalty.programme import (
    ANNIVERSARY,
    DAY,
    HARD,
    NOON,
    Programme,
    accrue,
    adjust,
    back,
    order,
    redeem,
    us_day,
)

pytestmark = pytest.mark.anyio
SECOND = timedelta(seconds=1)


@pytest.fixture
async def hard(database: Database, vault: LocalVault) -> Programme:
    return await Programme.begin(database, vault, HARD)


@pytest.fixture
async def yearly(database: Database, vault: LocalVault) -> Programme:
    return await Programme.begin(database, vault, ANNIVERSARY)


async def bought(
    programme: Programme, member: UUID, order_id: str, at: datetime, total: int, *, most: int | None = None
) -> OrderSettlement:
    outcome = await programme.one(order(member, order_id, at, total, points_at_most=most))
    assert isinstance(outcome, OrderSettlement)
    return outcome


async def returned(
    programme: Programme, member: UUID, order_id: str, at: datetime, value: int, *, name: str = "r1"
) -> ReturnSettlement:
    outcome = await programme.one(back(member, order_id, at, value, name))
    assert isinstance(outcome, ReturnSettlement)
    return outcome


async def left(programme: Programme, member: UUID) -> list[int]:
    """Return what is left in each lot, in the order in which the lots came into being."""
    return [
        row[0]
        for row in await programme.rows("SELECT remaining FROM lots WHERE member_id = %s ORDER BY lot_no", (member,))
    ]


async def tier_at(programme: Programme, member: UUID, at: datetime) -> tuple[str, int]:
    async with programme.database.transaction() as tx:
        status = await api.tier_status(tx, programme.configuration, member, at)
    return status.tier, status.metric


async def indebted(programme: Programme) -> UUID:
    """Return a member who owes 193 from 9 February 12:00 on.

    Order 1 earns 300, order 2 pays with them and earns 57. Returning 250.00 of order 1 takes 250 back: none from its
    own lot, 57 from order 2's, 193 remain owed.
    """
    member = await programme.member()
    await bought(programme, member, "1", us_day("2017-01-10"), 30_000)
    second = await bought(programme, member, "2", us_day("2017-01-20"), 6_000, most=1_000)
    assert (second.points_used, second.points_earned) == (300, 57)
    claw_back = await returned(programme, member, "1", us_day("2017-02-09"), 25_000)
    assert (claw_back.points_clawed_back, claw_back.to_debt) == (250, 193)
    assert await left(programme, member) == [0, 0]
    return member


async def test_debt_is_repaid_by_what_is_earned_next(hard: Programme) -> None:
    member = await indebted(hard)
    assert await hard.points(member, us_day("2017-02-09")) == (-193, 0, 0, 193, 0)
    third = await bought(hard, member, "3", us_day("2017-02-10"), 10_000)
    assert (third.points_earned, third.debt_repaid, third.available_at) == (100, 100, None)
    fourth = await bought(hard, member, "4", us_day("2017-02-11"), 15_000, most=10_000)
    assert (fourth.points_used, fourth.points_earned, fourth.debt_repaid) == (0, 150, 93)
    assert await hard.points(member, us_day("2017-02-11")) == (57, 0, 57, 0, 0)
    assert await left(hard, member) == [0, 0, 57]
    assert await hard.problems() == {}


async def test_gifts_and_corrections_repay_debt_too(hard: Programme) -> None:
    member = await indebted(hard)
    (gift,) = await hard.post(accrue(member, "gift", us_day("2017-02-10"), 100))
    assert getattr(gift, "debt_repaid", None) == 100
    await hard.one(adjust(member, "desk", us_day("2017-02-10"), 100))
    assert await hard.points(member, us_day("2017-02-10")) == (7, 7, 0, 0, 0)
    assert await hard.problems() == {}


async def test_who_is_in_debt_does_not_pay_with_points(hard: Programme) -> None:
    member = await indebted(hard)
    await hard.one(accrue(member, "gift", us_day("2017-02-09"), 193 - 1))
    with pytest.raises(PointsNotUsable) as refused:
        await hard.one(order(member, "5", us_day("2017-02-10"), 10_000, points=1))
    assert (refused.value.data["allowed"], refused.value.data["debt"]) == (0, 1)


async def test_points_given_back_do_not_repay_debt(hard: Programme) -> None:
    member = await indebted(hard)
    # p' = 150: 150 points go back to order 1's lot; b' = 28: 29 points are taken, from that lot since 2's is empty
    outcome = await returned(hard, member, "2", us_day("2017-02-19"), 3_000)
    assert (outcome.points_given_back, outcome.points_clawed_back, outcome.to_debt) == (150, 29, 0)
    assert await hard.points(member, us_day("2017-02-19")) == (121 - 193, 121, 0, 193, 0)
    assert await left(hard, member) == [121, 0]
    assert await hard.problems() == {}


async def test_a_claw_back_takes_the_own_lot_while_pending_but_not_once_expired(hard: Programme) -> None:
    first, second = await hard.members(2)
    await bought(hard, first, "1", NOON, 10_000)
    assert (await returned(hard, first, "1", NOON + DAY, 4_000)).to_debt == 0
    assert await hard.points(first, NOON + DAY) == (60, 0, 60, 0, 0)
    await bought(hard, second, "1", NOON, 10_000)
    expired = us_day("2017-05-01", 0) - timedelta(hours=1)  # summer time: local midnight is an hour earlier
    await bought(hard, second, "2", expired - DAY, 10_000)
    await bought(hard, second, "3", expired - 2 * DAY, 1_000)
    assert (await returned(hard, second, "1", expired, 4_000)).to_debt == 30
    # lots of 1 (expired), 2 (pending: left alone), 3 (mature: taken); order 3 was recorded after 2, at 2's instant
    assert await left(hard, second) == [100, 100, 0]
    assert await hard.problems() == {}


async def test_points_go_back_to_the_latest_lot_first_and_to_a_new_one_for_an_expired_one(hard: Programme) -> None:
    member = await hard.member()
    await bought(hard, member, "1", us_day("2017-01-10"), 30_000)  # 300 points until 1 April
    await bought(hard, member, "2", us_day("2017-02-10"), 30_000)  # 300 points until 1 May
    at = us_day("2017-03-20", 11)
    assert (await bought(hard, member, "3", at, 10_040, most=502)).points_used == 502  # 300 + 202
    first = await returned(hard, member, "3", at + 30 * DAY, 5_020)
    assert (first.points_given_back, first.points_clawed_back) == (251, 48)
    second = await returned(hard, member, "3", at + 40 * DAY, 7_530, name="r2")
    assert (second.points_given_back, second.points_clawed_back) == (126, 24)
    assert await left(hard, member) == [0, 300, 23, 49, 126]
    given = await hard.rows("SELECT available_at, expires_at FROM lots WHERE member_id = %s ORDER BY lot_no", (member,))
    assert given[3:] == [(at + days * DAY, at + (days + 30) * DAY) for days in (30, 40)]
    assert await hard.problems() == {}


async def test_returning_everything_undoes_the_order_and_leaves_what_others_earned(programme: Programme) -> None:
    member = await programme.member()
    await bought(programme, member, "A", NOON, 240_000)
    assert (await bought(programme, member, "B", NOON + DAY, 10_000)).tier_after == "gold"
    assert (await bought(programme, member, "C", NOON + 2 * DAY, 10_000)).multiplier == 2
    undone = await returned(programme, member, "A", NOON + 3 * DAY, 240_000)
    assert (undone.tier_before, undone.tier_after, undone.growth_reversed) == ("gold", "regular", 2_400)
    assert await programme.points(member, NOON + 3 * DAY) == (300, 0, 300, 0, 0)
    assert await tier_at(programme, member, NOON + 3 * DAY) == ("regular", 200)


@pytest.mark.parametrize(("value", "growth", "tier"), [(10_000, 2_500, "gold"), (10_001, 2_499, "silver")])
async def test_a_return_lowers_the_tier_exactly_below_its_threshold(
    programme: Programme, value: int, growth: int, tier: str
) -> None:
    member = await programme.member()
    await bought(programme, member, "A", NOON, 260_000)
    await returned(programme, member, "A", NOON + DAY, value)
    assert await tier_at(programme, member, NOON + DAY) == (tier, growth)
    assert await tier_at(programme, member, NOON) == ("gold", 2_600)


async def test_growth_leaves_the_window_exactly_after_its_length(hard: Programme) -> None:
    first, second = await hard.members(2)
    at = us_day("2017-05-02")
    for member, later in ((first, at + 90 * DAY - SECOND), (second, at + 90 * DAY)):
        await bought(hard, member, "A", at, 60_000)
        await bought(hard, member, "B", later, 40_000)
    assert await tier_at(hard, first, at + 90 * DAY - SECOND) == ("silver", 1_000)
    assert await tier_at(hard, second, at + 90 * DAY) == ("regular", 400)
    assert await hard.problems() == {}


async def test_an_anniversary_without_growth_opens_a_grace_and_then_lowers(yearly: Programme) -> None:
    member = await yearly.member()
    await bought(yearly, member, "A", NOON, 110_000)
    year = datetime(2018, 2, 1, 17, tzinfo=UTC)
    for at, tier, in_grace in (
        (year - SECOND, "silver", False),
        (year, "silver", True),
        (year + 30 * DAY - SECOND, "silver", True),
        (year + 30 * DAY, "regular", False),
    ):
        assert await yearly.review(at) == (1 if at in {year, year + 30 * DAY} else 0)
        assert (await yearly.rows("SELECT in_grace FROM member_books"))[0] == (in_grace,)
        assert (await tier_at(yearly, member, at))[0] == tier
    (change,) = await yearly.rows("SELECT metric, effective_at, recorded_at FROM tier_changes WHERE cause = 'review'")
    assert change == (0, year + 30 * DAY, year + 30 * DAY)
    assert await yearly.problems() == {}


async def test_growth_during_the_grace_keeps_the_tier_and_its_next_review(yearly: Programme) -> None:
    member = await yearly.member()
    await bought(yearly, member, "A", NOON, 260_000)
    year = datetime(2018, 2, 1, 17, tzinfo=UTC)
    kept = await bought(yearly, member, "B", year + 10 * DAY, 250_000)
    assert (kept.multiplier, kept.tier_after) == (2, "gold")
    assert await yearly.review(year + 30 * DAY) == 1
    ((review_at, in_grace, tier),) = await yearly.rows("SELECT review_at, in_grace, tier FROM member_books")
    assert (review_at, in_grace, tier) == (datetime(2019, 3, 3, 17, tzinfo=UTC), False, 2)
    assert await yearly.problems() == {}


async def test_members_see_what_the_next_review_will_bring(yearly: Programme) -> None:
    member = await yearly.member()
    now = yearly.database.clock.now()
    await bought(yearly, member, "A", now - 300 * DAY, 110_000)
    await bought(yearly, member, "B", now - 10 * DAY, 200_000)
    async with yearly.database.transaction() as tx:
        status = await api.tier_status(tx, yearly.configuration, member)
    assert (status.tier, status.rank, status.metric) == ("gold", 2, 3_100)
    assert (status.next_tier, status.missing) == ("diamond", 1_900)
    assert status.since == now - 10 * DAY
    assert status.review_at is not None
    assert 354 * DAY < status.review_at - now < 357 * DAY
    # At the review only order B is in the window (2,000), and after the grace nothing is.
    assert (status.in_grace, status.projected_tier) == (False, "regular")
    assert status.why is not None
    assert (status.why.cause, status.why.reference, status.why.from_tier) == ("order", "order:B", "silver")
    assert await yearly.rows("SELECT count(*) FROM tier_changes") == [(2,)]


async def test_jobs_book_only_what_time_has_decided(yearly: Programme) -> None:
    first, second, third = await yearly.members(3)
    now = yearly.database.clock.now()
    await yearly.one(accrue(first, "gift", now - 9 * DAY, 10, expires_at=now - DAY))
    await yearly.one(accrue(second, "gift", now - 9 * DAY, 10, expires_at=now + DAY))
    await bought(yearly, third, "A", now - 500 * DAY, 110_000)
    for task in (tasks.book_tier_reviews, tasks.book_expiries):
        rounds = 0
        more = True
        while more:
            async with yearly.database.transaction() as tx:
                more = bool(await task.work(tx))
            rounds += 1
        assert 1 < rounds <= 4, task.name
    assert [(await yearly.points(each, yearly.database.clock.now()))[0] for each in (first, second, third)] == [
        0,
        10,
        0,
    ]
    assert await yearly.rows("SELECT count(*) FROM ledger_transfers WHERE kind = 'expire'") == [(2,)]
    assert await yearly.rows("SELECT from_tier, to_tier FROM tier_changes WHERE cause = 'review'") == [(1, 0)]
    assert await yearly.problems() == {}


async def test_what_contradicts_itself_is_refused_and_leaves_nothing(programme: Programme) -> None:
    member = await programme.member()
    await bought(programme, member, "A", NOON, 10_000)
    before = await programme.books()
    for fact, refusal in (
        (order(member, "A", NOON, 10_000), AlreadySettled),
        (back(member, "B", NOON, 1), NotSettled),
        (adjust(member, "desk", NOON, 0), AmountIsZero),
        (accrue(member, "gift", NOON, 5, available_at=NOON + DAY, expires_at=NOON + DAY), TimesContradict),
        (order(member, "C", NOON, 10_000, points=10), PointsNotUsable),
    ):
        with pytest.raises(refusal):
            await programme.one(fact)
    with pytest.raises(Exception, match="insufficient_points"):
        await programme.one(redeem(member, "shop", NOON, 1))
    assert await programme.books() == before
