"""What the oracle does with orders and returns, against cases worked by hand and against the figures on file."""

import json
from pathlib import Path

import pytest

from .oracle import ORDER, RETURN, REVIEW, Member, Step, is_in_the_tenth, recompute, replay, tier_of
from .oracle_data import DAY_SECONDS, END, PROGRAMMES, Lines, Order, ProgrammeName, Return, load_lines
from .small_tables import at, basket_rows, table

EASY, HARD = PROGRAMMES["easy"], PROGRAMMES["hard"]
EXPECTED = Path(__file__).with_name("expected.json")


def left(member: Member) -> list[int]:
    """Return what is left in each lot, in the order in which the lots came into being."""
    return [lot.left for lot in member.lots]


def orders_only(steps: list[Step]) -> list[Step]:
    """Return the steps that are orders."""
    return [step for step in steps if step.kind == ORDER]


# Paying and earning.


@pytest.mark.parametrize(("days_later", "seconds", "paid", "base"), [(7, -1, 0, 99), (7, 0, 400, 95)])
def test_points_pay_from_the_instant_they_mature(days_later: int, seconds: int, paid: int, base: int) -> None:
    first = at("2017-02-01 12:00")
    later = first + days_later * DAY_SECONDS + seconds
    orders = [Order(1, first, 40_099), Order(2, later, 9_999, wants_to_pay_with_points=True)]
    member, steps = replay(orders, EASY)
    # 5 % of 99.99 are 499 points, but 400 is all there is: (9999 - 400) / 100 = 95
    assert (steps[1].redeemed, steps[1].earned, steps[1].growth) == (paid, base, base)
    assert left(member) == [400 - paid, base]


@pytest.mark.parametrize(("earned", "total", "paid"), [(199, 9_999, 0), (200, 9_999, 200), (500, 9_999, 499)])
def test_two_hundred_spendable_points_are_needed_and_five_percent_is_the_limit(
    earned: int, total: int, paid: int
) -> None:
    first = at("2017-02-01 12:00")
    later = Order(2, first + 8 * DAY_SECONDS, total, wants_to_pay_with_points=True)
    _, steps = replay([Order(1, first, earned * 100), later], EASY)
    assert steps[1].redeemed == paid


def test_an_order_worth_nothing_pays_and_earns_nothing() -> None:
    first = at("2017-02-01 12:00")
    later = Order(2, first + 8 * DAY_SECONDS, 0, wants_to_pay_with_points=True)
    member, steps = replay([Order(1, first, 50_000), later], EASY)
    assert (steps[1].redeemed, steps[1].earned) == (0, 0)
    assert left(member) == [500, 0]


def test_an_order_earns_at_the_tier_held_when_it_begins() -> None:
    first = at("2017-02-01 12:00")
    totals = [99_999, 100, 150_000, 10_050, 239_999, 1_000]
    _, steps = replay([Order(i, first + i, total) for i, total in enumerate(totals)], EASY)
    # growth 999, 1000, 2500, 2600, 4999, 5009
    assert [step.tier for step in steps] == [0, 1, 2, 2, 2, 3]
    assert [step.earned for step in steps] == [999, 1, 1_500, 200, 4_798, 20]


def test_tiers_begin_at_their_floors() -> None:
    assert [tier_of(growth) for growth in (0, 999, 1_000, 2_499, 2_500, 4_999, 5_000)] == [0, 0, 1, 1, 2, 2, 3]


@pytest.mark.parametrize(("seconds", "tier"), [(-1, 1), (0, 0)])
def test_growth_leaves_the_window_exactly_after_its_length(seconds: int, tier: int) -> None:
    first = at("2017-05-01 12:00")
    later = Order(2, first + 90 * DAY_SECONDS + seconds, 40_000)
    _, steps = replay([Order(1, first, 60_000), later], HARD)
    assert orders_only(steps)[1].tier == tier


def test_orders_only_raise_the_tier() -> None:
    orders = [Order(1, at("2016-01-10 12:00"), 100_000), Order(2, at("2017-03-01 12:00"), 10_000)]
    member, steps = replay(orders, EASY)
    assert [step.tier for step in steps] == [1, 1]
    assert member.at_the_end().growth == 100


