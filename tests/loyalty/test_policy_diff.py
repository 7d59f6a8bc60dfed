"""What differs between policies, told: nothing that a policy says is left out, in neither language."""

from typing import Any

import pytest
from msgspec import structs

from regulars.loyalty.drafts.rules import Difference, Telling, differences
from regulars.loyalty.policy import sections
from regulars.loyalty.policy.contracts import (
    AdjustmentPolicy,
    AnniversaryReview,
    ChangePolicy,
    EarningPolicy,
    MonthlyReview,
    NoReview,
    PaymentPolicy,
    Policy,
    ReturnPolicy,
    TierPolicy,
    TierRule,
    TransferPolicy,
)
from regulars.platform.texts import catalogue
from tests.loyalty.programme import EASY

EN, ZH = Telling("en", ("CNY",)), Telling("zh", ("CNY",))
SILVER, GOLD = 1, 2


def test_everything_that_a_policy_says_is_declared() -> None:
    """A field that is added to the policy needs a label and a sentence, here and in Chinese."""
    paths = list(sections.paths_of())
    declared = [leaf.path for leaf in sections.LEAVES]

    assert sorted(paths) == sorted([*declared, sections.TIERS])
    assert {leaf.section for leaf in sections.LEAVES} <= {section.name for section in sections.SECTIONS}
    own = {field.name for field in structs.fields(Policy)} - {"version", "active_from"}
    assert {section.name for section in sections.SECTIONS} == own
    chinese = catalogue("zh")
    for leaf in sections.LEAVES:
        told = [leaf.label, leaf.sentence, leaf.begins, leaf.ends, leaf.help, *dict(leaf.choices).values()]
        assert [text for text in told if text and text not in chinese] == []
        assert leaf.sentence or (leaf.begins and leaf.ends), leaf.path


def test_a_field_that_nobody_declared_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "LEAVES", sections.LEAVES[1:])
    assert set(sections.paths_of()) - {leaf.path for leaf in sections.LEAVES} == {sections.TIERS, "tier.window_days"}


OTHER = Policy(
    tier=TierPolicy(
        tiers=EASY.tier.tiers, qualifying_wallet="stars", window_days=180, review=MonthlyReview(months=(2, 8))
    ),
    earning=EarningPolicy(minor_per_point=250, maturity_hours=36, expiry_months=6),
    payment=PaymentPolicy(point_value_minor=2, max_percent=10, min_spendable=1_500),
    returns=ReturnPolicy(give_back_days=14, shortfall="within_balance"),
    adjustments=AdjustmentPolicy(approve_above=5_000, answer_days=7, alone_per_day=9_000),
    changes=ChangePolicy(second_person=True),
    transfers=TransferPolicy(
        among="anyone",
        smallest=5,
        largest=50,
        given_per_day=60,
        given_per_month=70,
        given_per_year=80,
        received_per_day=90,
        received_per_month=100,
        received_per_year=110,
        waiting_days=7,
        lowest_tier=1,
    ),
    spending_wallet="coins",
)
GIVING = structs.replace(EASY, transfers=TransferPolicy())


@pytest.mark.parametrize("telling", [EN, ZH], ids=["en", "zh"])
def test_each_thing_that_differs_is_told_with_both_values(telling: Telling) -> None:
    found = differences(GIVING, OTHER, telling)

    assert {one.pointer for one in found} == {f"/{leaf.path.replace('.', '/')}" for leaf in sections.LEAVES}
    assert len({one.said for one in found}) == len(found)
    assert all("{" not in one.said for one in found)
    assert [one.pointer for one in differences(OTHER, GIVING, telling)] == [one.pointer for one in found]
    assert differences(EASY, EASY, telling) == []


def test_a_section_that_comes_or_goes_is_told_so() -> None:
    assert "Members may give points to each other." in [one.said for one in differences(EASY, GIVING, EN)]
    assert "Members can no longer give points to each other." in [one.said for one in differences(GIVING, EASY, EN)]
    assert {one.pointer.split("/")[1] for one in differences(EASY, GIVING, EN)} == {"transfers"}


