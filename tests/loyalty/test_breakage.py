"""Breakage: by hand, as properties, refused where nothing has run its life, and frozen with each closed month."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.loyalty import api
from regulars.loyalty.finance import breakage, months
from regulars.loyalty.finance.breakage import Developed
from regulars.platform.errors import DomainError
from tests.loyalty.programme import DAY, HARD, Programme, accrue, redeem, us_day
from tests.loyalty.test_finance import POINTS, read, stand_at
from tests.loyalty.test_month_close import close

pytestmark = pytest.mark.anyio


def month(number: int) -> date:
    """Return the month of that number from January 2017 (0)."""
    return date(2017 + number // 12, number % 12 + 1, 1)


def life(number: int, issued: int, *fates: tuple[int, int]) -> list[Developed]:
    """Return a cohort of a month: what was used and what expired at age 0, 1, ..."""
    rows = [Developed(month(number), month(number), "earn", issued, 0)]
    for age, (used, expired) in enumerate(fates):
        rows.append(Developed(month(number + age), month(number), "redeem", 0, used))
        rows.append(Developed(month(number + age), month(number), "expire", 0, expired))
    return rows


def test_what_merges_move_develops_nothing() -> None:
    """Neither share nor interval sees that units of the same months went from one member to another."""
    rows = [row for number in range(8) for row in life(number, 1_000, (0, 0), (400, 0), (0, 0), (0, 600))]
    moves = [
        Developed(month(number + age), month(number), kind, opened, 300 - opened)
        for number in range(8)
        for age in (1, 2)
        for kind, opened in (("move_out", 0), ("move_in", 300))
    ]
    told = breakage.cohorts_of(rows)
    assert breakage.cohorts_of([*rows, *moves]) == told
    assert breakage.estimate(breakage.cohorts_of([*rows, *moves])) == breakage.estimate(told)


def test_by_hand() -> None:
    """Each cohort: a tenth is used at once, half of the rest at age 1, and the rest expires at age 2."""
    rows = [
        *life(0, 100, (10, 0), (45, 0), (0, 45)),
        *life(1, 200, (20, 0), (90, 0), (0, 90)),
        *life(2, 300, (30, 0), (135, 0), (0, 135)),
        *life(3, 400, (40, 0), (180, 0)),
        *life(4, 500, (50, 0)),
    ]
    cohorts = breakage.cohorts_of(rows)
    assert [(one.age, one.left, one.is_complete) for one in cohorts] == [
        (4, 0, True),
        (3, 0, True),
        (2, 0, True),
        (1, 180, False),
        (0, 450, False),
    ]
    found = breakage.estimate(cohorts)
    assert found is not None
    # of 180 all expire, of 450 half: 405 of 630; each cohort is like the others, so nothing varies
    assert (found.of_outstanding, found.low, found.high) == (Decimal("0.642857"),) * 3
    assert found.of_issued == Decimal("0.450000")


def test_cohorts_that_differ_widen_the_interval() -> None:
    rows = [
        *life(0, 100, (0, 0), (90, 10)),
        *life(1, 100, (0, 0), (50, 50)),
        *life(2, 100, (0, 0), (10, 90)),
        *life(3, 100, (0, 0)),
    ]
    found = breakage.estimate(breakage.cohorts_of(rows))
    assert found is not None
    assert found.of_outstanding == Decimal("0.500000")
    assert found.low < Decimal("0.3") < Decimal("0.7") < found.high


def test_what_comes_back_counts_as_less_used_and_what_is_taken_back_is_no_breakage() -> None:
    rows = [row for number in range(3) for row in life(number, 100, (40, 0), (0, 50))]
    for number in range(3):
        rows += [
            Developed(month(number), month(number), "give_back", 0, -20),
            Developed(month(number), month(number), "claw_back", 0, 30),
        ]
    rows += [*life(4, 100)]
    found = breakage.estimate(breakage.cohorts_of(rows))
    assert found is not None
    assert found.of_issued == Decimal("0.625000")  # 60 used and 90 taken back of 400; the rest has always expired


def test_too_few_cohorts_that_have_run_their_life() -> None:
    rows = [*life(0, 100, (0, 100)), *life(1, 100, (50, 50)), *life(2, 100, (50, 44))]
    assert breakage.estimate(breakage.cohorts_of(rows)) is None
    assert breakage.estimate([]) is None
    assert breakage.estimate(breakage.cohorts_of([*rows, *life(3, 100, (95, 0))])) is not None


@given(
    st.lists(
        st.tuples(st.integers(1, 10**6), st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=5)),
        min_size=1,
        max_size=9,
    )
)
def test_shares_are_shares_and_nothing_is_lost(drawn: list[tuple[int, list[tuple[float, float]]]]) -> None:
    rows = []
    for number, (issued, fates) in enumerate(drawn):
        left, steps = issued, []
        for used, expired in fates:
            one = int(left * used)
            other = int((left - one) * expired)
            left -= one + other
            steps.append((one, other))
        rows += life(number, issued, *steps)
    cohorts = breakage.cohorts_of(rows)
    for cohort in cohorts:
        sums = cohort.sums()
        assert cohort.left == sums.exposed - sums.used - sums.expired - sums.other >= 0
    shares = breakage.still_to_expire(breakage.by_age(cohorts))
    assert all(0 <= share <= 1 for share in shares)
    assert all(
        0 <= will <= one.left
        for one, will in zip(cohorts, breakage.expected(cohorts, breakage.by_age(cohorts)), strict=True)
    )
    found = breakage.estimate(cohorts)
    if found is None:
        assert breakage.complete(cohorts) < breakage.COMPLETE_NEEDED
    else:
        assert 0 <= found.low <= found.of_outstanding <= found.high <= 1
        assert 0 <= found.of_issued <= 1


async def some_months(programme: Programme, count: int) -> None:
    """Each month 100 points that live two months more (the hard programme), 30 of them spent; the rest expires."""
    await programme.activate(HARD, us_day("2016-06-01"))
    member = await programme.member()
    for number in range(count):
        first = months.begins(month(number), "America/New_York")
        await programme.expire(first)
        await programme.one(accrue(member, f"gift:{number}", first + DAY, 100))
        await programme.one(redeem(member, f"mug:{number}", first + 2 * DAY, 30))
    await stand_at(programme, months.begins(month(count), "America/New_York") + DAY)


async def ask(programme: Programme, market: str = "US", wallet: str = "points", language: str = "en") -> api.Breakage:
    async with programme.database.transaction() as tx:
        return await api.read_breakage(tx, programme.configuration, wallet=wallet, market=market, language=language)


async def test_estimated_from_closed_months_and_frozen_with_each(programme: Programme) -> None:
    await some_months(programme, 7)
    for number in range(5):
        await close(programme, month(number))
        assert await frozen_share(programme, number) is None
        with pytest.raises(DomainError) as refused:
            await ask(programme)
        assert refused.value.code == "breakage_unknown"
        assert (refused.value.data["needed"], refused.value.data["closed"]) == (3, number + 1)
    for number in range(5, 7):
        await close(programme, month(number))
    found = await ask(programme)
    chinese = await ask(programme, language="zh")

    assert found.until == "2017-07"
    assert (
        found.outstanding
        == sum(one.left for one in found.cohorts)
        == (await read(programme, POINTS))[-1].closing.outstanding
    )
    assert Decimal(found.low) <= Decimal(found.of_outstanding) <= Decimal(found.high)
    assert Decimal(found.of_outstanding) > Decimal("0.4")
    assert found.worth is not None
    assert found.worth.fair_per_point_minor == str(1 - Decimal(found.of_outstanding))
    assert "jackknife" in found.method
    assert "刀切法" in chinese.method
    july = (await read(programme, POINTS))[6]
    assert july.closing_worth is not None
    assert (july.closing_worth.breakage, july.closing_worth.fair_minor) == (
        found.of_outstanding,
        found.worth.fair_minor,
    )
    august = (await read(programme, POINTS))[7]
    assert august.opening_worth == july.closing_worth


async def frozen_share(programme: Programme, number: int) -> Decimal | None:
    rows = await programme.rows(
        "SELECT breakage FROM finance_balances WHERE month = %s AND wallet_id = 1", (month(number),)
    )
    share: Decimal | None = rows[0][0]
    return share


async def test_no_estimate_no_fair_value(programme: Programme) -> None:
    await some_months(programme, 2)
    await close(programme, month(0))
    january = (await read(programme, POINTS))[0]
    assert january.closing_worth is not None
    assert (january.closing_worth.fair_minor, january.closing_worth.why_not) == (None, "breakage_unknown")
    for wallet, market, code in (
        ("growth", "US", "wallet_not_spendable"),
        ("gold", "US", "unknown_wallet"),
        ("points", "XX", "unknown_market"),
    ):
        with pytest.raises(DomainError) as refused:
            await ask(programme, market=market, wallet=wallet)
        assert refused.value.code == code


def test_months_count_across_years() -> None:
    rows = [Developed(month(13), month(0), "redeem", 0, 1), Developed(month(0), month(0), "earn", 2, 0)]
    (cohort,) = breakage.cohorts_of(rows)
    assert (cohort.age, cohort.left) == (13, 1)
