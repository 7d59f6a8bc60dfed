"""What `regulars verify` says of orders: nothing when they are right, which order when they are not."""

from uuid import UUID

import pytest

from regulars.commerce import api as commerce
from regulars.commerce.verification import service
from tests.commerce.shop import Shop, back, put

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sold(shop: Shop, wang: UUID) -> Shop:
    """Return a shop with orders of every kind."""
    await shop.grant(wang, 900)
    await shop.apply(
        put(wang, "A1", [3_333, 10_000], points_at_most=500),
        back("A1", "R1", ("1", 300)),
        put(wang, "A2", [500], state="open"),
        put(wang, "A3", [500]),
        put(wang, "A3", [500], state="cancelled"),
        put(wang, "A4", [500], state="cancelled"),
        put(None, "G1", [500]),
        put(None, "G2", [500]),
        back("G2", "R1"),
        put(wang, "G2", [500], state="fulfilled"),
    )
    return shop


async def test_what_is_right_passes_and_is_counted(sold: Shop) -> None:
    assert await sold.faults() == []
    async with sold.database.transaction() as tx:
        assert [(await check.run(tx)).rows_checked for check in commerce.checks()] == [
            5,
            6,
            3,
            0,
        ]  # nothing is rolled up yet


@pytest.mark.parametrize(
    ("corruption", "fault"),
    [
        ("UPDATE orders SET total_minor = 13334 WHERE order_id = 'A1'", "Order A1: total 13334, its lines 13333"),
        ("UPDATE orders SET returned_minor = 1 WHERE order_id = 'A1'", "Order A1: total 13333"),
        ("UPDATE order_returns SET returned_minor = 1 WHERE order_id = 'A1'", "Order A1: total 13333"),
        ("DELETE FROM order_lines WHERE order_id = 'A2'", "Order A2: total 500, its lines 0"),
        ("UPDATE order_lines SET returned_milli = 301 WHERE returned_milli = 300", "Order A1, line 1: the returned"),
        ("UPDATE orders SET state = 'open' WHERE order_id = 'A1'", "Order A1: the state open contradicts"),
        ("UPDATE orders SET state = 'cancelled' WHERE order_id = 'A1'", "Order A1: the state cancelled contradicts"),
        ("DELETE FROM order_keys WHERE order_id = 'A2'", "Order A2: its id is not kept"),
        ("DELETE FROM orders WHERE order_id = 'A2'", "Order A2: its id is kept"),
        ("UPDATE order_keys SET member_id = NULL WHERE order_id = 'A2'", "Order A2: its id is not kept"),
        ("DELETE FROM guest_orders WHERE order_id = 'G1'", "Order G1: its id and the guest order"),
        ("UPDATE guest_orders SET claimed_by = NULL WHERE order_id = 'G2'", "Order G2: its id and the guest order"),
        ("DELETE FROM settlements WHERE order_id = 'A1'", "Order A1: paid, but not settled"),
        ("UPDATE orders SET paid_at = NULL WHERE order_id = 'A1'", "Order A1: settled, but not paid"),
        ("UPDATE settlements SET returned_minor = 0 WHERE order_id = 'A1'", "Order A1: the ledger differs"),
    ],
)
async def test_what_is_wrong_is_found(sold: Shop, corruption: str, fault: str) -> None:
    async with sold.database.transaction() as tx:
        tx.write(corruption)
    assert any(found.startswith(fault) for found in await sold.faults()), await sold.faults()


@pytest.mark.parametrize("at_once", [1, 2, 3])
async def test_the_ledger_is_compared_member_by_member_to_the_last(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(service, "MEMBERS_AT_ONCE", at_once)
    members = sorted([await shop.member(f"m{number}") for number in range(5)])
    await shop.apply(*[put(member, f"A{number}", [500]) for number, member in enumerate(members)])
    async with shop.database.transaction() as tx:
        assert (await service.paid_orders_are_settled(tx)).rows_checked == 5
        for number in (0, 2, 4):
            tx.write("DELETE FROM orders WHERE order_id = %s", (f"A{number}",))
        tx.write("DELETE FROM settlements WHERE order_id = 'A3'")
        found = await service.paid_orders_are_settled(tx)
    assert sorted([str(problem) for problem in found.problems]) == [
        "Order A0: settled, but not paid.",
        "Order A2: settled, but not paid.",
        "Order A3: paid, but not settled.",
        "Order A4: settled, but not paid.",
    ]


async def test_sales_are_summed_until_an_instant(sold: Shop) -> None:
    async with sold.database.transaction() as tx:
        now = await commerce.sales_totals(tx, tx.now)
        later = await commerce.sales_totals(tx, tx.now.replace(year=2027))
    assert (now.orders, now.lines, now.revenue_minor, now.returns, now.orders_by_channel) == (0, 0, 0, 0, {})
    assert later == commerce.SalesTotals(
        orders=3,
        orders_by_channel={"store": 3},
        lines=4,
        revenue_minor=13_333 + 500 + 500,
        returns=3,
        returned_minor=499 + 500 + 500,
    )