SAID = {
    "/earning/minor_per_point": "One base point is earned for every full CN¥2.50 paid, instead of CN¥1.00.",
    "/earning/maturity_hours": "Points can be spent 36 hours after the order, instead of 7 days.",
    "/payment/max_percent": "Points pay at most 10 % of an order, instead of 5 %.",
    "/payment/min_spendable": "A member needs 1,500 points that can be spent before any may pay, instead of 200.",
    "/adjustments/approve_above": "Corrections of more than 5,000 need a second person; so far none did.",
    "/adjustments/alone_per_day": (
        "One person corrects 9,000 units a day without a second person; so far there was no limit."
    ),
    "/tier/review": "Tiers are reviewed at the beginning of these months: 2, 8, before: never.",
}


def test_sentences_are_those_of_a_shopkeeper() -> None:
    said = {one.pointer: one.said for one in differences(EASY, OTHER, EN)}
    assert {pointer: said[pointer] for pointer in SAID} == SAID
    back = {one.pointer: one.said for one in differences(OTHER, EASY, EN)}
    assert back["/adjustments/approve_above"] == (
        "Corrections no longer need a second person; so far those of more than 5,000 did."
    )
    assert back["/changes/second_person"] == "From then on one person alone may schedule a policy."
    chinese = {one.pointer: one.said for one in differences(EASY, OTHER, ZH)}
    assert chinese["/earning/minor_per_point"] == "每满 ¥2.50 获得 1 个基础积分（原为每满 ¥1.00）。"


def _with_tiers(*tiers: TierRule) -> Policy:
    return structs.replace(EASY, tier=structs.replace(EASY.tier, tiers=tiers))


def _told(found: list[Difference]) -> list[tuple[str, Any, Any]]:
    return [(one.pointer, one.before, one.after) for one in found]


def test_tiers_are_told_one_by_one() -> None:
    tiers = list(EASY.tier.tiers)
    higher = _with_tiers(*tiers[:GOLD], structs.replace(tiers[GOLD], threshold=5_000, multiplier=4), *tiers[GOLD + 1 :])
    found = differences(EASY, higher, EN)
    assert _told(found) == [
        ("/tier/tiers/gold/threshold", 2_500, 5_000),
        ("/tier/tiers/gold/multiplier", 2, 4),
    ]
    assert found[0].said == "Gold needs 5,000 growth instead of 2,500."

    black = TierRule(code="black", threshold=20_000, multiplier=5)
    (new,) = differences(EASY, _with_tiers(*tiers, black), EN)
    assert (new.before, new.after) == (None, {"threshold": 20_000, "multiplier": 5})
    assert new.said == "Black is new: from 20,000 growth, 5 points for each base point."
    (gone,) = differences(_with_tiers(*tiers, black), EASY, EN)
    assert (gone.after, gone.said) == (None, "Black is no more.")

    swapped = _with_tiers(tiers[0], tiers[GOLD], tiers[SILVER], *tiers[GOLD + 1 :])
    assert _told(differences(EASY, swapped, EN)) == [
        ("/tier/tiers/gold/place", 3, 2),
        ("/tier/tiers/silver/place", 2, 3),
    ]


def test_every_review_is_told() -> None:
    reviews = (NoReview(), MonthlyReview(months=(1,)), AnniversaryReview(after_months=6, grace_days=0))
    for language in ("en", "zh"):
        told = [
            differences(
                structs.replace(EASY, tier=structs.replace(EASY.tier, window_days=1)),
                structs.replace(EASY, tier=structs.replace(EASY.tier, window_days=1, review=review)),
                replace_language(language),
            )
            for review in reviews
        ]
        assert [len(found) for found in told] == [0, 1, 1]


def replace_language(language: str) -> Telling:
    return structs.replace(EN, language=language)
