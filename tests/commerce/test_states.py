"""How an order goes forward: what may change before it is paid, what stands after, and what a repeat does."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from regulars.commerce.contracts import OrderFact
from regulars.commerce.orders.routes import OrderRequest
from regulars.commerce.routes import routes
from regulars.platform.commit.lane import Call
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from tests.commerce.shop import DAY, EXPIRES, MATURE, NOW, Shop, back, effects, line, money, order, problem, put
from tests.commerce.test_journey import iso

pytestmark = pytest.mark.anyio

LINES = [line("tea", 12_000, 2), line("cup", 8_000)]


async def test_an_order_goes_forward_and_its_lines_change_until_it_is_paid(shop: Shop, wang: UUID) -> None:
    first = await shop.put("A1", order(wang, *LINES, state="open"))
    assert (first.status_code, first.json()["effects"]) == (201, [])
    changed = [line("tea", 6_000), line("pot", 30_000), line("cup", 8_000, "1.5")]
    placed = await shop.put("A1", order(wang, *changed, state="placed", channel="online", store_id="406"))
    assert (placed.status_code, placed.json()["state"], placed.json()["total"]) == (200, "placed", money(44_000))
    assert await shop.points(wang) == (0, 0, 0)

    paid = await shop.put("A1", order(wang, *changed[:2], state="paid"))

    assert effects(paid) == {
        "points_pending": {"points": 360, "available_at": iso(MATURE), "expires_at": iso(EXPIRES)},
        "growth_earned": {"growth": 360},
    }
    fulfilled = await shop.put("A1", order(wang, *changed[:2], state="fulfilled"))
    assert (fulfilled.status_code, fulfilled.json()["state"]) == (200, "fulfilled")
    assert effects(fulfilled) == effects(paid)
    assert await shop.points(wang) == (0, 360, 0)
    shown = await shop.read("/v1/orders/A1")
    assert [(each["line_id"], each["sku"], each["quantity"], each["amount"]) for each in shown["lines"]] == [
        ("1", "tea", "1", money(6_000)),
        ("2", "pot", "1", money(30_000)),
    ]
    assert await shop.rows("SELECT count(*) FROM order_lines") == [(2,)]


async def test_cancelling_before_it_is_paid_settles_nothing(shop: Shop, wang: UUID) -> None:
    await shop.put("A1", order(wang, *LINES, state="placed"))
    cancelled = await shop.put("A1", order(wang, *LINES, state="cancelled"))
    assert (cancelled.json()["state"], cancelled.json()["effects"]) == ("cancelled", [])
    assert await shop.rows("SELECT count(*) FROM ledger_transfers") == [(0,)]
    assert problem(await shop.back("A1")) == (409, "not_returnable", None)


async def test_cancelling_after_it_is_paid_is_a_full_return_of_what_is_left(shop: Shop, wang: UUID) -> None:
    await shop.grant(wang, 1_000)
    paid = order(wang, *LINES, payments=[{"method": "points", "points": 1_000}])
    await shop.put("A1", paid)
    await shop.back("A1", return_id="R1", lines=[{"line_id": "2"}])
    assert await shop.points(wang) == (400, 114, 0)

    cancelled = await shop.put("A1", paid | {"state": "cancelled"})

    assert (cancelled.json()["state"], cancelled.json()["returned"]) == ("cancelled", money(20_000))
    assert {key: effects(cancelled)[key] for key in ("points_given_back", "points_clawed_back", "growth_reversed")} == {
        "points_given_back": {"points": 600},
        "points_clawed_back": {"points": 114},
        "growth_reversed": {"growth": 114},
    }
    assert await shop.points(wang) == (1_000, 0, 0)
    assert await shop.tier(wang) == ("regular", 0)
    before = await shop.contents()
    again = await shop.put("A1", paid | {"state": "cancelled"})
    assert (again.status_code, again.json()) == (200, cancelled.json())
    assert problem(await shop.back("A1", return_id="R2")) == (409, "not_returnable", None)
    assert await shop.contents() == before


async def test_cancelling_what_came_back_already_changes_the_state_only(shop: Shop, wang: UUID) -> None:
    await shop.put("A1", order(wang, *LINES))
    await shop.back("A1", return_id="R1")
    cancelled = await shop.put("A1", order(wang, *LINES, state="cancelled"))
    assert cancelled.json()["state"] == "cancelled"
    assert await shop.rows("SELECT return_id FROM order_returns") == [("R1",)]


@pytest.mark.parametrize("key", [None, "till-7-000123"])
async def test_the_same_put_again_changes_nothing(shop: Shop, wang: UUID, key: str | None) -> None:
    body = order(wang, *LINES)
    first = await shop.put("A1", body, key=key)
    before = await shop.contents()
    shop.at(NOW + DAY)

    again = await shop.put("A1", body, key=key)

    assert (first.status_code, again.status_code) == (201, 200 if key is None else 201)
    assert again.json() == first.json()
    assert again.headers.get("idempotency-replayed") == (None if key is None else "true")
    assert await shop.contents() == before


async def test_an_order_and_its_return_share_a_lane_and_keep_their_order_of_arrival(shop: Shop, wang: UUID) -> None:
    lane = routes(Services(Settings(home=shop.home), shop.database, shop.vault)).hot[0].lane
    facts: list[OrderFact] = []
    for number in range(5):
        facts += [put(wang, f"A{number}", [12_000, 8_000]), back(f"A{number}", "R1")]
    calls = [
        Call(command=OrderRequest(fact), client="key:test", key=str(n), request_hash=b"", subject=fact.order_id)
        for n, fact in enumerate(facts)
    ]
    replies = await asyncio.gather(*[lane.submit(call) for call in calls])
    assert [reply.status for reply in replies] == [201] * 10
    assert await shop.points(wang) == (0, 0, 0)
    assert await shop.faults() == []


async def test_the_same_return_again_changes_nothing(shop: Shop, wang: UUID) -> None:
    await shop.put("A1", order(wang, *LINES))
    by_key = await shop.back("A1", key="return-1", lines=[{"line_id": "2"}])
    before = await shop.contents()
    assert (await shop.back("A1", key="return-1", lines=[{"line_id": "2"}])).json() == by_key.json()
    # After a day the stored answer is forgotten; the return's id follows from the key, and is for ever.
    async with shop.database.transaction() as tx:
        tx.write("DELETE FROM idempotency_answers")
    forgotten = await shop.back("A1", key="return-1", lines=[{"line_id": "2"}])
    assert (forgotten.json(), forgotten.headers.get("idempotency-replayed")) == (by_key.json(), None)
    other = await shop.back("A1", return_id=by_key.json()["return_id"], lines=[{"line_id": "1"}])
    assert problem(other) == (422, "return_id_reused", "/return_id")
    assert await shop.contents() == before


@pytest.mark.parametrize("state", ["open", "paid", "cancelled"])
async def test_a_dry_run_changes_nothing_and_answers_the_same(shop: Shop, wang: UUID, state: str) -> None:
    await shop.grant(wang, 500)
    body = order(wang, *LINES, state=state, payments=[{"method": "points", "points_at_most": 300}])
    before = await shop.contents()
    answers = await shop.rows("SELECT count(*) FROM idempotency_answers")
    tried = await shop.put("A1", body, "?dry_run=true", key="once")
    assert await shop.contents() == before
    assert await shop.rows("SELECT count(*) FROM idempotency_answers") == answers
    done = await shop.put("A1", body)
    assert (tried.status_code, tried.json()) == (done.status_code, done.json())

    if state == "paid":
        before = await shop.contents()
        tried = await shop.back("A1", "?dry_run=true", return_id="R1", lines=[{"line_id": "1", "quantity": "0.5"}])
        assert await shop.contents() == before
        done = await shop.back("A1", return_id="R1", lines=[{"line_id": "1", "quantity": "0.5"}])
        assert (tried.status_code, tried.json()) == (done.status_code, done.json())


async def test_a_refused_dry_run_refuses_alike(shop: Shop, wang: UUID) -> None:
    body = order(wang, *LINES) | {"total": money(1)}
    assert problem(await shop.put("A1", body, "?dry_run=true")) == problem(await shop.put("A1", body))


async def test_a_misspelt_dry_run_is_refused_and_writes_nothing(shop: Shop, wang: UUID) -> None:
    before = await shop.contents()
    refused = await shop.put("A1", order(wang, *LINES), "?dryrun=true")
    assert problem(refused) == (422, "field_unknown", "/query/dryrun")
    assert refused.json()["data"]["known"].split(", ")[0] == "dry_run"
    assert await shop.contents() == before


# --- paying with points -----------------------------------------------------------------------------------------


async def test_points_pay_exactly_and_the_rest_in_money(shop: Shop, wang: UUID) -> None:
    await shop.grant(wang, 1_000)
    payments = [{"method": "points", "points": 1_000}, {"method": "alipay", "amount": money(19_000)}]
    assert effects(await shop.put("A1", order(wang, *LINES, payments=payments))) == {
        "points_redeemed": {"points": 1_000, "value": money(1_000)},
        "points_pending": {"points": 190, "available_at": iso(MATURE), "expires_at": iso(EXPIRES)},
        "growth_earned": {"growth": 190},
    }


@pytest.mark.parametrize(
    ("owned", "at_most", "used"),
    [(900, 10_000, 900), (5_000, 10_000, 1_000), (5_000, 700, 700), (199, 10_000, 0), (200, 10_000, 200)],
)
async def test_points_pay_as_many_as_the_policy_allows(
    shop: Shop, wang: UUID, owned: int, at_most: int, used: int
) -> None:
    await shop.grant(wang, owned)
    payments = [{"method": "points", "points_at_most": at_most}]
    done = effects(await shop.put("A1", order(wang, *LINES, payments=payments)))
    assert done.get("points_redeemed", {"points": 0})["points"] == used
    assert await shop.points(wang) == (owned - used, (20_000 - used) // 100, 0)


@pytest.mark.parametrize(
    ("owned", "paid", "used"),
    [
        (0, (500, 9_500), None),
        (0, (500, 10_000), 0),
        (300, (500, 9_500), None),
        (300, (500, 9_700), 300),
        (500, (500, 9_500), 500),
        (900, (600, 9_400), None),  # five per cent are 500
        (900, (600, 9_500), 500),
        (199, (500, 9_801), None),  # below the least that may be spent
    ],
)
async def test_money_and_the_points_that_were_used_make_up_the_total(
    shop: Shop, wang: UUID, owned: int, paid: tuple[int, int], used: int | None
) -> None:
    at_most, card = paid
    if owned:
        await shop.grant(wang, owned)
    payments = [{"method": "points", "points_at_most": at_most}, {"method": "card", "amount": money(card)}]
    body = order(wang, line("tea", 10_000), payments=payments)
    assert (await shop.put("A2", body | {"state": "placed"})).status_code == 201  # how many there will be is not known
    before = await shop.contents()
    for order_id, query in (("A1", ""), ("A1", "?dry_run=true"), ("A1", "?explain=true"), ("A2", "")):
        if used is None:
            assert problem(await shop.put(order_id, body, query)) == (422, "payments_do_not_sum", "/payments")
            assert await shop.contents() == before
        elif query == "?dry_run=true":
            done = effects(await shop.put(order_id, body, query))
            assert done.get("points_redeemed", {"points": 0})["points"] == used
    if used is not None:
        assert (await shop.put("A1", body)).status_code == 201
        assert await shop.points(wang) == (owned - used, (10_000 - used) // 100, 0)
    assert await shop.faults() == []


@pytest.mark.parametrize(
    ("owned", "asked", "allowed"), [(0, 1, 0), (199, 199, 0), (5_000, 1_001, 1_000), (900, 901, 900)]
)
async def test_points_that_may_not_pay_are_refused_and_nothing_changes(
    shop: Shop, wang: UUID, owned: int, asked: int, allowed: int
) -> None:
    if owned:
        await shop.grant(wang, owned)
    before = await shop.contents()
    refused = await shop.put("A1", order(wang, *LINES, payments=[{"method": "points", "points": asked}]))
    assert problem(refused) == (409, "points_not_usable", "/payments")
    assert refused.json()["data"] == {
        "asked": asked,
        "allowed": allowed,
        "spendable": owned,
        "minimum": 200,
        "debt": 0,
        "over": asked - allowed,
        "total_minor": 20_000,
        "max_percent": 5,
        "point_value_minor": 1,
        "policy_version": 1,
    }
    assert await shop.contents() == before


async def test_what_was_earned_repays_a_debt_first(shop: Shop, wang: UUID) -> None:
    await shop.put("A1", order(wang, line("tv", 50_000)))
    shop.at(NOW + 8 * DAY)
    await shop.put("A2", order(wang, line("desk", 1_000_000), payments=[{"method": "points", "points": 500}]))
    # 9 995 points of A2 are pending; the 500 of A1 are spent, so taking A1 back leaves 500 owed.
    owed = await shop.back("A1", return_id="R1")
    assert effects(owed)["debt"] == {"points": 500}
    assert await shop.points(wang) == (0, 9_995, 500)

    repaid = await shop.put("A3", order(wang, line("tea", 60_000)))

    assert effects(repaid)["debt_repaid"] == {"points": 500}
    assert effects(repaid)["points_pending"]["points"] == 3 * 600 - 500
    assert await shop.points(wang) == (0, 9_995 + 1_300, 0)
    shop.at(NOW + 9 * DAY)
    small = await shop.back(
        "A2", return_id="R1"
    )  # A2's own lot is whole: everything of it goes, A1's points do not return
    assert effects(small) == {
        "points_given_back": {"points": 500},
        "points_clawed_back": {"points": 9_995},
        "growth_reversed": {"growth": 9_995},
        "tier_lost": {"from_tier": "diamond", "to_tier": "regular"},
    }


# --- time -------------------------------------------------------------------------------------------------------


async def test_a_late_order_earns_now_and_its_points_age_from_its_own_time(shop: Shop, wang: UUID) -> None:
    await shop.put("A1", order(wang, line("tv", 300_000)))  # 3 000 growth: gold
    happened = NOW - 20 * DAY
    late = await shop.put("A0", order(wang, line("tea", 10_000), occurred_at=iso(happened)))
    assert effects(late) == {
        "points_earned": {"points": 200, "available_at": iso(happened + 7 * DAY), "expires_at": "2027-02-28T16:00:00Z"},
        "growth_earned": {"growth": 100},
    }
    assert (late.json()["occurred_at"], late.json()["recorded_at"]) == (iso(happened), iso(NOW))
    assert await shop.points(wang) == (200, 3_000, 0)
    assert await shop.rows("SELECT effective_at FROM ledger_transfers WHERE reference = 'order:A0:growth'") == [
        (happened,)
    ]


async def test_orders_of_a_member_are_listed_page_by_page_latest_first(shop: Shop, wang: UUID) -> None:
    other = await shop.member("li")
    for number in range(5):
        at = iso(NOW - (number // 2) * DAY)
        await shop.put(f"A{number}", order(wang, *LINES, occurred_at=at))
    await shop.put("B1", order(other, *LINES))
    found: list[str] = []
    cursor: str | None = None
    pages = 0
    while True:
        query = f"?limit=2{f'&cursor={cursor}' if cursor else ''}"
        page: dict[str, Any] = await shop.read(f"/v1/members/mbr_{wang.hex}/orders{query}")
        found += [each["order_id"] for each in page["orders"]]
        cursor, pages = page["next_cursor"], pages + 1
        if not page["has_more"]:
            break
    assert (found, pages, cursor) == (["A1", "A0", "A3", "A2", "A4"], 3, None)
    path = f"/v1/members/mbr_{wang.hex}/orders"
    for broken in ("x", "W10=", "%00", "WyIyMDI2IiwgIkExIl0="):
        assert problem(await shop.client.get(f"{path}?cursor={broken}")) == (422, "cursor_unreadable", "/query/cursor")
    assert problem(await shop.client.get(f"/v1/members/mbr_{'0' * 32}/orders"))[:2] == (404, "not_found")
    assert problem(await shop.client.get("/v1/members/wang/orders"))[:2] == (404, "not_found")
