"""Orders without a member: the same states and returns, no points, and a claim within thirty days."""

import asyncio
from uuid import UUID

import httpx
import pytest

from regulars.commerce.contracts import ClaimOrder, OrderOutcome
from regulars.platform.errors import DomainError
from regulars.platform.ids import public_id
from tests.commerce.shop import (
    DAY,
    MATURE,
    MINUTE,
    NOW,
    SCOPES,
    Json,
    Shop,
    back,
    effects,
    line,
    money,
    order,
    problem,
    put,
)
from tests.commerce.test_journey import iso

pytestmark = pytest.mark.anyio

LINES = [line("tea", 12_000, 2), line("cup", 8_000)]


async def claim(shop: Shop, order_id: str, member_id: UUID, **more: Json) -> httpx.Response:
    body = {"member_id": public_id("mbr", member_id)}
    return await shop.send("POST", f"/v1/orders/{order_id}/claim", body, **more)


async def test_a_guest_order_goes_forward_and_comes_back_without_points(shop: Shop) -> None:
    opened = await shop.put("G1", order(None, *LINES[:1], state="open"))
    assert (opened.status_code, opened.json()["member_id"], opened.json()["effects"]) == (201, None, [])
    paid = await shop.put("G1", order(None, *LINES))
    assert (paid.status_code, paid.json()["total"], paid.json()["effects"]) == (200, money(20_000), [])
    part = await shop.back("G1", return_id="R1", lines=[{"line_id": "1", "quantity": 1}], store_id="406")
    assert part.status_code == 201
    assert (part.json()["returned"], part.json()["effects"]) == (money(6_000), [])
    assert part.json()["left"] == [{"line_id": "1", "quantity": "1"}, {"line_id": "2", "quantity": "1"}]
    before = await shop.contents()
    assert (await shop.back("G1", return_id="R1", lines=[{"line_id": "1", "quantity": 1}], store_id="406")).json() == (
        part.json()
    )
    assert (await shop.put("G1", order(None, *LINES))).json() == paid.json() | {"returned": money(6_000)}
    for refused, expected in (
        (await shop.back("G1", return_id="R1"), (422, "return_id_reused", "/return_id")),
        (await shop.back("G1", lines=[{"line_id": "1", "quantity": 2}]), (422, "return_too_much", "/lines/0/quantity")),
        (await shop.back("G1", store_id="9"), (422, "store_in_another_market", "/store_id")),
        (await shop.put("G1", order(None, *LINES[:1])), (409, "order_frozen", "/lines")),
        (await shop.put("G1", order(None, *LINES, state="open")), (409, "state_moved_backwards", "/state")),
        (await shop.put("G2", order(None, *LINES) | {"total": money(1)}), (422, "lines_do_not_sum", "/total")),
        (
            await shop.put("G2", order(None, *LINES, payments=[{"method": "points", "points": 1}])),
            (422, "guest_cannot_use_points", "/payments"),
        ),
    ):
        assert problem(refused) == expected
    assert await shop.contents() == before
    cancelled = await shop.put("G1", order(None, *LINES, state="cancelled"))
    assert (cancelled.json()["state"], cancelled.json()["returned"]) == ("cancelled", money(20_000))
    shown = await shop.read("/v1/orders/G1?explain=true")
    assert [(each["return_id"], each["returned"]) for each in shown["returns"]] == [
        ("R1", money(6_000)),
        ("~cancellation", money(14_000)),
    ]
    assert [(each["rule"], each["values"]) for each in shown["explanation"]] == [
        ("earning.guest", {"claim_until": iso(NOW + 30 * DAY)})
    ]
    assert await shop.rows("SELECT count(*) FROM ledger_transfers") == [(0,)]
    assert (await shop.read("/v1/orders/G1/lineage"))["transfers"] == []


