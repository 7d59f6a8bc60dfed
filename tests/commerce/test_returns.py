"""Returns in parts: a weighed line in several steps, whose shares are rounded down over all parts so far."""

from uuid import UUID

import pytest

from regulars.platform.ids import public_id
from tests.commerce.shop import DAY, HOUR, MINUTE, NOW, Shop, effects, line, money, order, problem
from tests.commerce.test_journey import iso

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


# --- the time of a return ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("guest", [False, True])
async def test_nothing_comes_back_before_it_was_bought(shop: Shop, wang: UUID, guest: bool) -> None:  # noqa: FBT001 - a case
    buyer = None if guest else wang
    await shop.put("A1", order(buyer, line("tea", 1_000, 2), occurred_at=iso(NOW - DAY)))
    before = await shop.contents()
    early = iso(NOW - DAY - MINUTE)
    assert problem(await shop.back("A1", occurred_at=early)) == (422, "return_before_order", "/occurred_at")
    cancelled = order(buyer, line("tea", 1_000, 2), state="cancelled", occurred_at=early)
    for query in ("", "?dry_run=true"):
        refused = await shop.put("A1", cancelled, query)
        assert problem(refused) == (422, "return_before_order", "/occurred_at")
    named = await shop.put("A1", order(wang, line("tea", 1_000, 2), state="cancelled", occurred_at=early))
    assert problem(named) == (422, "return_before_order", "/occurred_at")
    assert await shop.contents() == before
    at_once = await shop.back("A1", lines=[{"line_id": "1", "quantity": 1}], occurred_at=iso(NOW - DAY))
    assert at_once.status_code == 201
    unpaid = order(buyer, line("tea", 1_000), state="open")
    await shop.put("A2", unpaid)
    assert (await shop.put("A2", unpaid | {"state": "cancelled", "occurred_at": early})).status_code == 200


async def test_a_till_whose_clock_ran_ahead_does_not_stop_the_return(shop: Shop, wang: UUID) -> None:
    await shop.put("A1", order(wang, line("tea", 1_000), occurred_at=iso(NOW + 4 * MINUTE)))
    assert (await shop.back("A1", occurred_at=iso(NOW))).status_code == 201


async def clawed_back(shop: Shop) -> list[tuple[object, ...]]:
    return await shop.rows(
        "SELECT reference, effective_at, recorded_at FROM ledger_transfers WHERE kind = 'claw_back' AND wallet_id = 1"
        " ORDER BY 1"
    )


async def test_the_ledger_books_a_return_at_its_own_time(shop: Shop, wang: UUID) -> None:
    lines = [line("tea", 12_000, 2), line("cup", 8_000)]
    for order_id, buyer in (("A1", wang), ("G1", None)):
        await shop.put(order_id, order(buyer, *lines, occurred_at=iso(NOW - 2 * DAY)))
        await shop.back(order_id, return_id="R1", lines=[{"line_id": "2"}], occurred_at=iso(NOW - DAY))
        done = order(buyer, *lines, state="cancelled", occurred_at=iso(NOW - HOUR))
        assert (await shop.put(order_id, done)).json()["state"] == "cancelled"
    shop.at(NOW + DAY)
    body = {"member_id": public_id("mbr", wang)}
    assert (await shop.send("POST", "/v1/orders/G1/claim", body)).json()["state"] == "cancelled"
    assert await clawed_back(shop) == [
        ("order:A1:return:R1:claw_back", NOW - DAY, NOW),
        ("order:A1:return:~cancellation:claw_back", NOW - HOUR, NOW),
        ("order:G1:return:R1:claw_back", NOW - DAY, NOW + DAY),
        ("order:G1:return:~cancellation:claw_back", NOW - HOUR, NOW + DAY),
    ]
    shown = await shop.read("/v1/orders/G1")
    assert [(each["return_id"], each["occurred_at"]) for each in shown["returns"]] == [
        ("R1", iso(NOW - DAY)),
        ("~cancellation", iso(NOW - HOUR)),
    ]
    assert await shop.points(wang) == (0, 0, 0)
