"""Lots that run out later than they would have: by hand, as of before, and neutral for finance."""

from datetime import timedelta
from uuid import UUID

import pytest

from regulars.loyalty import api
from regulars.loyalty.contracts import HoldStanding, LotStanding, PendingUnits, Posting
from regulars.loyalty.finance.breakage import Developed, cohorts_of
from regulars.platform.errors import DomainError
from regulars.platform.texts import catalogue
from tests.loyalty.programme import (
    DAY,
    HOUR,
    NOON,
    Fact,
    Programme,
    accrue,
    back,
    extend,
    hold,
    order,
    redeem,
    us_day,
    void_hold,
)
from tests.loyalty.test_finance import moves, parts_of, read, stand_at, sum_of

pytestmark = pytest.mark.anyio
OLD, NEW = NOON + 10 * DAY, NOON + 60 * DAY


@pytest.fixture
async def member(programme: Programme) -> UUID:
    """Return a member with 100 points until `OLD`, and 50 for long."""
    made = await programme.member()
    await programme.one(accrue(made, "gift", NOON, 100, expires_at=OLD))
    await programme.one(accrue(made, "other", NOON, 50, expires_at=NOON + 30 * DAY))
    return made


async def lots(programme: Programme, member: UUID) -> list[LotStanding]:
    async with programme.database.transaction() as tx:
        return await api.lots(tx, member, spent=True)


async def refused(programme: Programme, *facts: Fact) -> list[str]:
    """Return the codes by which facts are refused; nothing may have changed."""
    before = await programme.books()
    found = await programme.apply(*facts)
    assert await programme.books() == before
    return [one.code if isinstance(one, DomainError) else "" for one in found]


async def test_what_is_free_becomes_a_lot_that_runs_out_later(programme: Programme, member: UUID) -> None:
    await programme.one(redeem(member, "mug", NOON + HOUR, 30))
    await programme.one(extend(member, 1, NOON + DAY, NEW))

    assert [(one.lot_no, one.amount, one.remaining, one.expires_at) for one in await lots(programme, member)] == [
        (1, 100, 0, OLD),
        (2, 50, 50, NOON + 30 * DAY),
        (5, 70, 70, NEW),
    ]
    assert await programme.points(member, NOON + DAY) == (120, 120, 0, 0, 0)
    assert (await programme.wallet(member, OLD)).available == 120, "nothing of it is over at the old instant"
    before = NOON + DAY - timedelta(microseconds=1)
    assert (await programme.wallet(member, before)).next_expiry == PendingUnits(amount=70, at=OLD), (
        "nobody knew it before"
    )
    await programme.one(redeem(member, "cup", OLD + HOUR, 60))  # the other lot goes first now
    await programme.expire(NEW)
    assert [one.remaining for one in await lots(programme, member)] == [0, 0, 0]
    assert await programme.points(member, NEW) == (0, 0, 0, 0, 0)
    assert await programme.problems() == {}


async def test_its_reason_stands_on_the_statement(programme: Programme, member: UUID) -> None:
    await programme.one(extend(member, 1, NOON + DAY, us_day("2017-02-28", hour=0)))
    said = {}
    for language in ("en", "zh"):
        async with programme.database.transaction() as tx:
            page = await api.statement(tx, member, limit=2, language=language)
        said[language] = [line.reason for line in page.lines]
        assert [line.amount for line in page.lines] == [100, -100]
    assert said["en"][0] == "100 points are good until Feb 27, 2017 now: shop closed."
    assert said["en"][1].startswith("100 points that were good until Feb 11, 2017 only got a later day")
    assert said["zh"][0] == "100 积分有效期延至 2017年2月27日：shop closed。"
    assert "extensions of lots" in catalogue("zh")


async def test_what_is_over_or_held_or_out_of_bounds_is_refused(programme: Programme, member: UUID) -> None:
    await programme.one(hold(member, "k", NOON + HOUR, 120, NOON + 20 * DAY))
    at = NOON + DAY
    codes = await refused(
        programme,
        extend(member, 1, at, NEW, "a"),  # all of it is held
        extend(member, 9, at, NEW, "b"),
        extend(member, 2, at, NOON + 30 * DAY, "c"),  # no later
        extend(member, 2, at, at + 733 * DAY, "d"),
    )
    assert codes == ["nothing_to_extend", "nothing_to_extend", "term_out_of_range", "term_out_of_range"]
    (over,) = await programme.apply(extend(member, 2, NOON + 30 * DAY, NEW + 30 * DAY, "e"))
    assert isinstance(over, DomainError)
    assert over.code == "lot_over"


