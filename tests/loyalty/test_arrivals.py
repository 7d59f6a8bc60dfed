"""A version comes into force: who deserves more rises at its instant, whoever books it first, and nobody falls."""

from datetime import datetime
from uuid import UUID

import pytest
from msgspec import structs

from regulars.loyalty import api
from regulars.loyalty.arrivals import service as arrivals
from regulars.loyalty.contracts import OrderSettlement
from regulars.loyalty.policy.contracts import MonthlyReview, Policy, TierPolicy, TierRule
from regulars.platform.clock import ClockSetting, wall_now
from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.loyalty.programme import ANNIVERSARY, DAY, EASY, HARD, HOUR, NOON, TIERS, Programme, back, order

pytestmark = pytest.mark.anyio
COMES = NOON + 20 * DAY
LATER = NOON + 25 * DAY


def asking(policy: Policy, *thresholds: int, window: int | None = None) -> Policy:
    """Return a policy whose tiers ask for so much."""
    tiers = [structs.replace(rule, threshold=at) for rule, at in zip(policy.tier.tiers, thresholds, strict=True)]
    tier = structs.replace(policy.tier, tiers=tuple(tiers), window_days=window or policy.tier.window_days)
    return structs.replace(policy, tier=tier)


LOWER = asking(EASY, 0, 500, 1_200, 5_000)
HIGHER = asking(EASY, 0, 2_000, 4_000, 9_000)


def clock_at(database: Database, at: datetime) -> None:
    database.clock.follow(ClockSetting(at, wall_now(), ticking=False))


async def arrive(programme: Programme, at: datetime, at_once: int = 2) -> int:
    """Book what has come by an instant; returns in how many transactions."""
    clock_at(programme.database, at)
    rounds = 0
    while True:
        async with programme.database.transaction() as tx:
            if not await arrivals.book_arrivals(tx, api.Configuration(), at_once):
                return rounds
        rounds += 1


async def changes(programme: Programme, cause: str = "policy") -> list[tuple[UUID, int, int, int]]:
    return await programme.rows(
        "SELECT member_id, from_tier, to_tier, metric FROM tier_changes WHERE cause = %s ORDER BY member_id, seq",
        (cause,),
    )


async def tiers(programme: Programme) -> list[int]:
    return [row[0] for row in await programme.rows("SELECT tier FROM member_books ORDER BY member_id")]


async def bought(programme: Programme, *growth: int) -> list[UUID]:
    """Let members buy for so much growth each; returns them by id."""
    members = sorted(await programme.members(len(growth)))
    for member, amount in zip(members, growth, strict=True):
        await programme.one(order(member, "A", NOON, amount * 100))
    return members


async def test_who_deserves_more_rises_at_the_instant_and_nobody_falls(programme: Programme) -> None:
    members = await bought(programme, 100, 499, 500, 1_199, 1_200, 2_600)
    assert await tiers(programme) == [0, 0, 0, 1, 1, 2]
    await programme.activate(LOWER, COMES)
    await arrive(programme, COMES - DAY)
    assert await changes(programme) == []
    await arrive(programme, LATER)

    assert await changes(programme) == [(members[2], 0, 1, 500), (members[4], 1, 2, 1_200)]
    assert await programme.rows(
        "SELECT DISTINCT effective_at, recorded_at, policy_version, reference FROM tier_changes WHERE cause = 'policy'"
    ) == [(COMES, COMES, 2, "policy:2")]
    assert await tiers(programme) == [0, 0, 1, 1, 2, 2]
    assert await programme.problems() == {}
    await programme.activate(HIGHER, LATER + DAY)
    await arrive(programme, LATER + 2 * DAY)
    assert await tiers(programme) == [0, 0, 1, 1, 2, 2]
    assert await programme.problems() == {}
    events = await programme.rows("SELECT type FROM outbox WHERE type = 'PolicyInForce'")
    assert len(events) == 3


async def test_books_are_the_same_whoever_comes_first(database: Database, vault: LocalVault) -> None:
    """A posting after the instant decides what the job would have; the job then has nothing to do."""
    programme = await Programme.begin(database, vault, EASY)
    first, second = sorted(await programme.members(2))
    for member in (first, second):
        await programme.one(order(member, "A", NOON, 60_000))
    await programme.activate(LOWER, COMES)
    paid = await programme.one(order(first, "B", LATER, 1_000))
    assert isinstance(paid, OrderSettlement)
    assert paid.tier_before == "silver"
    await arrive(programme, LATER)
    await programme.one(order(second, "B", LATER, 1_000))
    assert (await programme.books([first])) == (await programme.books([second]))
    assert len(await changes(programme)) == 2
    assert await programme.problems() == {}