def test_lots_are_consumed_soonest_expiry_first_then_oldest() -> None:
    orders = [
        Order(8, at("2017-02-10 12:00"), 20_000),
        Order(7, at("2017-02-10 12:00"), 20_000),
        Order(9, at("2017-01-31 12:00"), 20_000),
        Order(10, at("2017-02-20 12:00"), 10_000, wants_to_pay_with_points=True),
        Order(11, at("2017-02-20 12:01"), 1_000, wants_to_pay_with_points=True),
    ]
    member, _ = replay(orders, HARD)
    # lots come into being as 9, 7, 8; 500 points take all of 9 and 7 and half of 8, then 100 are too few
    assert left(member) == [0, 0, 100, 95, 10]


# Returning.


def test_a_return_settles_the_order_from_what_remains() -> None:
    first = at("2017-02-01 12:00")
    second = first + 8 * DAY_SECONDS
    back = Return(second + 5 * DAY_SECONDS, 3_333)
    orders = [Order(1, first, 100_000), Order(2, second, 10_050, wants_to_pay_with_points=True, returns=(back,))]
    member, steps = replay(orders, EASY)
    # p = 502, b = (10050 - 502) // 100 = 95; p' = 502 * 6717 // 10050 = 335, b' = (6717 - 335) // 100 = 63
    assert (steps[1].redeemed, steps[1].earned) == (502, 95)
    assert (steps[2].kind, steps[2].given_back, steps[2].reversed, steps[2].growth_reversed) == (RETURN, 167, 32, 32)
    assert steps[2].returned_cents == 3_333
    assert left(member) == [1_000 - 335, 63]
    assert member.at_the_end().growth == 1_063


def test_a_return_claws_back_at_the_multiplier_of_its_order() -> None:
    first = at("2017-02-01 12:00")
    back = Return(first + DAY_SECONDS + 5 * DAY_SECONDS, 2_000)
    orders = [Order(1, first, 250_000), Order(2, first + DAY_SECONDS, 10_000, returns=(back,))]
    member, steps = replay([*orders, Order(3, first + 2 * DAY_SECONDS, 240_000)], EASY)
    assert (steps[3].reversed, steps[3].growth_reversed, steps[3].tier) == (40, 20, 2)  # 5000 drops to 4980
    assert left(member) == [2_500, 160, 4_800]


def test_points_go_back_to_the_latest_lot_first_and_to_a_new_one_for_an_expired_one() -> None:
    bought = at("2017-03-20 12:00")
    first, second = bought + 30 * DAY_SECONDS, bought + 40 * DAY_SECONDS
    returns = (Return(first, 5_020), Return(second, 2_510))
    orders = [
        Order(1, at("2017-01-10 12:00"), 30_000),  # 300 points until 1 April
        Order(2, at("2017-02-10 12:00"), 30_000),  # 300 points until 1 May
        Order(3, bought, 10_040, wants_to_pay_with_points=True, returns=returns),
    ]
    member, steps = replay(orders, HARD)
    # p = 502 = 300 + 202, b = 95; after the first return p' = 251, b' = 47; after the second p' = 125, b' = 23
    assert orders_only(steps)[2].redeemed == 502
    given = [(step.given_back, step.reversed) for step in steps if step.kind == RETURN]
    assert given == [(251, 48), (126, 24)]
    assert left(member) == [0, 300, 23, 49, 126]
    assert [(lot.available_at, lot.expires_at) for lot in member.lots[3:]] == [
        (first, first + 30 * DAY_SECONDS),
        (second, second + 30 * DAY_SECONDS),
    ]
    assert member.expired() == 300 + 23 + 49 + 126


@pytest.mark.parametrize(("due", "lots"), [("2017-03-31 23:59:59", [125, 45]), ("2017-04-01 00:00", [0, 45, 125])])
def test_a_lot_has_expired_at_the_very_instant_of_its_expiry(due: str, lots: list[int]) -> None:
    orders = [
        Order(1, at("2017-01-10 12:00"), 25_000),
        Order(2, at("2017-03-02 12:00"), 10_000, wants_to_pay_with_points=True, returns=(Return(at(due), 5_000),)),
    ]
    member, _ = replay(orders, HARD)
    # p = 250, b = 97; p' = 125, b' = 48: 49 points leave the order's own lot
    assert left(member) == [lots[0], 48, *lots[2:]]