async def test_what_a_hold_keeps_stays_with_its_lot(programme: Programme, member: UUID) -> None:
    await programme.one(hold(member, "k", NOON + HOUR, 40, NOON + 20 * DAY))
    await programme.one(extend(member, 1, NOON + DAY, NEW))
    await programme.one(void_hold(member, "k", NOON + 15 * DAY))

    assert [one.remaining for one in await lots(programme, member)] == [0, 50, 60]
    assert await programme.points(member, NOON + 15 * DAY) == (110, 110, 0, 0, 0)
    assert await programme.problems() == {}


async def test_the_same_reference_extends_once(programme: Programme, member: UUID) -> None:
    first = await programme.one(extend(member, 1, NOON + DAY, NEW))
    async with programme.database.transaction() as tx:
        again, other = await api.post(
            tx, programme.configuration, [extend(member, 1, NOON + 2 * DAY, NEW), extend(member, 1, NOON, OLD + DAY)]
        )
    assert isinstance(first, Posting)
    assert isinstance(again, Posting)
    assert (again.seq, again.expires_at) == (first.seq, NEW)
    assert isinstance(other, DomainError)
    assert other.code == "reference_reused"


async def test_a_batch_gives_what_singles_give(programme: Programme) -> None:
    ones, others = await programme.members(2, "one"), await programme.members(2, "other")
    for group in (ones, others):
        for member in group:
            await programme.one(accrue(member, "gift", NOON, 100, expires_at=OLD))

    def wishes(group: list[UUID]) -> list[Fact]:
        first, second = group
        return [
            extend(first, 1, NOON + DAY, NEW, "a"),
            extend(second, 1, NOON + DAY, NEW, "b"),
            extend(first, 1, NOON + DAY, NEW + DAY, "c"),  # nothing is left in it
            extend(first, 3, NOON + DAY, NEW + DAY, "d"),
            redeem(first, "mug", NOON + DAY, 40),
            extend(second, 3, NEW, NEW + DAY, "e"),  # over
        ]

    together = await programme.apply(*wishes(ones))
    singly = [(await programme.apply(wish))[0] for wish in wishes(others)]
    codes = [[one.code if isinstance(one, DomainError) else "" for one in found] for found in (together, singly)]
    assert codes[0] == codes[1] == ["", "", "nothing_to_extend", "", "", "lot_over"]
    assert await programme.books(ones) == await programme.books(others)
    assert await programme.problems() == {}


async def test_an_order_that_is_returned_takes_back_what_was_extended(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(order(member, "A", NOON, 10_000))  # 100 points, pending for seven days
    (lot,) = await lots(programme, member)
    await programme.one(extend(member, lot.lot_no, NOON + DAY, lot.expires_at + HOUR * 6))
    await programme.one(back(member, "A", NOON + 2 * DAY, 10_000))

    assert await programme.points(member, NOON + 2 * DAY) == (0, 0, 0, 0, 0)
    assert await programme.problems() == {}


async def test_finance_sees_no_movement(programme: Programme, member: UUID) -> None:
    await programme.one(extend(member, 1, NOON + DAY, NEW))
    await stand_at(programme, NOON + 20 * DAY)
    (february,) = await read(programme, api.Span(wallet="points"))
    extended = next(one for one in february.movements if one.movement == "extended")
    assert (extended.transfers, extended.units, extended.debt_change) == (2, 0, 0)
    assert moves(february) == {"issued": (150, 0)}
    for at in (NOON + HOUR, NOON + 2 * DAY, OLD + DAY):
        async with programme.database.transaction() as tx:
            (found,) = await api.liability_at(tx, programme.configuration, at, wallet="points", parts=True)
        assert found.parts == parts_of(await programme.wallet(member, at))
        assert sum_of(found.parts) == found.held.outstanding == 150


def test_breakage_counts_extended_units_once() -> None:
    january, march = us_day("2017-01-05").date().replace(day=1), us_day("2017-03-05").date().replace(day=1)
    rows = [
        Developed(january, january, "earn", 1_000, 0),
        Developed(march, january, "extend", 400, 400),
        Developed(march, january, "redeem", 0, 100),
    ]
    (cohort,) = cohorts_of(rows)
    assert (cohort.opened, cohort.left, cohort.sums().other) == (1_000, 900, 0)


async def test_a_hold_takes_from_the_lot_that_runs_out_first_then(programme: Programme, member: UUID) -> None:
    await programme.one(extend(member, 1, NOON + DAY, NEW))
    kept = await programme.one(hold(member, "k", NOON + 2 * DAY, 60, NOON + 3 * DAY))
    assert isinstance(kept, HoldStanding)
    assert [(part.lot_no, part.amount) for part in kept.lots] == [(2, 50), (4, 10)]
