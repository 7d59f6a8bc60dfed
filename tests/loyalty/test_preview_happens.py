"""Everything in a preview's list, of any programme and any policy, is what then happens; and nothing else does."""

import random
from datetime import timedelta

import pytest
from msgspec import structs

from regulars.loyalty.policy.contracts import AnniversaryReview, MonthlyReview, Policy
from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.loyalty.previewing import arrive, assert_it_happens, clock_at, drafted, preview, scheduled, standing_at
from tests.loyalty.programme import ANNIVERSARY, DAY, EASY, HARD, HOUR, NOON, Programme, order

pytestmark = pytest.mark.anyio
REVIEWS = (
    None,
    AnniversaryReview(after_months=3, grace_days=10),
    AnniversaryReview(after_months=6, grace_days=0),
    MonthlyReview(months=(4, 8)),
    MonthlyReview(months=tuple(range(1, 13))),
)


def any_policy(chance: random.Random, base: Policy) -> Policy:
    """Return a policy that asks for other thresholds, counts another window, and reviews at other times."""
    first = chance.randint(200, 1_200)
    thresholds = zip(base.tier.tiers, (0, first, first * 2, first * 3), strict=True)
    tier = structs.replace(
        base.tier,
        tiers=tuple([structs.replace(rule, threshold=threshold) for rule, threshold in thresholds]),
        window_days=chance.choice([base.tier.window_days, 30, 120, 400]),
        review=chance.choice(REVIEWS) or base.tier.review,
    )
    return structs.replace(base, tier=tier)


@pytest.mark.parametrize("seed", range(12))
async def test_all_of_the_list_happens(database: Database, vault: LocalVault, seed: int) -> None:
    chance = random.Random(seed)
    base = chance.choice([EASY, HARD, ANNIVERSARY])
    programme = await Programme.begin(database, vault, base)
    bought = [
        order(
            member,
            f"{member.hex[-6:]}-{number}",
            NOON + chance.randint(0, 200) * DAY + chance.randint(0, 23) * HOUR,
            chance.randint(100, 200_000),
        )
        for member in await programme.members(30)
        for number in range(chance.randint(0, 4))
    ]
    for fact in sorted(bought, key=lambda one: (one.effective_at, one.order_id)):
        await programme.one(fact)
    now = NOON + 201 * DAY
    clock_at(database, now)
    await programme.review(now)
    comes = now + timedelta(days=chance.randint(1, 60))
    draft = await drafted(database, any_policy(chance, base))
    _, touched = await preview(database, draft_id=draft.draft_id, active_from=comes)
    before = await standing_at(database, comes)
    done = await scheduled(database, draft, comes)
    assert done.version == 2
    await arrive(database, comes + HOUR, at_once=7)
    await assert_it_happens(database, 2, touched, before, comes)
    assert await programme.problems() == {}
