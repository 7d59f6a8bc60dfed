"""Policies that change on the way, references used twice, corrections downward: cases worked by hand."""

from datetime import timedelta

import pytest
from msgspec import structs

from regulars.loyalty.contracts import Accrue, Adjust, Posting, Redeem
from regulars.loyalty.errors import InsufficientPoints, ReferenceReused
from regulars.loyalty.policy.contracts import MonthlyReview, NoReview, Policy
from regulars.loyalty.policy.errors import InstantDecided
from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.loyalty.programme import DAY, EASY, NOON, Programme, order

pytestmark = pytest.mark.anyio

REVIEWED: Policy = structs.replace(
    EASY, tier=structs.replace(EASY.tier, review=MonthlyReview(months=tuple(range(1, 13))))
)
UNREVIEWED: Policy = structs.replace(EASY, tier=structs.replace(EASY.tier, review=NoReview()))
MORE_LOTS_THAN_A_SMALLINT_COUNTS = 32_800


async def tiers(programme: Programme) -> list[tuple[int, bool]]:
    """Return each book's tier, and whether a review is scheduled."""
    rows = await programme.rows("SELECT tier, review_at IS NOT NULL FROM member_books")
    return [(tier, scheduled) for tier, scheduled in rows]


async def test_reviews_that_a_policy_brings_reach_who_already_holds_a_tier(
    database: Database, vault: LocalVault
) -> None:
    programme = await Programme.begin(database, vault, UNREVIEWED)
    member = await programme.member()
    await programme.one(order(member, "A", NOON, 110_000))
    await programme.activate(REVIEWED, NOON + 10 * DAY)
    assert await tiers(programme) == [(1, False)]
    assert await programme.review(NOON + 10 * DAY - timedelta(seconds=1)) == 0
    assert await programme.review(NOON + 300 * DAY) == 1
    assert await tiers(programme) == [(1, True)]
    assert await programme.review(NOON + 400 * DAY) == 1
    assert await tiers(programme) == [(0, False)]
    assert await programme.problems() == {}


async def test_a_policy_without_reviews_takes_the_scheduled_one_away(database: Database, vault: LocalVault) -> None:
    programme = await Programme.begin(database, vault, REVIEWED)
    member = await programme.member()
    await programme.one(order(member, "A", NOON, 110_000))
    assert await tiers(programme) == [(1, True)]
    await programme.activate(UNREVIEWED, NOON + 10 * DAY)
    await programme.review(NOON + 400 * DAY)
    assert await tiers(programme) == [(1, False)]
    assert await programme.problems() == {}


async def test_no_policy_comes_into_force_before_what_the_books_have_decided(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(order(member, "A", NOON + 5 * DAY, 110_000))
    with pytest.raises(InstantDecided):
        await programme.activate(REVIEWED, NOON + DAY)
    assert await programme.rows("SELECT count(*) FROM loyalty_policies") == [(1,)]


async def test_a_reference_stands_for_everything_that_was_asked(programme: Programme) -> None:
    member = await programme.member()
    asked = Accrue(
        member_id=member, wallet="points", amount=10, reference="x", expires_at=NOON + 10 * DAY, recorded_at=NOON
    )
    (first,) = await programme.post(asked)
    later = structs.replace(asked, recorded_at=NOON + DAY)
    (again,) = await programme.post(later)
    assert isinstance(first, Posting)
    assert isinstance(again, Posting)
    assert (again.seq, again.expires_at, again.available_at) == (first.seq, first.expires_at, first.available_at)
    for other in (
        structs.replace(later, expires_at=NOON + 500 * DAY),
        structs.replace(later, amount=11),
        structs.replace(later, reason="another"),
    ):
        (refused,) = await programme.post(other)
        assert isinstance(refused, ReferenceReused)
    assert await programme.rows("SELECT count(*) FROM ledger_transfers") == [(1,)]


async def test_growth_can_be_corrected_downward_and_takes_its_tier_along(programme: Programme) -> None:
    member = await programme.member()
    wrong = Accrue(member_id=member, wallet="growth", amount=5_000, reference="typo", recorded_at=NOON)
    right = Adjust(
        member_id=member, wallet="growth", amount=-4_000, reference="mended", reason="typo", recorded_at=NOON + DAY
    )
    too_much = structs.replace(right, amount=-1_001, reference="again", recorded_at=NOON + 2 * DAY)
    results = [(await programme.post(command))[0] for command in (wrong, right, too_much)]
    assert [result.tier for result in results if isinstance(result, Posting)] == ["diamond", "silver"]
    assert isinstance(results[2], InsufficientPoints)
    changes = await programme.rows("SELECT from_tier, to_tier, cause, reference FROM tier_changes ORDER BY seq")
    assert changes == [(0, 3, "accrue", "typo"), (3, 1, "adjust", "mended")]
    assert await programme.problems() == {}


async def test_a_redemption_may_take_from_any_number_of_lots(programme: Programme) -> None:
    member = await programme.member()
    count = MORE_LOTS_THAN_A_SMALLINT_COUNTS
    await programme.post(
        *[
            Accrue(member_id=member, wallet="points", amount=1, reference=f"one:{number}", recorded_at=NOON)
            for number in range(count)
        ]
    )
    (spent,) = await programme.post(
        Redeem(member_id=member, wallet="points", amount=count, reference="all", recorded_at=NOON + DAY)
    )
    assert isinstance(spent, Posting)
    assert (spent.balance, len(spent.lot_uses)) == (0, count)