def indebted() -> list[Order]:
    """Return orders that leave a debt of 193 on 9 February 12:00.

    Order 1 earns 300, order 2 pays with them and earns 57. Returning 250.00 of order 1
    takes 250 back: 0 from its own lot, 57 from order 2's, 193 remain owed.
    """
    first = at("2017-01-10 12:00")
    second = Order(2, at("2017-01-20 12:00"), 6_000, wants_to_pay_with_points=True)
    return [Order(1, first, 30_000, returns=(Return(first + 30 * DAY_SECONDS, 25_000),)), second]


def test_what_cannot_be_clawed_back_is_debt_and_is_repaid_by_what_is_earned() -> None:
    later = [
        Order(3, at("2017-02-10 12:00"), 10_000),
        Order(4, at("2017-02-11 12:00"), 15_000, wants_to_pay_with_points=True),
    ]
    member, steps = replay(indebted() + later, HARD)
    assert [(s.redeemed, s.earned, s.debt) for s in steps if s.kind != REVIEW] == [
        (0, 300, 0),
        (300, 57, 0),
        (0, 0, 193),
        (0, 100, 93),
        (0, 150, 0),
    ]
    assert left(member) == [0, 0, 0, 57]


def test_who_is_in_debt_does_not_pay_with_points_that_mature_meanwhile() -> None:
    pending = Order(3, at("2017-02-08 12:00"), 50_000)  # 500 points, available on 10 February 12:00
    wanting = Order(4, at("2017-02-10 12:00"), 10_000, wants_to_pay_with_points=True)
    member, steps = replay([*indebted(), pending, wanting], HARD)
    assert [step.redeemed for step in orders_only(steps)] == [0, 300, 0, 0]
    assert member.debt == 93
    assert left(member) == [0, 0, 500, 0]


def test_points_given_back_do_not_repay_debt() -> None:
    one, two = indebted()
    back = Return(at("2017-02-19 12:00"), 3_000)
    member, steps = replay([one, Order(2, two.time, 6_000, wants_to_pay_with_points=True, returns=(back,))], HARD)
    # p' = 150: 150 points go back to order 1's lot; b' = 28: 29 points are taken, none from order 2's empty lot
    last = [step for step in steps if step.kind == RETURN][-1]
    assert (last.given_back, last.reversed, last.debt) == (150, 29, 193)
    assert left(member) == [121, 0]


def test_a_claw_back_takes_the_own_lot_while_pending_but_not_once_expired() -> None:
    bought = at("2017-02-01 12:00")
    member, _ = replay([Order(1, bought, 10_000, returns=(Return(bought + 5 * DAY_SECONDS, 4_000),))], EASY)
    assert (left(member), member.debt) == ([60], 0)
    expired = Return(at("2017-05-01 00:00"), 4_000)
    member, _ = replay([Order(1, bought, 10_000, returns=(expired,))], HARD)
    assert (left(member), member.debt) == ([100], 40)


def test_a_claw_back_leaves_pending_lots_of_others_alone() -> None:
    bought = at("2017-02-01 12:00")
    expired = Return(at("2017-05-01 00:00"), 4_000)
    others = [Order(2, expired.due - DAY_SECONDS, 10_000), Order(3, expired.due - 2 * DAY_SECONDS, 1_000)]
    member, _ = replay([Order(1, bought, 10_000, returns=(expired,)), *others], HARD)
    assert left(member) == [100, 0, 100]
    assert member.debt == 30


# Tiers by return and by review.


@pytest.mark.parametrize(("value", "growth", "tier"), [(10_000, 2_500, 2), (10_001, 2_499, 1)])
def test_a_return_lowers_the_tier_when_it_takes_growth_below_the_floor(value: int, growth: int, tier: int) -> None:
    bought = at("2017-02-01 12:00")
    member, _ = replay([Order(1, bought, 260_000, returns=(Return(bought + 5 * DAY_SECONDS, value),))], EASY)
    assert (member.tier, member.at_the_end().growth) == (tier, growth)


def test_a_return_that_crosses_no_floor_leaves_a_tier_that_has_outlived_its_growth() -> None:
    bought = at("2017-03-01 12:00")
    back = Return(bought + 5 * DAY_SECONDS, 10_000)
    member, _ = replay([Order(1, at("2016-01-10 12:00"), 100_000), Order(2, bought, 20_000, returns=(back,))], EASY)
    assert member.tier == 1


