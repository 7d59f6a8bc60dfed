"""Liability by month and at an instant, against sums made by hand and by a second way through the raw transfers."""

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.loyalty import api
from regulars.loyalty.contracts import WalletBalance
from regulars.loyalty.finance import months, rules
from regulars.loyalty.finance.rules import Kind
from regulars.loyalty.policy.contracts import PaymentPolicy
from regulars.loyalty.verification.store import comparing as verification
from regulars.platform.db.programme_clock import set_programme_clock
from regulars.platform.errors import DomainError
from regulars.platform.rollups.service import bring_up_to_date
from tests.loyalty.programme import (
    DAY,
    EASY,
    Fact,
    Programme,
    accrue,
    adjust,
    back,
    hold,
    order,
    post_hold,
    redeem,
    us_day,
    void_hold,
)

pytestmark = pytest.mark.anyio
POINTS = api.Span(wallet="points")
NEW_YORK = ZoneInfo("America/New_York")


async def a_quarter(programme: Programme) -> UUID:
    """Three months of one member: points, a return that leaves debt, an expiry, a late fact."""
    member = await programme.member()
    facts: list[Fact] = [
        order(member, "A", us_day("2017-01-20"), 30_000),  # 300 points, 300 growth
        accrue(member, "gift", us_day("2017-01-25"), 500, expires_at=us_day("2017-03-01", hour=0)),
        redeem(member, "mug", us_day("2017-02-10"), 600),
        back(member, "A", us_day("2017-02-11"), 30_000),  # 300 go; 200 of them were there, 100 are debt
        accrue(member, "late", us_day("2017-03-02"), 150, effective_at=us_day("2017-01-05")),
        adjust(member, "care", us_day("2017-03-03"), -10),
    ]
    for fact in facts:
        await programme.one(fact)
    await programme.expire(us_day("2017-03-05"))
    return member


async def stand_at(programme: Programme, at: datetime) -> None:
    """Let the programme clock stand at an instant, and roll the books up."""
    async with programme.database.transaction() as tx:
        setting = await set_programme_clock(tx.connection, at, ticking=False)
    programme.database.clock.follow(setting)
    async with programme.database.transaction(set_based=True) as tx:
        await bring_up_to_date(tx, api.BOOKS)


def parts_of(wallet: WalletBalance) -> api.Parts:
    """Return what a member's wallet is made of, as finance calls it."""
    return api.Parts(spendable=wallet.available, held=wallet.held, pending=wallet.pending, run_out=wallet.expired)


def sum_of(parts: api.Parts) -> int:
    return parts.spendable + parts.held + parts.pending + parts.run_out


async def read(programme: Programme, asked: api.Span) -> list[api.LiabilityMonth]:
    async with programme.database.transaction() as tx:
        return (await api.liability(tx, programme.configuration, asked))[0]


def moves(month: api.LiabilityMonth) -> dict[str, tuple[int, int]]:
    return {one.movement: (one.units, one.debt_change) for one in month.movements if one.units or one.debt_change}


async def test_months_by_hand(programme: Programme) -> None:
    await a_quarter(programme)
    await stand_at(programme, us_day("2017-03-10"))
    january, february, march = await read(programme, POINTS)

    assert [one.month for one in (january, february, march)] == ["2017-01", "2017-02", "2017-03"]
    assert moves(january) == {"issued": (800, 0)}
    assert moves(february) == {"redeemed": (-600, 0), "reversed": (-300, 100)}
    assert moves(march) == {"issued": (150, -100), "adjusted": (-10, 0)}
    assert [(one.balance, one.debt, one.outstanding) for one in (january.closing, february.closing, march.closing)] == [
        (800, 0, 800),
        (-100, 100, 0),
        (40, 0, 40),
    ]
    assert january.closing_worth is not None
    assert (january.closing_worth.at_most_minor, january.currency) == (800, "USD")
    assert january.until == datetime(2017, 2, 1, 5, tzinfo=UTC)  # midnight in New York


