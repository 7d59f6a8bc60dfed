"""What a policy would do: cases worked by hand, and whatever happens, the preview is what activation then does."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from msgspec import structs

from regulars.loyalty import api
from regulars.loyalty.drafts.errors import UnknownDraft
from regulars.loyalty.errors import UnknownPreview
from regulars.loyalty.policy.contracts import AnniversaryReview, MonthlyReview, Policy
from regulars.loyalty.policy.errors import VersionInForce, VersionWithdrawn
from regulars.loyalty.preview import service
from regulars.loyalty.preview.reports import PREVIEW
from regulars.platform.db.database import Database
from regulars.platform.errors import NotFound
from regulars.platform.ids import new_id
from regulars.platform.reports.computing import compute_slice
from regulars.platform.vault.local import LocalVault
from tests.loyalty.previewing import arrive, clock_at, drafted, preview, risen, scheduled
from tests.loyalty.programme import ANNIVERSARY, DAY, EASY, HARD, NOON, Programme, adjust, order

pytestmark = pytest.mark.anyio
COMES = NOON + 20 * DAY


def asking(policy: Policy, *thresholds: int) -> Policy:
    tiers = [structs.replace(rule, threshold=at) for rule, at in zip(policy.tier.tiers, thresholds, strict=True)]
    return structs.replace(policy, tier=structs.replace(policy.tier, tiers=tuple(tiers)))


def reviewing(policy: Policy, review: AnniversaryReview | MonthlyReview) -> Policy:
    return structs.replace(policy, tier=structs.replace(policy.tier, review=review))


async def bought(programme: Programme, *growth: int) -> list[UUID]:
    members = sorted(await programme.members(len(growth)))
    for member, amount in zip(members, growth, strict=True):
        await programme.one(order(member, "A", NOON, amount * 100))
    clock_at(programme.database, NOON + DAY)
    return members


async def test_who_rises_is_who_then_rises(programme: Programme, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MEMBERS_AT_ONCE", 2)  # several slices
    members = await bought(programme, 100, 499, 500, 1_199, 1_200, 2_600)
    before = await programme.books()
    draft = await drafted(programme.database, asking(EASY, 0, 500, 1_200, 5_000))
    found, touched = await preview(programme.database, draft_id=draft.draft_id, active_from=COMES)

    assert [(one.member_id, one.kind, one.from_tier, one.to_tier, one.metric, one.missing) for one in touched] == [
        (members[2], "rises", "regular", "silver", 500, 700),
        (members[4], "rises", "silver", "gold", 1_200, 3_800),
    ]
    assert (found.members, found.rises, found.falls, found.stays, found.review) == (6, 2, 0, 0, 0)
    assert [(flow.from_tier, flow.to_tier, flow.members) for flow in found.flows] == [
        ("regular", "silver", 1),
        ("silver", "gold", 1),
    ]
    assert await programme.books() == before

    done = await scheduled(programme.database, draft, COMES)
    again, same = await preview(programme.database, version=done.version)
    assert (again, same) == (found, touched)
    await arrive(programme.database, COMES + DAY, at_once=2)
    assert await risen(programme.database, 2) == {
        one.member_id: (one.from_tier, one.to_tier) for one in touched if one.kind == "rises"
    }
    assert await programme.problems() == {}


async def test_who_will_fall_stay_or_be_reviewed_otherwise(database: Database, vault: LocalVault) -> None:
    programme = await Programme.begin(database, vault, ANNIVERSARY)
    members = await bought(programme, 1_000, 2_500)
    shorter = reviewing(ANNIVERSARY, AnniversaryReview(after_months=3, grace_days=30))
    draft = await drafted(database, shorter)
    found, touched = await preview(database, draft_id=draft.draft_id, active_from=COMES)
    # After a year the growth of February is out of the window and the tier is lost; after three months it is kept.
    assert [(one.member_id, one.kind, one.from_tier, one.to_tier) for one in touched] == [
        (members[0], "stays", "regular", "silver"),
        (members[1], "stays", "regular", "gold"),
    ]
    assert touched[0].review_before == NOON + 365 * DAY
    assert touched[0].review_after is not None
    assert touched[0].review_after < NOON + 100 * DAY
    assert (found.rises, found.falls, found.stays, found.review) == (0, 0, 2, 0)

    higher = reviewing(asking(ANNIVERSARY, 0, 2_000, 4_000, 9_000), MonthlyReview(months=(4,)))
    other = await drafted(database, higher)
    found, touched = await preview(database, draft_id=other.draft_id, active_from=COMES)
    # Who has 2,500 is reviewed in April and keeps one tier of two; who has 1,000 loses the tier as before, but sooner.
    assert [(one.member_id, one.kind, one.from_tier, one.to_tier) for one in touched] == [
        (members[0], "review", "silver", "silver"),
        (members[1], "stays", "regular", "silver"),
    ]


async def test_a_policy_that_asks_for_more_tells_who_falls_at_the_next_review(
    database: Database, vault: LocalVault
) -> None:
    programme = await Programme.begin(database, vault, HARD)
    members = await bought(programme, 1_000, 2_500)
    draft = await drafted(database, asking(HARD, 0, 1_500, 2_500, 5_000))
    clock_at(database, NOON + DAY)
    found, touched = await preview(database, draft_id=draft.draft_id)
    assert [(one.member_id, one.kind, one.from_tier, one.to_tier, one.missing) for one in touched] == [
        (members[0], "falls", "silver", "regular", 1_500)
    ]
    assert found.falls == 1
    await scheduled(database, draft, NOON + 2 * DAY)
    await arrive(database, NOON + 3 * DAY)
    assert await risen(database, 2) == {}
    async with database.transaction() as tx:
        await api.review_due(tx, api.Configuration(), NOON + 40 * DAY)
    falls = await programme.rows("SELECT member_id FROM tier_changes WHERE cause = 'review' AND to_tier < from_tier")
    assert falls == [(members[0],)]
    assert await programme.problems() == {}


async def test_real_orders_are_settled_again(programme: Programme) -> None:
    members = await bought(programme, 99, 2_600)
    await programme.one(order(members[1], "B", NOON + timedelta(hours=1), 10_150))
    dearer = structs.replace(
        asking(EASY, 0, 1_000, 2_500, 5_000),
        earning=api.EarningPolicy(minor_per_point=200),
        payment=api.PaymentPolicy(point_value_minor=2),
        tier=structs.replace(
            EASY.tier,
            tiers=(*EASY.tier.tiers[:2], structs.replace(EASY.tier.tiers[2], multiplier=4), EASY.tier.tiers[3]),
        ),
        adjustments=api.AdjustmentPolicy(approve_above=50),
    )
    await programme.one(adjust(members[0], "x", NOON + timedelta(hours=2), 60))
    await programme.one(adjust(members[0], "y", NOON + timedelta(hours=2), 50))
    draft = await drafted(programme.database, dearer)
    day = date(2017, 2, 1)
    found, _ = await preview(programme.database, draft_id=draft.draft_id, first=day, last=day)
    told = {
        one.tier: (one.orders, one.paid_minor, one.points, one.points_then, one.growth, one.growth_then)
        for one in found.orders
    }
    assert told == {
        "regular": (2, 269_900, 2_699, 1_349, 2_699, 1_349),
        "gold": (1, 10_150, 202, 200, 101, 50),
    }
    assert {one.tier: (one.cost_minor, one.cost_minor_then) for one in found.orders} == {
        "regular": (2_699, 2_698),
        "gold": (202, 400),
    }
    assert (found.corrections.corrections, found.corrections.need_two, found.corrections.need_two_then) == (2, 0, 1)
    early, _ = await preview(
        programme.database, draft_id=draft.draft_id, first=date(2017, 1, 1), last=date(2017, 1, 31)
    )
    assert (early.orders, early.corrections.corrections) == ([], 0)


async def test_a_draft_that_changes_afterwards_leaves_its_preview_alone(programme: Programme) -> None:
    await bought(programme, 600)
    draft = await drafted(programme.database, asking(EASY, 0, 500, 1_200, 5_000))
    async with programme.database.transaction() as tx:
        asked = api.AskPreview(actor="staff:anna", draft_id=draft.draft_id)
        report = await api.ask_preview(tx, PREVIEW, asked)
    async with programme.database.transaction() as tx:
        command = api.ChangeDraft(draft_id=draft.draft_id, revision=1, name="x", policy=EASY, actor="staff:bo")
        await api.work_on_policy(tx, programme.database.clock, command)
    async with programme.database.transaction() as tx:
        assert await compute_slice(tx, report.report_id) is False
    async with programme.database.transaction() as tx:
        found = api.result_of_preview(await api.read_preview(tx, report.report_id))
    assert found is not None
    assert found.rises == 1


async def test_what_is_not_there_is_not_previewed(programme: Programme) -> None:
    async with programme.database.transaction() as tx:
        with pytest.raises(UnknownDraft):
            await api.ask_preview(tx, PREVIEW, api.AskPreview(actor="x", draft_id=new_id()))
        with pytest.raises(NotFound):
            await api.ask_preview(tx, PREVIEW, api.AskPreview(actor="x"))
        with pytest.raises(UnknownPreview):
            await api.read_preview(tx, new_id())


async def test_only_what_is_to_come_is_previewed(programme: Programme) -> None:
    database = programme.database
    clock_at(database, NOON)
    done = await scheduled(database, await drafted(database, asking(EASY, 0, 500, 1_200, 5_000)), NOON + DAY)
    clock_at(database, NOON + 2 * DAY)
    gone = await scheduled(database, await drafted(database, asking(EASY, 0, 600, 1_200, 5_000)), NOON + 9 * DAY)
    assert gone.version is not None
    async with database.transaction() as tx:
        await api.withdraw_policy(tx, database.clock, api.WithdrawVersion(version=gone.version, actor="staff:anna"))
    for version, refusal in ((1, VersionInForce), (done.version, VersionInForce), (gone.version, VersionWithdrawn)):
        async with database.transaction() as tx:
            with pytest.raises(refusal):
                await api.ask_preview(tx, PREVIEW, api.AskPreview(actor="staff:anna", version=version))
