"""Returns in parts: a weighed line in several steps, whose shares are rounded down over all parts so far."""

from uuid import UUID

import pytest

from tests.commerce.shop import NOW, Shop, effects, line, money, order

pytestmark = pytest.mark.anyio


async def test_a_weighed_line_comes_back_in_several_steps(shop: Shop, wang: UUID) -> None:
    # 1.500 kg for 100.00: a third of it is 33.33, two thirds 66.66, all of it 100.00.
    await shop.put("A1", order(wang, line("cherries", 10_000, "1.500"), line("bag", 1)))
    values, left = [], None
    for number in (1, 2, 3):
        answer = await shop.back("A1", return_id=f"R{number}", lines=[{"line_id": "1", "quantity": 0.5}])
        values.append(answer.json()["returned"]["amount_minor"])
        left = answer.json()["left"]
    assert values == [3_333, 3_333, 3_334]
    assert left == [{"line_id": "2", "quantity": "1"}]
    shown = await shop.read("/v1/orders/A1")
    assert [(each["quantity"], each["returned_quantity"], each["returned"]) for each in shown["lines"]] == [
        ("1.5", "1.5", money(10_000)),
        ("1", "0", money(0)),
    ]
    assert await shop.points(wang) == (0, 0, 0)


async def test_each_step_settles_what_remains_of_the_original_order(shop: Shop, wang: UUID) -> None:
    await shop.grant(wang, 600)
    await shop.put(
        "A1",
        order(
            wang, line("cheese", 9_999, "0.777"), line("wine", 5_001), payments=[{"method": "points", "points": 600}]
        ),
    )
    # 15 000 less 600: 144. After 0.1 kg (1 286): p' = floor(600 x 13714 / 15000) = 548, b' = (13714 - 548) / 100 = 131.
    first = await shop.back("A1", return_id="R1", lines=[{"line_id": "1", "quantity": "0.1"}])
    assert first.json()["returned"] == money(1_286)
    assert effects(first) == {
        "points_given_back": {"points": 52},
        "points_clawed_back": {"points": 13},
        "growth_reversed": {"growth": 13},
    }
    # Then 0.333 kg more: 0.433 are floor(9999 x 433 / 777) = 5 572; p' = 377, b' = (9428 - 377) / 100 = 90.
    second = await shop.back("A1", return_id="R2", lines=[{"line_id": "1", "quantity": "0.333"}])
    assert second.json()["returned"] == money(5_572 - 1_286)
    assert effects(second) == {
        "points_given_back": {"points": 548 - 377},
        "points_clawed_back": {"points": 131 - 90},
        "growth_reversed": {"growth": 131 - 90},
    }
    assert await shop.points(wang) == (600 - 377, 90, 0)
    last = await shop.back("A1", return_id="R3")
    assert last.json()["returned_so_far"] == money(15_000)
    assert await shop.points(wang) == (600, 0, 0)
    assert await shop.tier(wang) == ("regular", 0)


async def test_a_return_worth_nothing_is_taken(shop: Shop, wang: UUID) -> None:
    await shop.put("A1", order(wang, line("gift", 0), line("tea", 1_000), occurred_at=NOW.isoformat()))
    free = await shop.back("A1", return_id="R1", lines=[{"line_id": "1"}])
    assert (free.status_code, free.json()["returned"], free.json()["effects"]) == (201, money(0), [])
    assert await shop.points(wang) == (0, 10, 0)