async def test_a_return_is_settled_by_the_version_of_its_order(programme: Programme) -> None:
    (member,) = await bought(programme, 600)
    await programme.activate(LOWER, COMES)
    await arrive(programme, LATER)
    assert await tiers(programme) == [1]
    await programme.one(back(member, "A", LATER, 20_000))
    assert await tiers(programme) == [0]  # 400 growth are left, 500 are needed
    assert await programme.problems() == {}


async def test_a_longer_window_lifts_too(database: Database, vault: LocalVault) -> None:
    programme = await Programme.begin(database, vault, HARD)
    (member,) = sorted(await programme.members(1))
    await programme.one(order(member, "A", NOON, 60_000))
    await programme.one(order(member, "B", NOON + 100 * DAY, 60_000))
    assert await tiers(programme) == [0]
    longer = asking(HARD, 0, 1_000, 2_500, 5_000, window=365)
    await programme.activate(longer, NOON + 120 * DAY)
    await arrive(programme, NOON + 121 * DAY)
    assert await changes(programme) == [(member, 0, 1, 1_200)]
    assert await programme.problems() == {}


async def test_reviews_before_the_instant_come_first_and_new_dates_count_from_it(
    database: Database, vault: LocalVault
) -> None:
    programme = await Programme.begin(database, vault, ANNIVERSARY)
    members = await bought(programme, 1_000, 400)
    other = structs.replace(
        asking(ANNIVERSARY, 0, 400, 2_500, 5_000),
        tier=structs.replace(asking(ANNIVERSARY, 0, 400, 2_500, 5_000).tier, review=MonthlyReview(months=(6,))),
    )
    await programme.activate(other, COMES)
    await arrive(programme, LATER)
    assert await changes(programme) == [(members[1], 0, 1, 400)]
    reviews = await programme.rows("SELECT DISTINCT review_at FROM member_books")
    assert reviews == [(datetime.fromisoformat("2017-06-01T04:00:00+00:00"),)]
    assert await programme.problems() == {}


async def test_versions_of_earlier_releases_lift_nobody(programme: Programme) -> None:
    await bought(programme, 600)
    await programme.activate(LOWER, COMES)
    await programme.execute(
        "ALTER TABLE loyalty_policies DISABLE TRIGGER loyalty_policies_append_only",
        "UPDATE loyalty_policies SET lifts = false",
    )
    programme.configuration = api.Configuration()
    await arrive(programme, LATER)
    assert await changes(programme) == []
    assert await programme.problems() == {}


async def test_a_tier_that_is_new_is_reached_at_once(programme: Programme) -> None:
    (member,) = await bought(programme, 9_000)
    black = TierRule(code="black", threshold=8_000, multiplier=4)
    await programme.activate(structs.replace(EASY, tier=TierPolicy(tiers=(*TIERS, black))), COMES)
    await arrive(programme, LATER)
    assert await changes(programme) == [(member, 3, 4, 9_000)]
    assert await programme.problems() == {}


async def test_the_tier_as_of_an_instant_is_the_same_before_and_after_the_job(programme: Programme) -> None:
    members = await bought(programme, 100, 600, 1_300)
    await programme.activate(LOWER, COMES)
    instants = (COMES - HOUR, COMES, COMES + HOUR, LATER)
    clock_at(programme.database, LATER)

    async def told() -> list[list[str | int]]:
        async with programme.database.transaction() as tx:
            found: list[list[str | int]] = [
                [(await api.tier_status(tx, api.Configuration(), member, at)).tier for at in instants]
                for member in members
            ]
            return found + [[one.rank for one in await api.standings(tx, at)] for at in instants]

    before = await told()
    assert before[1:3] == [["regular", "silver", "silver", "silver"], ["silver", "gold", "gold", "gold"]]
    assert before[3:5] == [[0, 0, 1], [0, 1, 2]]
    await arrive(programme, LATER)
    assert await told() == before
    await programme.activate(asking(EASY, 0, 50, 60, 70), LATER + DAY)  # and for the next version, too
    clock_at(programme.database, LATER + 2 * DAY)
    assert await told() == before
