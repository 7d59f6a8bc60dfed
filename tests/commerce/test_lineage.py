"""Everything an order caused can be listed from it, and what became of its points."""

from typing import Any
from uuid import UUID

import pytest

from tests.commerce.shop import DAY, NOW, Shop, line, order

pytestmark = pytest.mark.anyio


def moved(movements: list[dict[str, Any]]) -> list[tuple[int, str, str | None]]:
    return [(each["points"], each["kind"], each["order_id"]) for each in movements]


async def test_the_lineage_of_an_order_and_of_the_one_that_spent_its_points(shop: Shop, wang: UUID) -> None:
    await shop.grant(wang, 100)
    await shop.put("A1", order(wang, line("tv", 120_000)))  # 1 200 points, silver
    await shop.put("A11", order(wang, line("tea", 5_000)))  # another order, whose id begins alike
    shop.at(NOW + 8 * DAY)
    paid = [{"method": "points", "points": 600}]
    await shop.put("A2", order(wang, line("desk", 20_000), payments=paid))  # at most 1 000; soonest expiry first
    shop.at(NOW + 9 * DAY)
    await shop.back("A1", return_id="R1", lines=[{"line_id": "1", "quantity": "0.25"}])

    first = await shop.read("/v1/orders/A1/lineage")

    assert [(each["wallet"], each["kind"], each["amount"], each["reference"]) for each in first["transfers"]] == [
        ("points", "earn", 1_200, "order:A1:earn"),
        ("growth", "earn", 1_200, "order:A1:growth"),
        ("points", "claw_back", -300, "order:A1:return:R1:claw_back"),
        ("growth", "claw_back", -300, "order:A1:return:R1:growth"),
    ]
    assert first["transfers"][0]["basis"] == {"base": 1_200, "multiplier": 1, "tier": "regular"}
    # The gift of 100 and A1's points expire together; the gift and A11 came at the same instant, by number first.
    (lot,) = first["lots"]
    assert (lot["points"], lot["remaining"]) == (1_200, 1_200 - 500 - 300)
    assert moved(lot["movements"]) == [(500, "redeem", "A2"), (300, "claw_back", "A1")]
    assert first["spent"] == []
    assert [(each["from_tier"], each["to_tier"], each["cause"], each["metric"]) for each in first["tier_changes"]] == [
        ("regular", "silver", "order", 1_200),
    ]
    assert [each["return_id"] for each in first["returns"]] == ["R1"]

    second = await shop.read("/v1/orders/A2/lineage")
    assert moved(second["spent"]) == [(100, "accrue", None), (500, "earn", "A1")]
    assert second["spent"][0]["reference"] == "welcome"
    assert [each["reference"] for each in second["transfers"]] == [
        "order:A2:redeem",
        "order:A2:earn",
        "order:A2:growth",
    ]


async def test_what_a_return_gave_back_and_the_tier_it_took(shop: Shop, wang: UUID) -> None:
    await shop.grant(wang, 1_000)
    await shop.put("A1", order(wang, line("tv", 120_000), payments=[{"method": "points", "points": 1_000}]))
    await shop.back("A1", return_id="R1")

    found = await shop.read("/v1/orders/A1/lineage")

    assert moved(found["spent"]) == [(1_000, "accrue", None), (-1_000, "accrue", None)]
    assert [(each["to_tier"], each["cause"], each["reference"]) for each in found["tier_changes"]] == [
        ("silver", "order", "order:A1"),
        ("regular", "return", "order:A1:return:R1"),
    ]
    assert [(each["points"], each["remaining"], moved(each["movements"])) for each in found["lots"]] == [
        (1_190, 0, [(1_190, "claw_back", "A1")])
    ]


async def test_an_unpaid_order_caused_nothing(shop: Shop, wang: UUID) -> None:
    await shop.put("A1", order(wang, line("tv", 120_000), state="open"))
    found = await shop.read("/v1/orders/A1/lineage")
    assert [found[name] for name in ("transfers", "lots", "spent", "tier_changes", "returns")] == [[], [], [], [], []]