async def test_a_claim_settles_the_order_and_its_returns_as_late(shop: Shop, wang: UUID) -> None:
    await shop.put("G1", order(None, *LINES))
    shop.at(NOW + DAY)
    await shop.back("G1", return_id="R1", lines=[{"line_id": "2"}])
    shop.at(NOW + 2 * DAY)
    await shop.put("A1", order(wang, line("tv", 300_000)))  # gold: what is claimed now earns twice
    shop.at(NOW + 20 * DAY)

    claimed = await claim(shop, "G1", wang)

    assert claimed.status_code == 200
    assert (claimed.json()["member_id"], claimed.json()["returned"]) == (public_id("mbr", wang), money(8_000))
    assert effects(claimed) == {
        "points_earned": {
            "points": 400,
            "available_at": iso(MATURE),
            "expires_at": "2027-03-31T16:00:00Z",
            "undone": 160,
        },
        "growth_earned": {"growth": 200, "undone": 80},
        "points_clawed_back": {"points": 160},
        "growth_reversed": {"growth": 80},
    }
    assert await shop.points(wang) == (3_000 + 240, 0, 0)
    assert await shop.tier(wang) == ("gold", 3_120)
    assert await shop.rows(
        "SELECT effective_at, recorded_at FROM ledger_transfers WHERE reference = 'order:G1:growth'"
    ) == [(NOW, NOW + 20 * DAY)]
    li = await shop.member("li")
    before = await shop.contents()
    again = await claim(shop, "G1", wang)
    assert (again.status_code, again.json()["member_id"]) == (200, public_id("mbr", wang))
    assert problem(await claim(shop, "G1", li)) == (409, "not_a_guest_order", None)
    # The first return, sent again by the shop, is still the first.
    repeated = await shop.back("G1", return_id="R1", lines=[{"line_id": "2"}])
    assert effects(repeated)["points_clawed_back"] == {"points": 160}
    assert await shop.contents() == before

    # The shop, which knows of no member, goes on; so do returns.
    done = await shop.put("G1", order(None, *LINES, state="fulfilled"))
    assert (done.status_code, done.json()["member_id"]) == (200, public_id("mbr", wang))
    rest = await shop.back("G1", return_id="R2")
    assert effects(rest) == {"points_clawed_back": {"points": 240}, "growth_reversed": {"growth": 120}}
    assert await shop.points(wang) == (3_000, 0, 0)


@pytest.mark.parametrize(
    ("state", "expected"), [("open", []), ("cancelled", []), ("fulfilled", ["points_pending", "growth_earned"])]
)
async def test_an_order_is_claimed_in_any_state(shop: Shop, wang: UUID, state: str, expected: list[str]) -> None:
    await shop.put("G1", order(None, *LINES, state=state))
    claimed = await claim(shop, "G1", wang)
    assert (claimed.json()["state"], [each["type"] for each in claimed.json()["effects"]]) == (state, expected)
    page = await shop.read(f"/v1/members/{public_id('mbr', wang)}/orders")
    assert [each["order_id"] for each in page["orders"]] == ["G1"]


async def test_a_claim_of_what_was_paid_and_cancelled_earns_and_returns_it(shop: Shop, wang: UUID) -> None:
    await shop.put("G1", order(None, *LINES))
    await shop.back("G1", return_id="R1", lines=[{"line_id": "2"}])
    await shop.put("G1", order(None, *LINES, state="cancelled"))
    claimed = await claim(shop, "G1", wang)
    assert (claimed.json()["state"], claimed.json()["returned"]) == ("cancelled", money(20_000))
    assert await shop.points(wang) == (0, 0, 0)
    assert await shop.tier(wang) == ("regular", 0)