async def test_a_month_begins_at_local_midnight(programme: Programme) -> None:
    member = await programme.member()
    last_evening = datetime(2017, 2, 1, 4, 59, 59, 999_999, tzinfo=UTC)
    await programme.one(accrue(member, "a", last_evening, 7))
    await programme.one(accrue(member, "b", last_evening + timedelta(microseconds=1), 11))
    await stand_at(programme, us_day("2017-02-10"))
    january, february = await read(programme, POINTS)
    assert (moves(january), moves(february)) == ({"issued": (7, 0)}, {"issued": (11, 0)})


async def test_another_value_of_a_point_is_shown_apart(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(accrue(member, "a", us_day("2017-01-20"), 100))
    dearer = api.Policy(tier=EASY.tier, payment=PaymentPolicy(point_value_minor=3))
    await programme.activate(dearer, us_day("2017-02-15"))
    await programme.one(accrue(member, "b", us_day("2017-02-20"), 10))
    await stand_at(programme, us_day("2017-03-01"))
    _, february, _ = await read(programme, POINTS)
    assert february.opening_worth is not None
    assert february.closing_worth is not None
    worth = [one.worth_minor or 0 for one in february.movements]
    assert (february.opening_worth.at_most_minor, february.revaluation_minor, sum(worth)) == (100, 200, 30)
    assert february.closing_worth.at_most_minor == 330


async def raw(programme: Programme) -> dict[tuple[str, str, str], list[int]]:
    """Sum the transfers by wallet, local month and kind, in Python alone."""
    found: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for wallet, kind, recorded_at, into, amount, debt_change in await programme.rows(
        "SELECT w.code, t.kind, t.recorded_at, t.credit_account %% 100 = 0, t.amount, t.debt_change"
        " FROM ledger_transfers AS t JOIN wallets AS w ON w.wallet_id = t.wallet_id"
    ):
        sums = found[wallet, f"{recorded_at.astimezone(NEW_YORK):%Y-%m}", rules.movement_of(kind)]
        sums[0] += 1
        sums[1] += amount if into else -amount
        sums[2] += debt_change
    return found


async def test_months_are_what_the_raw_transfers_give_and_close_with_the_wallets(programme: Programme) -> None:
    member = await a_quarter(programme)
    await stand_at(programme, us_day("2017-03-10"))
    found = await read(programme, api.Span())
    second = await raw(programme)
    for one in found:
        for move in one.movements:
            expected = second.get((one.wallet, one.month, move.movement), [0, 0, 0])
            assert [move.transfers, move.units, move.debt_change] == expected, (one.wallet, one.month, move)
        assert one.closing.balance == one.opening.balance + sum(move.units for move in one.movements)
        assert one.closing.debt == one.opening.debt + sum(move.debt_change for move in one.movements)
        at = min(one.until, us_day("2017-03-10")) - timedelta(microseconds=1)
        wallet = await programme.wallet(member, at, one.wallet)
        assert (one.closing.balance, one.closing.debt) == (wallet.balance, wallet.debt)


async def test_at_any_instant_it_is_what_members_wallets_were(programme: Programme) -> None:
    member = await a_quarter(programme)
    await stand_at(programme, us_day("2017-03-10"))
    for day in range(60):
        at = us_day("2017-01-10") + day * DAY
        async with programme.database.transaction() as tx:
            (found,) = await api.liability_at(tx, programme.configuration, at, wallet="points", parts=True)
        wallet = await programme.wallet(member, at)
        assert (found.held.balance, found.held.debt) == (wallet.balance, wallet.debt), at
        assert found.parts is not None
        assert found.parts == parts_of(wallet), at
        assert found.held.outstanding == sum_of(found.parts)


async def test_what_is_held_stands_apart_at_any_instant(programme: Programme) -> None:
    """Kept, used in part, let go, timed out, and held beyond the lot's own end."""
    member = await programme.member()
    facts: list[Fact] = [
        accrue(member, "gift", us_day("2017-01-10"), 500, expires_at=us_day("2017-02-01")),
        hold(member, "used", us_day("2017-01-12"), 100, us_day("2017-01-20")),
        hold(member, "long", us_day("2017-01-13"), 80, us_day("2017-02-10")),
        hold(member, "over", us_day("2017-01-14"), 30, us_day("2017-01-16")),
        post_hold(member, "used", us_day("2017-01-15"), 60),
        void_hold(member, "long", us_day("2017-02-05")),
    ]
    for fact in facts:
        await programme.one(fact)
    await programme.expire(us_day("2017-02-06"))
    await stand_at(programme, us_day("2017-02-12"))
    seen = set()
    for day in range(30):
        at = us_day("2017-01-11") + day * DAY
        async with programme.database.transaction() as tx:
            (found,) = await api.liability_at(tx, programme.configuration, at, wallet="points", parts=True)
        assert found.parts == parts_of(await programme.wallet(member, at)), at
        assert found.held.outstanding == sum_of(found.parts)
        seen.add((found.parts.spendable, found.parts.held, found.parts.run_out))
    assert {(400, 100, 0), (290, 210, 0), (330, 110, 0), (360, 80, 0), (0, 80, 360), (0, 0, 0)} <= seen


async def test_before_anything_is_rolled_up_an_instant_is_read_from_the_books(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(accrue(member, "a", us_day("2017-01-20"), 100))
    async with programme.database.transaction() as tx:
        (found,) = await api.liability_at(tx, programme.configuration, us_day("2017-01-21"), wallet="points")
    assert found.held.balance == 100


@pytest.mark.parametrize(
    ("first", "last"), [("2017-02", "2017-01"), ("2017-01", "2017-04"), ("1990-01", "2017-01"), ("2017-05", None)]
)
async def test_months_that_cannot_be_shown(programme: Programme, first: str, last: str | None) -> None:
    await stand_at(programme, us_day("2017-03-10"))
    asked = api.Span(first=months.month_named(first), last=months.month_named(last) if last else None)
    with pytest.raises(DomainError) as refused:
        await read(programme, asked)
    assert refused.value.code == "months_impossible"


# --- kinds and rules --------------------------------------------------------------------------------------------


def kinds_of_the_ledger() -> set[str]:
    """Return each kind that the ledger's own proof knows."""
    listed = verification.SIDES_WRONG.partition("VALUES")[2].partition(")\n)")[0]
    return set(re.findall(r"\('(\w+)'", listed))


def test_every_kind_of_the_ledger_is_a_movement() -> None:
    """Whoever adds a kind says how finance calls it."""
    assert {"accrue", "expire"} <= kinds_of_the_ledger()
    assert {kind for kind in kinds_of_the_ledger() if rules.movement_of(kind) == rules.OTHER} == set()


@given(
    # The names are drawn without the rest of their kinds: what is drawn twice is thrown away.
    st.dictionaries(
        st.sampled_from([*rules.MOVEMENT_OF, "never_heard_of", "another"]),
        st.tuples(st.integers(1, 9), st.integers(-(10**9), 10**9), st.integers(-(10**6), 10**6)),
    ).map(lambda drawn: [Kind(name, *figures) for name, figures in drawn.items()]),
    st.integers(0, 1000),
)
def test_no_kind_falls_through(kinds: list[Kind], value: int) -> None:
    opening = rules.held(1_000, 10)
    closing, moved = rules.after(opening, kinds), rules.moved(kinds, value)
    assert closing.balance == opening.balance + sum(one.units for one in moved)
    assert closing.debt == opening.debt + sum(one.debt_change for one in moved)
    assert closing.outstanding * value == opening.outstanding * value + sum(one.worth_minor or 0 for one in moved)
    assert sorted(name for one in moved for name in one.kinds) == sorted(kind.kind for kind in kinds)
    assert [one.movement for one in moved][:6] == list(rules.MOVEMENTS)


@pytest.mark.parametrize("text", ["2017-13", "2017-00", "2017-1", "17-01", "2017-01-01", "２０１７-01", "1969-12", ""])
def test_what_is_no_month(text: str) -> None:
    assert months.month_named(text) is None


def test_months_follow_each_other() -> None:
    first, last = months.month_named("2016-11"), months.month_named("2017-02")
    assert first is not None
    assert last is not None
    named = [months.name_of(month) for month in months.months(first, last)]
    assert named == ["2016-11", "2016-12", "2017-01", "2017-02"]
    for month in months.months(first, last):
        assert months.ends(month, "Asia/Shanghai") == months.begins(months.next_month(month), "Asia/Shanghai")