def test_a_review_sets_the_tier_to_what_the_window_gives() -> None:
    _, steps = replay([Order(1, at("2017-01-31 12:00"), 100_000)], HARD)
    # the window of 90 days holds 31 January until 1 May 13:00 summer time
    assert [step.tier for step in steps] == [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(("seconds", "tier"), [(0, 0), (1, 1)])
def test_growth_exactly_as_old_as_the_window_is_out_at_a_review(seconds: int, tier: int) -> None:
    order = Order(1, at("2017-05-01 00:00") - 90 * DAY_SECONDS + seconds, 100_000)
    _, steps = replay([order], HARD)
    reviews = {step.time: step.tier for step in steps if step.kind == REVIEW}
    assert reviews[at("2017-05-01 00:00")] == tier


def test_at_one_instant_review_comes_before_return_before_order() -> None:
    midnight = at("2017-05-01 00:00")
    returning = Order(9, at("2017-04-01 00:00"), 50_000, returns=(Return(midnight, 10_000),))
    orders = [
        Order(5, midnight, 10_000),
        Order(4, midnight, 10_000),
        returning,
        Order(1, at("2017-01-10 12:00"), 250_000),
    ]
    _, steps = replay(orders, HARD)
    now = [step for step in steps if step.time == midnight]
    assert [(step.kind, step.basket) for step in now] == [(REVIEW, 0), (RETURN, 9), (ORDER, 4), (ORDER, 5)]
    # Gold until the review finds 500 in the window; so order 4 and order 5 earn once, the return takes twice
    assert [step.tier for step in now] == [0, 0, 0, 0]
    assert [(step.earned, step.reversed) for step in now] == [(0, 0), (0, 200), (100, 0), (100, 0)]


# The end.


def test_a_lot_that_expires_at_the_end_has_expired() -> None:
    member, _ = replay([Order(1, at("2017-10-31 23:59"), 10_000), Order(2, at("2017-11-01 00:00"), 20_000)], HARD)
    assert (member.expired(), member.at_the_end().available) == (100, 200)


def test_a_lot_that_matures_at_the_end_is_available() -> None:
    matures = END - 7 * DAY_SECONDS
    member, _ = replay([Order(1, matures, 10_000), Order(2, matures + 1, 20_000)], EASY)
    assert (member.at_the_end().available, member.at_the_end().pending) == (100, 200)


def test_a_small_table_is_summed_up() -> None:
    noon = at("2017-06-01 12:00")
    rows = [
        *basket_rows(4, noon, (7, 40.0), (9, 70.0), (10, 0.0)),
        *basket_rows(1, noon + 20 * DAY_SECONDS, (7, 10.5)),
        (4, 5, 1, 0, -1.0, noon),
    ]
    result = recompute("easy", lines=table(rows))
    assert result.summary == {
        "orders": 3,
        "lines": 5,
        "members": 2,
        "online_orders": 2,
        "revenue_cents": 12_050,
        "points_earned": 120,
        "points_redeemed": 0,
        "points_given_back": 0,
        "points_reversed": 40,
        "points_expired": 0,
        "growth": 120,
        "growth_reversed": 40,
        "returns": 1,
        "returned_cents": 4_000,
        "available": 80,
        "pending": 0,
        "debt": 0,
        "repaired_value": 2,
        "repaired_quantity": 1,
        "tiers": [2, 0, 0, 0],
        # printf '1,0,80,0,80,0\n4,0,0,0,0,0\n' | sha256sum
        "digest": "61b1d00dba3a8ba722d6b4c3c370536104506a1fb1d3fd7a491faecac8e53b99",
    }


# The year.


@pytest.fixture(scope="module")
def tenth() -> Lines:
    """Return the year's lines of every tenth household."""
    return load_lines().of_households(is_in_the_tenth)


@pytest.mark.parametrize("programme", ["easy", "hard"])
def test_a_tenth_of_the_year_gives_the_figures_on_file(tenth: Lines, programme: ProgrammeName) -> None:
    assert recompute(programme, lines=tenth).summary == json.loads(EXPECTED.read_text())[programme]["tenth"]