async def test_a_process_that_knows_no_store_yet_claims_what_others_took_back(shop: Shop, wang: UUID) -> None:
    await shop.put("G1", order(None, *LINES))
    await shop.back("G1", return_id="R1", lines=[{"line_id": "2"}], store_id="406")
    await shop.put("G2", order(None, *LINES))
    await shop.back("G2", return_id="R1", lines=[{"line_id": "2"}], store_id="406")
    async with await shop.caller(*SCOPES) as other:
        body = {"member_id": public_id("mbr", wang)}
        claimed = await other.post("/v1/orders/G1/claim", json=body, headers={"Idempotency-Key": "k1"})
    assert (claimed.status_code, claimed.json()["returned"]) == (200, money(8_000))
    async with await shop.caller(*SCOPES) as other:
        named = await other.put("/v1/orders/G2", json=order(wang, *LINES))
    assert (named.status_code, named.json()["returned"]) == (200, money(8_000))
    assert await shop.points(wang) == (0, 240, 0)
    assert await shop.faults() == []


async def test_a_store_that_has_gone_since_does_not_stop_a_claim(shop: Shop, wang: UUID) -> None:
    await shop.put("G1", order(None, *LINES))
    await shop.back("G1", return_id="R1", lines=[{"line_id": "2"}], store_id="406")
    await shop.put("G1", order(None, *LINES, state="fulfilled"))
    async with shop.database.transaction() as tx:
        tx.write("DELETE FROM stores WHERE store_id IN ('367', '406')")
    async with await shop.caller(*SCOPES) as other:
        body = {"member_id": public_id("mbr", wang)}
        claimed = await other.post("/v1/orders/G1/claim", json=body, headers={"Idempotency-Key": "k1"})
    assert (claimed.status_code, claimed.json()["state"]) == (200, "fulfilled")
    assert await shop.points(wang) == (0, 120, 0)


async def test_a_time_that_was_accepted_once_is_not_judged_anew_by_a_claim(shop: Shop, wang: UUID) -> None:
    await shop.put("G1", order(None, *LINES, occurred_at=iso(NOW + 4 * MINUTE)))
    shop.at(NOW - DAY)  # a clock set back: the order now lies ahead by more than is accepted
    claimed = await claim(shop, "G1", wang)
    assert claimed.status_code == 200
    assert await shop.faults() == []


async def test_a_refusal_in_the_middle_of_a_claim_leaves_nothing_and_harms_nobody_else(shop: Shop, wang: UUID) -> None:
    """A guest order whose kept returns exceed what was bought: no fact leads there, so the table is spoilt by hand."""
    await shop.put("G1", order(None, *LINES))
    await shop.back("G1", return_id="R1", lines=[{"line_id": "1", "quantity": 1}])
    await shop.rows("UPDATE guest_orders SET document = replace(document, '1000', '9000') RETURNING 1")
    before = await shop.contents()

    alone = await claim(shop, "G1", wang)

    assert problem(alone) == (422, "return_too_much", "/lines/0/quantity")
    assert await shop.contents() == before
    again, *others = await asyncio.gather(
        claim(shop, "G1", wang), *[shop.put(f"A{number}", order(wang, *LINES)) for number in range(8)]
    )
    assert problem(again)[1] == "return_too_much"
    assert [each.status_code for each in others] == [201] * 8
    assert await shop.rows("SELECT count(*) FROM orders WHERE order_id = 'G1'") == [(0,)]
    assert await shop.rows("SELECT count(*) FROM ledger_transfers WHERE order_id = 'G1'") == [(0,)]
    assert await shop.points(wang) == (0, 8 * 200, 0)
    assert await shop.faults() == []


async def test_a_claim_comes_too_late_after_thirty_days(shop: Shop, wang: UUID) -> None:
    await shop.put("G1", order(None, *LINES))
    shop.at(NOW + 30 * DAY)
    in_time = await shop.put("G1", order(wang, *LINES), "?dry_run=true")
    assert in_time.status_code == 200
    shop.at(NOW + 30 * DAY + DAY / 86_400)
    before = await shop.contents()
    late = await claim(shop, "G1", wang)
    assert problem(late) == (409, "claim_too_late", None)
    assert late.json()["detail"] == "The order G1 is older than 30 days and can no longer be claimed."
    assert problem(await shop.put("G1", order(wang, *LINES)))[1] == "claim_too_late"
    assert problem(await claim(shop, "G2", wang))[:2] == (404, "unknown_order")
    shop.at(NOW)
    nobody = await claim(shop, "G1", UUID(int=7 << 76 | 2 << 62))
    assert problem(nobody) == (404, "unknown_member", "/member_id")
    assert await shop.contents() == before


