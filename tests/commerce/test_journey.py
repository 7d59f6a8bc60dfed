"""A member buys, returns one of three in another store, returns the rest: everything unwinds exactly."""

from uuid import UUID

import pytest

from regulars.platform.ids import public_id
from tests.commerce.shop import DAY, EXPIRES, MATURE, NOW, Shop, effects, line, money, order

pytestmark = pytest.mark.anyio


def iso(at: object) -> str:
    return str(at).replace(" ", "T").replace("+00:00", "Z")


async def test_buys_returns_one_of_three_in_another_store_and_then_the_rest(shop: Shop, wang: UUID) -> None:
    await shop.grant(wang, 3_000)
    lines = [line("phone", 69_900), line("case", 10_100), line("film", 20_050)]
    body = order(
        wang, *lines, payments=[{"method": "points", "points": 2_000}, {"method": "card", "amount": money(98_050)}]
    )

    bought = await shop.put("A1", body)

    # 100 050 minor units less 2 000 points of 1 leave 98 050: 980 base points.
    assert bought.status_code == 201
    assert effects(bought) == {
        "points_redeemed": {"points": 2_000, "value": money(2_000)},
        "points_pending": {"points": 980, "available_at": iso(MATURE), "expires_at": iso(EXPIRES)},
        "growth_earned": {"growth": 980},
    }
    assert await shop.points(wang) == (1_000, 980, 0)
    assert await shop.tier(wang) == ("regular", 980)

    shop.at(NOW + DAY)
    risen = await shop.put("A2", order(wang, line("toy", 5_000)))
    assert effects(risen)["tier_reached"] == {"from_tier": "regular", "to_tier": "silver"}
    assert await shop.tier(wang) == ("silver", 1_030)

    shop.at(NOW + 2 * DAY)
    first = await shop.back("A1", return_id="R1", lines=[{"line_id": "2"}], store_id="406")

    # 89 950 remain: floor(2000 × 89950 / 100050) = 1798 points still pay; (89950 − 1798) / 100 = 881 base points.
    assert first.status_code == 201
    assert effects(first) == {
        "points_given_back": {"points": 202},
        "points_clawed_back": {"points": 99},
        "growth_reversed": {"growth": 99},
        "tier_lost": {"from_tier": "silver", "to_tier": "regular"},
    }
    assert first.json()["returned"] == money(10_100)
    assert first.json()["left"] == [{"line_id": "1", "quantity": "1"}, {"line_id": "3", "quantity": "1"}]
    assert await shop.points(wang) == (1_202, 881 + 50, 0)
    assert await shop.tier(wang) == ("regular", 931)

    shop.at(NOW + 3 * DAY)
    rest = await shop.back("A1", return_id="R2", store_id="367")

    assert effects(rest) == {
        "points_given_back": {"points": 1_798},
        "points_clawed_back": {"points": 881},
        "growth_reversed": {"growth": 881},
    }
    assert (rest.json()["left"], rest.json()["returned_so_far"]) == ([], money(100_050))
    # All of A1's own effects are undone; A2 keeps what it earned meanwhile.
    assert await shop.points(wang) == (3_000, 50, 0)
    assert await shop.tier(wang) == ("regular", 50)
    again = await shop.back("A1", return_id="R3")
    assert (again.status_code, again.json()["code"]) == (409, "nothing_left_to_return")

    shown = await shop.read("/v1/orders/A1")
    assert shown["member_id"] == public_id("mbr", wang)
    assert shown["returned"] == money(100_050)
    assert [(each["line_id"], each["quantity"], each["returned_quantity"]) for each in shown["lines"]] == [
        ("1", "1", "1"),
        ("2", "1", "1"),
        ("3", "1", "1"),
    ]
    assert [(each["return_id"], each["store_id"]) for each in shown["returns"]] == [("R1", "406"), ("R2", "367")]
    assert [each["type"] for each in shown["effects"]] == ["points_redeemed", "points_pending", "growth_earned"]
