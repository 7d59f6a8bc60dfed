"""How the oracle reads the table, against cases worked by hand."""

import pytest

from .oracle_data import (
    DAY_SECONDS,
    END,
    PROGRAMMES,
    Order,
    ProgrammeName,
    Return,
    expiry_of,
    h,
    line_cents,
    orders_by_household,
)
from .small_tables import TableRow, at, basket_rows, table, utc

EASY, HARD = PROGRAMMES["easy"], PROGRAMMES["hard"]


@pytest.mark.parametrize(
    ("value", "cents"),
    [
        (2.675, 268),  # the float lies below the tie, the decimal on it
        (1.005, 101),
        (0.285, 29),
        (2.665, 267),
        (1.115, 112),
        (0.005, 1),
        (0.0049, 0),
        (0.29, 29),
        (1.10, 110),
        (1.776357e-15, 0),
        (0.0, 0),
        (-0.0, 0),
        (-0.005, 0),
        (-3.0, 0),
        (840.0, 84_000),
    ],
)
def test_a_value_is_rounded_half_up_as_the_decimal_it_was_meant_to_be(value: float, cents: int) -> None:
    assert line_cents(value) == cents


def test_the_hash_is_the_first_byte_of_sha_256() -> None:
    assert h("omni:900") == 0x45
    assert h("return:1") == 0xBF


@pytest.mark.parametrize(
    ("order", "following_months", "expires"),
    [
        ("2017-01-01 04:59:59", 12, "2018-01-01 05:00:00"),  # still December in New York
        ("2017-01-01 05:00:00", 12, "2018-02-01 05:00:00"),
        ("2017-03-12 07:00:00", 12, "2018-04-01 04:00:00"),  # winter time in, summer time out
        ("2017-12-31 23:00:00", 12, "2019-01-01 05:00:00"),
        ("2017-01-31 23:59:59", 2, "2017-04-01 04:00:00"),
        ("2017-02-01 04:59:59", 2, "2017-04-01 04:00:00"),
        ("2017-02-01 05:00:00", 2, "2017-05-01 04:00:00"),
        ("2017-09-01 03:59:59", 2, "2017-11-01 04:00:00"),  # summer time still, on 1 November
        ("2017-09-01 04:00:00", 2, "2017-12-01 05:00:00"),
        ("2017-10-01 04:00:00", 2, "2018-01-01 05:00:00"),
    ],
)
def test_a_lot_expires_at_a_local_midnight(order: str, following_months: int, expires: str) -> None:
    assert expiry_of(utc(order), following_months) == utc(expires)


def test_the_end_and_the_reviews_are_local_midnights() -> None:
    assert utc("2018-01-01 05:00:00") == END
    assert EASY.reviews == ()
    assert len(HARD.reviews) == 11
    assert HARD.reviews[0] == utc("2017-02-01 05:00:00")
    assert HARD.reviews[3] == utc("2017-05-01 04:00:00")
    assert HARD.reviews[-1] == utc("2017-12-01 05:00:00")


def test_a_basket_becomes_an_order() -> None:
    noon = at("2017-06-01 12:00")
    lines = table(
        [
            (1, 1, 50, 1, 2.00, noon + 60),
            (1, 1, 40, 0, 2.675, noon),
            (1, 1, 60, 1, -5.00, noon + 90),
            (4, 6, 50, 1, 1.00, noon),
            (1, 3, 50, 1, 1.00, noon),
        ]
    )
    # omni: 50 for household 1, 229 for 4; online: 28, 13, 58 and redeem: 0, 55, 86 for baskets 1, 6, 3
    assert orders_by_household(lines, EASY) == {
        1: [
            Order(1, noon, 468, online=True, wants_to_pay_with_points=True),
            Order(3, noon, 100, online=True),
        ],
        4: [Order(6, noon, 100)],
    }


def test_the_thresholds_of_the_hashes_are_exclusive() -> None:
    assert (h("omni:180"), h("omni:486")) == (101, 102)
    assert (h("online:164"), h("online:416")) == (76, 77)
    assert (h("redeem:948"), h("redeem:212")) == (25, 26)
    rows = [(180, 164, 1, 1, 1.0, 0), (486, 6, 1, 1, 1.0, 0), (180, 416, 1, 1, 1.0, 0)]
    rows += [(180, 948, 1, 1, 1.0, 0), (180, 212, 1, 1, 1.0, 0)]
    orders = {order.basket: order for theirs in orders_by_household(table(rows), EASY).values() for order in theirs}
    assert [orders[basket].online for basket in (164, 6, 416)] == [True, False, False]
    assert [orders[basket].wants_to_pay_with_points for basket in (948, 212)] == [True, False]
    assert h("online:6") < 77  # 486 is not omnichannel, so its basket is a store's all the same


def returns_of(programme: ProgrammeName, rows: list[TableRow]) -> tuple[Return, ...]:
    """Return what comes back of the only basket among the rows."""
    ((order,),) = orders_by_household(table(rows), PROGRAMMES[programme]).values()
    return order.returns


def test_the_smallest_product_comes_back_with_all_its_lines() -> None:
    noon = at("2017-06-01 12:00")
    rows = basket_rows(4, noon, (9, 1.0), (7, 2.0), (7, 0.5), (7, 0.0))  # return:4 is 2, return2:4 is 210
    assert returns_of("easy", rows) == (Return(noon + 5 * DAY_SECONDS, 250),)
    assert returns_of("hard", rows) == (Return(noon + 30 * DAY_SECONDS, 250),)


def test_a_worthless_smallest_product_is_a_return_of_nothing() -> None:
    rows = basket_rows(4, 0, (9, 1.0), (8, 1.0), (7, 0.0))
    assert returns_of("easy", rows) == (Return(5 * DAY_SECONDS, 0),)


def test_a_basket_with_one_line_of_value_keeps_everything() -> None:
    assert returns_of("easy", basket_rows(4, 0, (9, 1.0), (7, 0.004), (6, 0.0))) == ()


def test_the_second_return_is_the_next_product_of_three() -> None:
    # return:42 is 20, return2:42 is 24; return:23 is 17, return2:23 is 221
    three = ((9, 1.0), (7, 2.0), (8, 4.0))
    first, second = Return(30 * DAY_SECONDS, 200), Return(40 * DAY_SECONDS, 400)
    assert returns_of("hard", basket_rows(42, 0, *three)) == (first, second)
    assert returns_of("hard", basket_rows(42, 0, (9, 1.0), (7, 2.0), (8, 0.0)))[1].value_cents == 0
    assert returns_of("hard", basket_rows(42, 0, (9, 1.0), (7, 2.0), (9, 3.0))) == (first,)
    assert returns_of("hard", basket_rows(23, 0, *three)) == (first,)
    assert returns_of("easy", basket_rows(42, 0, *three)) == ()


def test_a_return_due_at_the_end_does_not_happen() -> None:
    two = ((9, 1.0), (7, 2.0))
    three = (*two, (8, 4.0))
    assert returns_of("easy", basket_rows(4, END - 5 * DAY_SECONDS, *two)) == ()
    assert returns_of("easy", basket_rows(4, END - 5 * DAY_SECONDS - 1, *two)) == (Return(END - 1, 200),)
    assert len(returns_of("hard", basket_rows(42, END - 40 * DAY_SECONDS, *three))) == 1
    assert len(returns_of("hard", basket_rows(42, END - 40 * DAY_SECONDS - 1, *three))) == 2
