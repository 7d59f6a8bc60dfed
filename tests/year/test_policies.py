"""Policies on the demo year: what a preview says is what activation then does; what was decided before stays."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from regulars.commerce import api as commerce
from regulars.demo.programme import END, PROGRAMMES
from regulars.loyalty import api as loyalty
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Rows
from regulars.platform.verification.service import verify
from tests.loyalty.previewing import arrive, assert_it_happens, clock_at, drafted, preview, scheduled, standing_at

from .replaying import FULL, TENTH, Scope, replay

pytestmark = pytest.mark.anyio


def lowered(policy: loyalty.Policy) -> loyalty.Policy:
    """Ask for less in each tier, review at another time, and look at twice as long a window."""
    tiers = tuple(structs.replace(tier, threshold=tier.threshold * 7 // 10) for tier in policy.tier.tiers)
    tier = structs.replace(
        policy.tier,
        tiers=tiers,
        window_days=policy.tier.window_days * 2,
        review=loyalty.AnniversaryReview(after_months=6, grace_days=10),
    )
    return structs.replace(policy, tier=tier, earning=structs.replace(policy.earning, minor_per_point=120))


async def decided(database: Database) -> list[Rows]:
    """Return everything that was decided by the first version."""
    async with database.transaction() as tx:
        return [
            await tx.rows(f"SELECT * FROM {table} WHERE policy_version = 1 ORDER BY member_id, {key}")
            for table, key in (("ledger_transfers", "seq"), ("settlements", "order_id"), ("tier_changes", "seq"))
        ]


@pytest.mark.parametrize("programme", ["easy", "hard"])
@pytest.mark.parametrize(
    "scope", [pytest.param(TENTH, id="tenth"), pytest.param(FULL, id="full", marks=pytest.mark.year)]
)
async def test_the_preview_on_the_demo_year_is_what_activation_does(
    database: Database, tmp_path: Path, scope: Scope, programme: str
) -> None:
    await replay(database, tmp_path, scope, programme)
    clock_at(database, END)
    before = await decided(database)
    comes = END.replace(day=20)
    draft = await drafted(database, lowered(PROGRAMMES[programme].policy))
    found, touched = await preview(database, draft_id=draft.draft_id, active_from=comes)
    kinds = Counter(one.kind for one in touched)
    assert kinds["rises"] > 10
    assert (found.rises, found.falls, found.stays, found.review) == tuple(
        kinds[kind] for kind in ("rises", "falls", "stays", "review")
    )
    assert found.rises + found.falls + found.stays + found.review == len(touched)
    assert sum([one.orders for one in found.orders]) > 100
    assert all(one.points_then < one.points for one in found.orders if one.points)

    stood = await standing_at(database, comes)
    done = await scheduled(database, draft, comes)
    _, again = await preview(database, version=done.version)
    assert again == touched
    await arrive(database, comes + timedelta(minutes=1), at_once=37)  # before any review that comes after it
    await assert_it_happens(database, 2, touched, stood, comes)
    assert await decided(database) == before
    async for finding in verify(database, [*loyalty.checks(), *commerce.checks()]):
        assert finding.ok, (finding.name, finding.problems)