async def test_a_put_that_names_a_member_is_a_claim_and_the_put(shop: Shop, wang: UUID) -> None:
    await shop.grant(wang, 500)
    await shop.put("G1", order(None, *LINES, state="placed"))
    paid = order(wang, *LINES, payments=[{"method": "points", "points": 500}])
    named = await shop.put("G1", paid)
    assert (named.status_code, named.json()["member_id"]) == (200, public_id("mbr", wang))
    assert effects(named)["points_redeemed"] == {"points": 500, "value": money(500)}

    await shop.put("G2", order(None, *LINES))
    await shop.back("G2", return_id="R1", lines=[{"line_id": "2"}])
    before = await shop.contents()
    refused = await shop.put("G2", order(wang, *LINES[:1]))
    assert problem(refused) == (409, "order_frozen", "/lines")
    assert problem(await shop.put("G2", order(wang, *LINES, state="open")))[1] == "state_moved_backwards"
    assert problem(await shop.put("G2", order(wang, *LINES, occurred_at="2100-01-01T00:00:00Z")))[1] == "too_far_ahead"
    assert await shop.contents() == before
    fulfilled = await shop.put("G2", order(wang, *LINES, state="fulfilled"))
    assert (fulfilled.json()["state"], fulfilled.json()["member_id"]) == ("fulfilled", public_id("mbr", wang))
    assert await shop.points(wang) == (0, 195 + 120, 0)


async def test_a_refused_put_on_an_open_guest_order_leaves_it_a_guests(shop: Shop, wang: UUID) -> None:
    await shop.put("G1", order(None, *LINES, state="open"))
    before = await shop.contents()
    refused = await shop.put("G1", order(wang, *LINES, payments=[{"method": "points", "points": 500}]))
    assert problem(refused)[1] == "points_not_usable"
    assert await shop.contents() == before
    assert (await shop.put("G1", order(None, *LINES))).json()["member_id"] is None


async def test_guests_and_members_in_one_batch_are_decided_in_order_of_arrival(shop: Shop, wang: UUID) -> None:
    li = await shop.member("li")
    found = await shop.apply(
        put(None, "G1", [10_000]),
        back("G1", "R1", ("1", 500)),
        ClaimOrder(order_id="G1", member_id=wang),
        ClaimOrder(order_id="G1", member_id=li),
        put(None, "G1", [10_000], state="fulfilled"),
        back("G1", "R2"),
        put(None, "G2", [10_000], total_minor=1),  # refused, so its id stays free
        put(li, "G2", [10_000]),
        put(wang, "G2", [10_000]),
        put(UUID(int=7 << 76 | 2 << 62), "A1", [500]),  # nobody's, so free as well
        put(wang, "A1", [500]),
    )
    assert [each.code if isinstance(each, DomainError) else each.returned_minor for each in found] == [
        0,
        2_500,
        2_500,
        "not_a_guest_order",
        2_500,
        7_500,
        "lines_do_not_sum",
        0,
        "order_id_taken",
        "unknown_member",
        0,
    ]
    claimed = found[2]
    assert isinstance(claimed, OrderOutcome)
    assert (claimed.member_id, claimed.replayed[0].returned_minor) == (wang, 2_500)
    assert await shop.rows("SELECT order_id, member_id FROM order_keys ORDER BY order_id") == [
        ("A1", wang),
        ("G1", wang),
        ("G2", li),
    ]
    assert await shop.rows("SELECT order_id, claimed_by FROM guest_orders") == [("G1", wang)]
    assert await shop.points(wang) == (0, 5, 0)
    assert await shop.points(li) == (0, 100, 0)
