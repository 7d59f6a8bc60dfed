"""Many orders in one request: each as if it had come alone, whatever the others are."""

from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.platform.ids import public_id
from tests.commerce.shop import Json, Shop, line, order

pytestmark = pytest.mark.anyio
numbers = count(1)


class Wish(NamedTuple):
    """One random row, before it is known whose it is."""

    member: int
    order: int
    amount: int
    state: str
    market: str
    with_points: bool


wishes = st.lists(
    st.builds(
        Wish,
        member=st.integers(0, 1),
        order=st.integers(0, 3),
        amount=st.sampled_from([0, 100, 19_900]),
        state=st.sampled_from(["open", "placed", "paid", "paid", "fulfilled", "cancelled"]),
        market=st.sampled_from(["CN", "CN", "CN", "XX"]),
        with_points=st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


def _rows(wished: list[Wish], members: list[Any], prefix: str) -> list[dict[str, Any]]:
    rows = []
    for wish in wished:
        body = order(members[wish.member], line("tea", wish.amount), state=wish.state, market=wish.market)
        if wish.with_points:
            body["payments"] = [{"method": "points", "points_at_most": 500}]
        rows.append(body | {"order_id": f"{prefix}-{wish.order}"})
    return rows


def _told(document: Json, members: list[Any], prefix: str) -> str:
    """Return what was answered, without whose and which it is."""
    problem = document.get("code") and (document["code"], document["data"])
    text = str(problem or {name: value for name, value in document.items() if name != "recorded_at"})
    for number, member in enumerate(members):
        text = text.replace(public_id("mbr", member), f"member {number}")
    return text.replace(prefix, "order")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wished=wishes)
async def test_a_batch_of_orders_does_what_its_rows_do_alone(shop: Shop, wished: list[Wish]) -> None:
    number = next(numbers)
    alone, together = [
        [await shop.member(f"{way}{each}-{number}") for each in range(2)] for way in ("alone", "together")
    ]
    for member in (*alone, *together):
        await shop.grant(member, 700)
    singles = []
    for row in _rows(wished, alone, f"a{number}"):
        answer = await shop.put(row.pop("order_id"), row)
        singles.append((answer.status_code, _told(answer.json(), alone, f"a{number}")))
    batch = await shop.send("PUT", "/v1/orders", {"orders": _rows(wished, together, f"t{number}")})
    assert batch.status_code == 200, batch.text
    found = [(row["status"], row.get("order") or row["problem"]) for row in batch.json()["rows"]]
    assert [(status, _told(document, together, f"t{number}")) for status, document in found] == singles
    assert [await shop.points(one) for one in alone] == [await shop.points(one) for one in together]
    assert [await shop.tier(one) for one in alone] == [await shop.tier(one) for one in together]
    assert batch.json()["refused"] == len([status for status, _ in singles if status >= 400])


async def test_a_row_that_is_refused_harms_no_other_and_is_kept(shop: Shop) -> None:
    wang, li = [await shop.member(name) for name in ("wang", "li")]
    rows = [
        order(wang, line("tea", 10_000)) | {"order_id": "one"},
        order(li, line("tea", 10_000)) | {"order_id": "one"},
        order(li, line("tea", 10_000)) | {"order_id": "not an id"},
        order(li, line("tea", 10_000), market="XX") | {"order_id": "two"},
        order(li, line("tea", 10_000)) | {"order_id": "three"},
        order(wang, line("tea", 10_000)) | {"order_id": "one"},
    ]
    answer = await shop.send("PUT", "/v1/orders", {"orders": rows}, key="night")
    again = await shop.send("PUT", "/v1/orders", {"orders": rows}, key="night")
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (answer.json(), "true")
    document = answer.json()
    assert (document["taken"], document["refused"]) == (3, 3)
    assert [row["status"] for row in document["rows"]] == [201, 409, 422, 422, 201, 200]
    assert [row["problem"]["errors"][0]["pointer"] for row in document["rows"] if "problem" in row] == [
        "/orders/1/order_id",
        "/orders/2/order_id",
        "/orders/3/market",
    ]
    kept = await shop.rows("SELECT code, action, subject FROM refusals ORDER BY refusal_no")
    assert kept == [("order_id_taken", "put_order_in_batch", "one"), ("unknown_market", "put_order_in_batch", "two")]
    audited = await shop.rows("SELECT subject, detail FROM audit_entries WHERE action = 'put_order_in_batch'")
    assert audited == [("one", "paid"), ("three", "paid"), ("one", "paid")]
    other = await shop.send("PUT", "/v1/orders", {"orders": rows[:1]}, key="night")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_what_cannot_be_read_changes_nothing(shop: Shop) -> None:
    wang = await shop.member()
    row = order(wang, line("tea", 10_000)) | {"order_id": "one"}
    before = await shop.contents()
    for rows, code, pointer in (
        ([row, row | {"state": "sold"}], "not_a_choice", "/orders/1/state"),
        ([row | {"colour": "red"}], "field_unknown", "/orders/0/colour"),
        ([], "wrong_length", "/orders"),
        ([row] * 1_001, "wrong_length", "/orders"),
    ):
        answer = await shop.send("PUT", "/v1/orders", {"orders": rows})
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["errors"][0]["pointer"]) == (422, code, pointer)
    assert await shop.contents() == before
