"""Bad input: each refusal names the field and the remedy, in English and in Chinese, and nothing changes."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from regulars.commerce.contracts import Payment
from regulars.platform.ids import public_id
from tests.commerce.shop import MINUTE, NOW, Json, Shop, line, money, order, problem, put
from tests.commerce.test_journey import iso

pytestmark = pytest.mark.anyio

Body = dict[str, Any]
Change = Callable[[Body], Any]
GOOD = [line("tea", 12_000, 2), line("cup", 8_000, "0.535")]
NOBODY = public_id("mbr", UUID(int=7 << 76 | 2 << 62))


def with_line(**changes: Json) -> Change:
    return lambda body: body["lines"][1].update(changes)


def with_fields(**changes: Json) -> Change:
    return lambda body: body.update(changes)


BAD_ORDERS: dict[str, tuple[Change, tuple[int, str, str], str, str]] = {
    "unknown store": (
        with_fields(store_id="999"),
        (422, "unknown_store", "/store_id"),
        "There is no store “999”. Use the id of a defined store, or leave it out for an order without one.",
        "没有门店“999”。请使用已定义门店的编号；订单没有门店时请省略。",
    ),
    "store of another market": (
        with_fields(store_id="9"),
        (422, "store_in_another_market", "/store_id"),
        "The store “9” does not belong to the market CN. Use the store's own market.",
        "门店“9”不属于市场 CN。请使用该门店所属的市场。",
    ),
    "unknown member": (
        with_fields(member_id=NOBODY),
        (404, "unknown_member", "/member_id"),
        f"There is no member {NOBODY}. Look the member up by phone, e-mail or card first.",
        "",
    ),
    "unknown market": (
        with_fields(market="XX"),
        (422, "unknown_market", "/market"),
        "The programme has no market XX. Use the code of one of its markets.",
        "",
    ),
    "negative amount": (
        with_line(amount=money(-1)),
        (422, "out_of_range", "/lines/1/amount/amount_minor"),
        "The number in lines[1].amount.amount_minor must be >= 0. Correct it and send the request again.",
        "",
    ),
    "negative total": (
        with_fields(total=money(-1)),
        (422, "out_of_range", "/total/amount_minor"),
        "The number in total.amount_minor must be >= 0. Correct it and send the request again.",
        "",
    ),
    "currency not the market's": (
        lambda body: [
            each.update(currency="USD") for each in (body["total"], *[one["amount"] for one in body["lines"]])
        ],
        (422, "currency_not_the_markets", "/total/currency"),
        "The market CN sells in CNY, not in USD. Send the amount in CNY.",
        "市场 CN 以 CNY 结算，不是 USD。请以 CNY 发送金额。",
    ),
    "two currencies": (
        with_line(amount=money(8_000, "USD")),
        (422, "currencies_differ", "/lines/1/amount/currency"),
        "This amount is in USD, the order's total in CNY. Send every amount in the same currency.",
        "这笔金额是 USD，而订单总额是 CNY。请以同一货币发送所有金额。",
    ),
    "lines that do not sum": (
        with_fields(total=money(19_999)),
        (422, "lines_do_not_sum", "/total"),
        "The lines sum to 20,000, the total says 19,999 (minor units). Correct the one that is wrong.",
        "各行合计为 20,000，总额却是 19,999（最小货币单位）。请更正有误的一方。",
    ),
    "payments that do not sum": (
        with_fields(payments=[{"method": "card", "amount": money(19_999)}]),
        (422, "payments_do_not_sum", "/payments"),
        "The payments sum to 19,999, the total is 20,000 (minor units). Correct the one that is wrong.",
        "各项支付合计为 19,999，总额是 20,000（最小货币单位）。请更正有误的一方。",
    ),
    "payments with points that cannot sum": (
        with_fields(
            payments=[{"method": "points", "points_at_most": 500}, {"method": "card", "amount": money(19_000)}]
        ),
        (422, "payments_do_not_sum", "/payments"),
        "The payments sum to 19,000, the total is 20,000 (minor units). Correct the one that is wrong.",
        "",
    ),
    "points with an amount": (
        with_fields(payments=[{"method": "points", "points": 5, "amount": money(5)}]),
        (422, "payment_unclear", "/payments/0"),
        (
            "The method “points” takes either points or points_at_most, once in an order, and no amount; every other "
            "method takes an amount. Correct the payment."
        ),
        (
            "支付方式“points”只取 points 或 points_at_most 之一，一张订单一次，不带金额；其他支付方式须带金额。"
            "请更正该项支付。"
        ),
    ),
    "points twice": (
        with_fields(payments=[{"method": "points", "points": 5}, {"method": "points", "points_at_most": 5}]),
        (422, "payment_unclear", "/payments/1"),
        "",
        "",
    ),
    "money without an amount": (
        with_fields(payments=[{"method": "card"}]),
        (422, "payment_unclear", "/payments/0"),
        "",
        "",
    ),
    "quantity 0": (
        with_line(quantity=0),
        (422, "quantity_not_positive", "/lines/1/quantity"),
        "The quantity is 0; it must be above 0, with at most three decimals.",
        "数量是 0；它必须大于 0，最多三位小数。",
    ),
    "negative quantity": (with_line(quantity=-1), (422, "quantity_not_positive", "/lines/1/quantity"), "", ""),
    "quantity with 4 decimals": (
        with_line(quantity="1.2345"),
        (422, "quantity_not_positive", "/lines/1/quantity"),
        "The quantity is 1.2345; it must be above 0, with at most three decimals.",
        "数量是 1.2345；它必须大于 0，最多三位小数。",
    ),
    "quantity that is no number": (
        with_line(quantity="NaN"),
        (422, "quantity_not_positive", "/lines/1/quantity"),
        "",
        "",
    ),
    "quantity beyond all measure": (
        with_line(quantity="1E+999999999"),
        (422, "quantity_not_positive", "/lines/1/quantity"),
        "",
        "",
    ),
    "same line twice": (
        with_line(line_id="1"),
        (422, "duplicate_line", "/lines/1/line_id"),
        "The line id “1” appears twice. Give each line an id of its own.",
        "行号“1”出现了两次。请给每一行单独的行号。",
    ),
    "1900": (
        with_fields(occurred_at="1900-01-01T00:00:00Z"),
        (422, "too_long_ago", "/occurred_at"),
        (
            "The time 1900-01-01T00:00:00+00:00 lies more than 730 days before now (2026-03-02T12:00:00+00:00). "
            "Such orders cannot be settled any more."
        ),
        "时间 1900-01-01T00:00:00+00:00 比现在（2026-03-02T12:00:00+00:00）早 730 天以上。这样的订单已不能结算。",
    ),
    "the year 1, east of Greenwich": (
        with_fields(occurred_at="0001-01-01T00:00:00+14:00"),
        (422, "too_long_ago", "/occurred_at"),
        "",
        "",
    ),
    "2100": (
        with_fields(occurred_at="2100-01-01T00:00:00Z"),
        (422, "too_far_ahead", "/occurred_at"),
        (
            "The time 2100-01-01T00:00:00+00:00 lies ahead of now (2026-03-02T12:00:00+00:00) by more than 5 minutes. "
            "Check the clock of the sender."
        ),
        "时间 2100-01-01T00:00:00+00:00 比现在（2026-03-02T12:00:00+00:00）超前 5 分钟以上。请检查发送方的时钟。",
    ),
    "the year 9999, west of Greenwich": (
        with_fields(occurred_at="9999-12-31T23:59:59-12:00"),
        (422, "too_far_ahead", "/occurred_at"),
        "",
        "",
    ),
    "six minutes ahead": (
        with_fields(occurred_at=iso(NOW + 6 * MINUTE)),
        (422, "too_far_ahead", "/occurred_at"),
        "",
        "",
    ),
    "a time without a zone": (
        with_fields(occurred_at="2026-03-02T12:00:00"),
        (422, "wrong_form", "/occurred_at"),
        "",
        "",
    ),
    "too many lines": (
        with_fields(lines=[line("tea", 0) for _ in range(1001)], total=money(0)),
        (422, "wrong_length", "/lines"),
        "The length of lines must be <= 1000. Correct it and send the request again.",
        "",
    ),
    "no lines": (with_fields(lines=[], total=money(0)), (422, "wrong_length", "/lines"), "", ""),
    "an unknown state": (with_fields(state="shipped"), (422, "not_a_choice", "/state"), "", ""),
    "an unknown field": (with_fields(memberid="1"), (422, "field_unknown", "/memberid"), "", ""),
    "a member id of another kind": (with_fields(member_id="wang"), (422, "wrong_pattern", "/member_id"), "", ""),
}


@pytest.mark.parametrize("state", ["open", "paid"])
@pytest.mark.parametrize("name", BAD_ORDERS)
async def test_a_bad_order_is_refused_and_nothing_changes(shop: Shop, wang: UUID, name: str, state: str) -> None:
    change, expected, english, chinese = BAD_ORDERS[name]
    body = order(wang, *[dict(each, amount=dict(each["amount"])) for each in GOOD], state=state)
    change(body)
    before = await shop.contents()

    refused = await shop.put("A1", body)

    assert problem(refused) == expected
    assert not english or refused.json()["detail"] == english
    in_chinese = (await shop.put("A1", body, language="zh-CN")).json()["detail"]
    assert in_chinese == chinese if chinese else in_chinese != refused.json()["detail"]
    assert await shop.contents() == before


async def test_an_order_five_minutes_ahead_is_taken(shop: Shop, wang: UUID) -> None:
    assert (await shop.put("A1", order(wang, *GOOD, occurred_at=iso(NOW + 5 * MINUTE)))).status_code == 201


BAD_RETURNS: dict[str, tuple[Body, tuple[int, str, str | None], str, str]] = {
    "more than was bought": (
        {"lines": [{"line_id": "1", "quantity": 3}]},
        (422, "return_too_much", "/lines/0/quantity"),
        "Of line “1” only 2 can still be returned, 3 are asked. Return at most 2.",
        "行“1”只能再退 2，却要求退 3。请最多退 2。",
    ),
    "more than is left": (
        {"lines": [{"line_id": "1"}, {"line_id": "2", "quantity": "0.535"}]},
        (422, "return_too_much", "/lines/1/quantity"),
        "Of line “2” only 0.035 can still be returned, 0.535 are asked. Return at most 0.035.",
        "",
    ),
    "an unknown line": (
        {"lines": [{"line_id": "1"}, {"line_id": "3"}]},
        (422, "unknown_line", "/lines/1/line_id"),
        "The order has no line “3”. Use a line id of the order.",
        "订单没有行“3”。请使用订单中的行号。",
    ),
    "the same line twice": (
        {"lines": [{"line_id": "1", "quantity": 1}, {"line_id": "1", "quantity": 1}]},
        (422, "duplicate_line", "/lines/1/line_id"),
        "",
        "",
    ),
    "quantity 0": (
        {"lines": [{"line_id": "1", "quantity": 0}]},
        (422, "quantity_not_positive", "/lines/0/quantity"),
        "",
        "",
    ),
    "4 decimals": (
        {"lines": [{"line_id": "2", "quantity": 0.0001}]},
        (422, "quantity_not_positive", "/lines/0/quantity"),
        "The quantity is 0.0001; it must be above 0, with at most three decimals.",
        "",
    ),
    "an unknown store": ({"store_id": "999"}, (422, "unknown_store", "/store_id"), "", ""),
    "a store of another market": ({"store_id": "9"}, (422, "store_in_another_market", "/store_id"), "", ""),
    "2100": ({"occurred_at": "2100-01-01T00:00:00Z"}, (422, "too_far_ahead", "/occurred_at"), "", ""),
    "1900": ({"occurred_at": "1900-01-01T00:00:00Z"}, (422, "too_long_ago", "/occurred_at"), "", ""),
    "before its order": (
        {"occurred_at": "2026-03-02T11:59:59Z"},
        (422, "return_before_order", "/occurred_at"),
        (
            "The return is dated 2026-03-02T11:59:59+00:00, before its order (2026-03-02T12:00:00+00:00). "
            "Correct the time, or leave it out if it is now."
        ),
        (
            "退货时间 2026-03-02T11:59:59+00:00 早于其订单的时间（2026-03-02T12:00:00+00:00）。"
            "请更正时间；若就是现在，请省略。"
        ),
    ),
    "no lines at all": ({"lines": []}, (422, "wrong_length", "/lines"), "", ""),
    "an impossible id": ({"return_id": "~cancellation"}, (422, "wrong_pattern", "/return_id"), "", ""),
}


@pytest.mark.parametrize("name", BAD_RETURNS)
async def test_a_bad_return_is_refused_and_nothing_changes(shop: Shop, wang: UUID, name: str) -> None:
    body, expected, english, chinese = BAD_RETURNS[name]
    await shop.put("A1", order(wang, *GOOD))
    await shop.back("A1", return_id="R1", lines=[{"line_id": "2", "quantity": 0.5}])
    before = await shop.contents()

    refused = await shop.send("POST", "/v1/orders/A1/returns", body)

    assert problem(refused) == expected
    assert not english or refused.json()["detail"] == english
    in_chinese = (await shop.send("POST", "/v1/orders/A1/returns", body, language="zh")).json()["detail"]
    assert in_chinese == chinese if chinese else in_chinese != refused.json()["detail"]
    assert await shop.contents() == before


async def test_a_state_moved_backwards_and_a_changed_paid_order(shop: Shop, wang: UUID) -> None:
    await shop.put("A1", order(wang, *GOOD, state="fulfilled"))
    before = await shop.contents()
    backwards = await shop.put("A1", order(wang, *GOOD, state="placed"))
    assert problem(backwards) == (409, "state_moved_backwards", "/state")
    assert backwards.json()["detail"] == (
        "The order is already fulfilled; it cannot become placed. Send a return, or cancel the order."
    )
    changed = await shop.put("A1", order(wang, *GOOD[:1], state="fulfilled"))
    assert problem(changed) == (409, "order_frozen", "/lines")
    assert problem(await shop.put("A1", order(wang, *GOOD, state="fulfilled", store_id="406")))[1] == "order_frozen"
    assert await shop.contents() == before


@pytest.mark.parametrize("state", ["open", "paid"])
async def test_the_id_of_anothers_order_tells_nothing(shop: Shop, wang: UUID, state: str) -> None:
    other = await shop.member("li")
    await shop.put("A1", order(other, *GOOD, state=state))
    before = await shop.contents()
    for body in (order(wang, *GOOD), order(wang, *GOOD, state="cancelled"), order(None, *GOOD)):
        taken = await shop.put("A1", body)
        assert problem(taken) == (409, "order_id_taken", "/order_id")
        assert other.hex not in taken.text
        assert taken.json()["data"] == {"order_id": "A1"}
    claimed = await shop.send("POST", "/v1/orders/A1/claim", {"member_id": public_id("mbr", wang)})
    assert problem(claimed) == (409, "not_a_guest_order", None)
    assert other.hex not in claimed.text
    assert await shop.contents() == before


async def test_a_key_reused_with_another_body(shop: Shop, wang: UUID) -> None:
    await shop.put("A1", order(wang, *GOOD), key="k1")
    before = await shop.contents()
    reused = await shop.put("A1", order(wang, *GOOD, state="fulfilled"), key="k1")
    assert problem(reused) == (422, "idempotency_key_reused", "/headers/idempotency-key")
    elsewhere = await shop.back("A1", key="k1")
    assert problem(elsewhere)[1] == "idempotency_key_reused"
    assert await shop.contents() == before


async def test_bodies_that_cannot_be_read(shop: Shop, wang: UUID) -> None:
    before = await shop.contents()

    async def sent(content: bytes, query: str = "") -> tuple[int, str, str | None]:
        return problem(await shop.client.put(f"/v1/orders/A1{query}", content=content))

    for query in ("", "?explain=true"):  # by the hot route, and by its twin
        assert (await sent(b" " * 2_000_000, query))[:2] == (413, "body_too_large")
        assert (await sent(b'{"state": "\xff"}', query))[:2] == (400, "invalid_utf8")
        assert (await sent(b'{"state": ', query))[:2] == (400, "malformed_json")
        assert (await sent(b"", query))[1] == "body_missing"
    for field in ("store_id", "channel"):
        assert problem(await shop.put("A1", order(wang, *GOOD) | {field: "a\x00b"}))[1] == "nul_in_text"
    assert problem(await shop.put("A1", order(wang, line("te\x00a", 1))))[1] == "nul_in_text"
    assert problem(await shop.back("A1", return_id="\x00"))[1] == "nul_in_text"
    no_key = await shop.client.post("/v1/orders/A1/returns", json={})
    assert problem(no_key)[:2] == (400, "idempotency_key_missing")
    assert await shop.contents() == before


@pytest.mark.parametrize("order_id", ["a:b", "%00", "-a", "a%20b", "a" * 65, "订单"])
async def test_order_ids_that_cannot_be(shop: Shop, wang: UUID, order_id: str) -> None:
    before = await shop.contents()
    assert problem(await shop.put(order_id, order(wang, *GOOD))) == (422, "order_id_impossible", "/path/order_id")
    assert problem(await shop.put(order_id, order(wang, *GOOD), "?dry_run=true"))[1] == "order_id_impossible"
    assert problem(await shop.back(order_id))[:2] == (404, "not_found")
    assert problem(await shop.client.get(f"/v1/orders/{order_id}"))[:2] == (404, "not_found")
    assert await shop.contents() == before


async def test_unknown_orders(shop: Shop) -> None:
    assert problem(await shop.back("A1"))[:2] == (404, "unknown_order")
    assert problem(await shop.client.get("/v1/orders/A1"))[:2] == (404, "unknown_order")
    assert problem(await shop.client.get("/v1/orders/A1/lineage"))[:2] == (404, "unknown_order")


async def test_scopes(shop: Shop, wang: UUID) -> None:
    async with await shop.caller("orders:read") as reader, await shop.caller("orders:write") as writer:
        body = order(wang, *GOOD)
        assert (await reader.put("/v1/orders/A1", json=body)).status_code == 403
        assert (await writer.put("/v1/orders/A1", json=body)).status_code == 201
        assert (await writer.get("/v1/orders/A1")).status_code == 403
        assert (await reader.get("/v1/orders/A1")).status_code == 200
        assert (await writer.put("/v1/stores/1", json={"market": "CN", "name": "x"})).status_code == 403
    nobody = await shop.client.get("/v1/orders/A1", headers={"Authorization": "Bearer rgl_x"})
    assert nobody.status_code == 401


async def test_a_time_of_the_past_within_two_years_is_taken(shop: Shop, wang: UUID) -> None:
    old = datetime(2024, 3, 3, tzinfo=UTC)
    answer = await shop.put("A1", order(wang, *GOOD, occurred_at=iso(old)))
    assert answer.status_code == 201
    # What it earned expired a year ago: it is nobody's to spend.
    assert await shop.points(wang) == (0, 0, 0)


async def test_past_http_negative_amounts_are_refused_too(shop: Shop, wang: UUID) -> None:
    before = await shop.contents()
    found = await shop.apply(
        put(wang, "A1", [-1, 2]), put(wang, "A1", [2], points=-1), put(wang, "A1", [2], payments=(Payment("card", -1),))
    )
    assert [(each.code, each.pointer) for each in found] == [
        ("amount_negative", "/lines/0/amount/amount_minor"),
        ("amount_negative", "/payments"),
        ("amount_negative", "/payments"),
    ]
    assert await shop.contents() == before
