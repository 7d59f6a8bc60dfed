"""What the API promises, asked over raw HTTP, through the client, and through the client on an event loop."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from regulars_client.models.api_version import API_VERSION
from tests.client.driving import Async, Driver, Raw, Sync
from tests.client.serving import Product

NUMBERS = count(1)
PAID = {"state": "paid", "channel": "store", "store_id": "nanjing-road", "market": "CN"}


@pytest.fixture(params=[Raw, Sync, Async], ids=["raw", "sync", "async"], scope="module")
def till(request: pytest.FixtureRequest, product: Product) -> Iterator[Driver]:
    driver: Driver = request.param(product.url, product.api_key)
    yield driver
    driver.close()


def phone() -> dict[str, str]:
    return {"kind": "phone", "value": f"1380013{next(NUMBERS):04d}"}


def member(till: Driver) -> str:
    told = till.ask("signUpMember", market="CN", channel="store", identities=[phone()])
    assert told.status == 201, told
    return str(told.body["member_id"])


def order(buyer: str, yuan: int) -> dict[str, Any]:
    total = {"amount_minor": yuan * 100, "currency": "CNY"}
    return {**PAID, "member_id": buyer, "total": total, "lines": [{"sku": "tea", "amount": total}]}


def spendable(till: Driver, who: str) -> int:
    told = till.ask("getWallets", who)
    (points,) = [wallet for wallet in told.body["wallets"] if wallet["wallet"] == "points"]
    return int(points["available"])


def test_a_request_that_is_repeated_is_answered_again_and_done_once(till: Driver) -> None:
    buyer, order_id = member(till), f"till-{next(NUMBERS)}"

    first = till.ask("putOrder", order_id, key=f"{order_id}-a", **order(buyer, 50))
    again = till.ask("putOrder", order_id, key=f"{order_id}-a", **order(buyer, 50))
    other_key = till.ask("putOrder", order_id, key=f"{order_id}-b", **order(buyer, 50))

    assert (first.status, first.replayed) == (201, False)
    assert (again.status, again.replayed) == (201, True)
    assert (other_key.status, other_key.replayed) == (200, False)
    assert first.body == again.body
    effects = [(one["type"], one.get("points")) for one in first.body["effects"] if one["type"] == "points_pending"]
    assert effects == [("points_pending", 50)]
    assert len(till.ask("listOrdersOfMember", buyer).body["orders"]) == 1


def test_a_key_that_was_used_for_another_request_is_refused(till: Driver) -> None:
    who, key = member(till), f"gift-{next(NUMBERS)}"

    given = till.ask("accrue", who, key=key, amount=30, reason="Gift")
    refused = till.ask("accrue", who, key=key, amount=31, reason="Gift")

    assert given.status == 201
    assert (refused.status, refused.body["code"]) == (422, "idempotency_key_reused")
    assert spendable(till, who) == 30


def test_a_refusal_names_the_field_in_the_language_asked_for(till: Driver) -> None:
    who = member(till)
    english = till.ask("redeem", who, amount=0, reason="Nothing")
    chinese = till.ask("redeem", who, language="zh", amount=5, reason="Too much")

    assert (english.status, english.body["code"]) == (422, "out_of_range")
    assert [one["pointer"] for one in english.body["errors"]] == ["/amount"]
    assert english.body["data"]["field"] == "amount"
    assert (chinese.status, chinese.body["code"]) == (409, "insufficient_points")
    assert not chinese.body["detail"].isascii()
    assert chinese.body["instance"] == chinese.headers["x-request-id"]
    assert spendable(till, who) == 0


def test_who_may_not_is_told_so_and_nothing_else(till: Driver, product: Product) -> None:
    unknown = till.ask("getMember", "mbr_" + 32 * "0")
    nobody = till.ask("getMember", "mbr_" + 32 * "0", api_key="rgl_nonsense")
    reader = till.ask("putStore", "s-9", market="CN", name="A shop", api_key=product.reader)

    assert (unknown.status, unknown.body["code"]) == (404, "not_found")
    assert nobody.status == 401
    assert reader.status == 403
    assert till.ask("getStore", "s-9").status == 404


def test_personal_data_is_masked_unless_a_purpose_is_named(till: Driver) -> None:
    number = phone()
    told = till.ask("signUpMember", market="CN", channel="store", identities=[number])
    who = told.body["member_id"]

    masked = till.ask("getMember", who)
    clear = till.ask("getMember", who, purpose="care ticket 7")

    assert masked.body["masked"] is True
    assert number["value"] not in str(masked.body)
    assert clear.body["identities"][0]["value"] == f"+86{number['value']}"


def test_null_clears_a_field_and_what_is_left_out_stays(till: Driver) -> None:
    who = member(till)
    till.ask("changeProfile", who, given_name="Fang", family_name="Wang")
    changed = till.ask("changeProfile", who, given_name=None)

    profile = till.ask("getMember", who, purpose="care ticket 8").body["profile"]
    assert changed.status == 200
    assert (profile["given_name"], profile["family_name"]) == (None, "Wang")


def test_every_answer_names_the_version_that_is_spoken(till: Driver) -> None:
    assert till.ask("listMarkets").headers["regulars-version"] == API_VERSION


def test_a_dry_run_changes_nothing(till: Driver) -> None:
    buyer, order_id = member(till), f"till-{next(NUMBERS)}"
    tried = till.ask("putOrder", order_id, dry_run=True, explain=True, **order(buyer, 80))

    assert tried.body["explanation"]
    assert till.ask("getOrder", order_id).status == 404


def test_pages_go_on_where_the_last_one_ended(till: Driver) -> None:
    who = member(till)
    for number in range(5):
        assert till.ask("accrue", who, amount=10 + number, reason="Gift").status == 201
    lines, cursor = [], None
    while True:
        page = till.ask("getStatement", who, limit=2, **({"cursor": cursor} if cursor else {})).body
        lines += page["lines"]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break

    assert [line["amount"] for line in lines] == [14, 13, 12, 11, 10]
    if isinstance(till, Sync):
        assert [line.amount for line in till.client.ledger.iterate_statement(who, limit=2)] == [14, 13, 12, 11, 10]
    if isinstance(till, Async):
        walking = till.client.ledger.iterate_statement(who, limit=2)

        async def walked() -> list[int]:
            return [line.amount async for line in walking]

        assert till.run(walked()) == [14, 13, 12, 11, 10]


def test_a_batch_answers_row_by_row(till: Driver) -> None:
    who = member(till)
    rows = [
        {"member_id": who, "amount": 7, "reference": f"row-{next(NUMBERS)}"},
        {"member_id": "mbr_" + 32 * "0", "amount": 7, "reference": f"row-{next(NUMBERS)}"},
    ]
    told = till.ask("accrueBatch", accruals=rows)

    good, bad = told.body["rows"]
    assert good["posting"]["balance"] == 7
    assert (bad["problem"]["status"], bad["problem"]["code"]) == (404, "unknown_member")
    assert spendable(till, who) == 7


def test_a_journal_comes_as_text(till: Driver) -> None:
    told = till.ask("getJournal", "2026-01", form="csv", market="CN")

    assert told.status == 200, told.body
    assert told.headers["content-type"].startswith("text/csv")
    assert isinstance(told.body, str)
