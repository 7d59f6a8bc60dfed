"""L5 and L8 for orders: parts make the whole, a whole return undoes the order, a batch is its singles."""

from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from regulars.commerce import api as commerce
from regulars.commerce.contracts import ClaimOrder, Line, OrderFact, OrderOutcome, ReturnOutcome
from regulars.commerce.orders.rules import money_kept
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.vault.local import LocalVault
from tests.commerce.shop import DAY, NOW, Shop, back, put

pytestmark = pytest.mark.anyio
SEARCH = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
numbers = count(1)

lines = st.lists(st.tuples(st.integers(0, 90_000), st.integers(1, 3_000)), min_size=1, max_size=4)
cuts = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 1_500)), max_size=6)


def bought(member_id: UUID, order_id: str, amounts: Sequence[tuple[int, int]], **more: Any) -> OrderFact:  # noqa: ANN401 - fields of the fact
    kept = tuple(Line(str(n), f"sku{n}", milli, amount) for n, (amount, milli) in enumerate(amounts))
    return structs.replace(put(member_id, order_id, []), lines=kept, total_minor=sum(a for a, _ in amounts), **more)


async def state(shop: Shop, member_id: UUID) -> tuple[Any, ...]:
    """Return available, pending, debt, tier and growth."""
    return (*await shop.points(member_id), *await shop.tier(member_id))


async def done(shop: Shop, *facts: OrderFact) -> None:
    for result in await shop.apply(*facts):
        assert not isinstance(result, DomainError), result


async def returned_in_parts(
    shop: Shop, order_id: str, amounts: Sequence[tuple[int, int]], cut: Sequence[tuple[int, int]]
) -> None:
    """Return everything: first the cuts that still fit, then the rest."""
    left = [milli for _, milli in amounts]
    for number, (line, milli) in enumerate(cut):
        if line < len(left) and left[line]:
            part = min(milli, left[line])
            left[line] -= part
            await done(shop, back(order_id, f"R{number}", (str(line), part)))
    if any(left):
        await done(shop, back(order_id, "rest"))


@SEARCH
@given(amounts=lines, cut=cuts, points=st.integers(0, 3_000), other=st.integers(0, 400_000))
async def test_returning_everything_in_any_parts_restores_everything(
    shop: Shop, amounts: list[tuple[int, int]], cut: list[tuple[int, int]], points: int, other: int
) -> None:
    number = next(numbers)
    wang = await shop.member(f"restored{number}")
    await shop.grant(wang, 5_000)
    await done(shop, bought(wang, f"other{number}", [(other, 1_000)]))
    before = await state(shop, wang)
    await done(shop, bought(wang, f"A{number}", amounts, points_at_most=points or None))
    await returned_in_parts(shop, f"A{number}", amounts, cut)
    assert await state(shop, wang) == before
    rows = await shop.rows(
        "SELECT returned_milli = quantity_milli AND returned_minor = amount_minor FROM order_lines WHERE order_id = %s",
        (f"A{number}",),
    )
    assert rows == [(True,)] * len(amounts)


@SEARCH
@given(amounts=lines, cut=cuts, points=st.integers(0, 3_000), spent=st.integers(0, 2_000))
async def test_any_split_of_a_return_ends_like_one_return(
    shop: Shop, amounts: list[tuple[int, int]], cut: list[tuple[int, int]], points: int, spent: int
) -> None:
    """What points are owned ends alike. Where the order's points had been spent, parts may owe what one return takes
    from the points that it gave back a moment earlier: then available and debt are both higher by the same number.
    """
    number = next(numbers)
    wang, li = await shop.member(f"parts{number}"), await shop.member(f"whole{number}")
    shop.at(NOW)
    for member, name in ((wang, "P"), (li, "W")):
        await shop.grant(member, 2_000)
        await done(shop, bought(member, f"{name}{number}", amounts, points_at_most=points or None))
    shop.at(NOW + 8 * DAY)
    for member, name in ((wang, "P"), (li, "W")):
        await done(shop, bought(member, f"{name}{number}later", [(90_000, 1_000)], points_at_most=spent or None))
    await returned_in_parts(shop, f"P{number}", amounts, cut)
    await done(shop, back(f"W{number}", "all"))
    parts, whole = await state(shop, wang), await state(shop, li)
    assert parts[3:] == whole[3:]
    assert parts[1] == whole[1]
    assert parts[0] - parts[2] == whole[0] - whole[2]
    assert parts[2] >= whole[2]
    if not parts[2]:
        assert parts == whole
    shop.at(NOW)


@SEARCH
@given(amounts=lines, cut=cuts, points=st.integers(0, 3_000), spent=st.integers(0, 300_000))
async def test_money_given_back_sums_to_the_money_paid(
    shop: Shop, amounts: list[tuple[int, int]], cut: list[tuple[int, int]], points: int, spent: int
) -> None:
    """Each part gives back its value less what its points are worth; together, what was paid in money."""
    number = next(numbers)
    wang = await shop.member(f"money{number}")
    await shop.grant(wang, 5_000)
    await done(shop, bought(wang, f"M{number}", amounts, points_at_most=points or None))
    await done(shop, bought(wang, f"M{number}later", [(spent, 1_000)]))
    await returned_in_parts(shop, f"M{number}", amounts, cut)
    async with shop.database.transaction() as tx:
        order = await commerce.read_order(tx, f"M{number}")
    assert order.outcome.settlement is not None
    backs = [one for _, one in order.returns]
    for one in backs:
        assert one.settlement is not None
        assert one.money_back_minor == one.returned_minor - one.settlement.points_given_back
        assert one.money_back_minor >= 0
    paid_minor = order.outcome.total_minor - order.outcome.settlement.points_used
    assert sum(one.money_back_minor or 0 for one in backs) == paid_minor


class Order(NamedTuple):
    """An order of which `points`, each worth so many minor units, paid at most all; and what comes back in turn."""

    total: int
    points: int
    worth: int
    parts: list[int]


@st.composite
def orders_with_points(draw: st.DrawFn) -> Order:
    worth = draw(st.integers(1, 5_000))
    points = draw(st.integers(0, 400))
    total = draw(st.integers(points * worth, points * worth * 30 + 10_000))
    cuts_at = sorted(draw(st.lists(st.integers(0, total), max_size=12)))
    return Order(total, points, worth, [*cuts_at, total])


@settings(max_examples=500, deadline=None)
@given(order=orders_with_points())
def test_money_falls_with_every_return_to_nothing_whatever_a_point_is_worth(order: Order) -> None:
    kept = [money_kept(order.total, order.points, order.worth, order.total - back) for back in [0, *order.parts]]

    assert kept[0] == order.total - order.points * order.worth
    assert kept[-1] == 0
    assert kept == sorted(kept, reverse=True)


@settings(max_examples=200, deadline=None)
@given(points=st.integers(0, 12), worth=st.integers(1, 9), more=st.integers(0, 90))
def test_money_that_stays_is_the_least_for_these_goods_or_more(points: int, worth: int, more: int) -> None:
    total = points * worth + more

    def bare(kept: int) -> int:
        return kept - (points * kept // total if total else 0) * worth

    for kept in range(total + 1):
        least = min(bare(at) for at in range(kept, total + 1))
        assert money_kept(total, points, worth, kept) == least


class Wish(NamedTuple):
    """One random fact: of which order, by whom (2: nobody), which state or part."""

    kind: str
    order: int
    member: int
    state: str
    amount: int
    part: int


wishes = st.lists(
    st.builds(
        Wish,
        kind=st.sampled_from(["put", "put", "put", "return", "return", "claim"]),
        order=st.integers(0, 3),
        member=st.sampled_from([0, 0, 0, 1, 2]),
        state=st.sampled_from(["open", "placed", "paid", "paid", "fulfilled", "cancelled"]),
        amount=st.sampled_from([0, 4_999, 130_000, 300_000]),
        part=st.sampled_from([0, 500, 1_000, 2_500]),
    ),
    min_size=1,
    max_size=20,
)


def facts_of(wished: Sequence[Wish], members: Sequence[UUID | None], number: int) -> list[OrderFact]:
    facts: list[OrderFact] = []
    for position, wish in enumerate(wished):
        order_id, member = f"B{number}x{wish.order}", members[wish.member]
        if wish.kind == "put":
            paying = {"points_at_most": 700} if wish.part == 500 and member else {}
            facts.append(put(member, order_id, [wish.amount, 10_000], state=wish.state, **paying))
        elif wish.kind == "claim":
            facts.append(ClaimOrder(order_id=order_id, member_id=member or UUID(int=1)))
        else:
            part = [("1", wish.part or None)] if wish.part != 2_500 else []
            facts.append(back(order_id, f"R{position // 2}", *part))
    return facts


def told(result: OrderOutcome | ReturnOutcome | DomainError) -> object:
    return (result.code, result.pointer, result.data) if isinstance(result, DomainError) else result


@SEARCH
@given(wished=wishes)
async def test_a_batch_gives_what_its_singles_give(shop: Shop, second_shop: Shop, wished: list[Wish]) -> None:
    number = next(numbers)
    members: list[UUID | None] = []
    for each in (shop, second_shop):
        members = [await each.member(f"{name}{number}") for name in ("wang", "li")]
        for member in members:
            assert member is not None
            await each.grant(member, 900)
        members.append(None)
    facts = facts_of(wished, members, number)

    together = await shop.apply(*facts)
    alone = [result for fact in facts for result in await second_shop.apply(fact)]

    assert [told(each) for each in together] == [told(each) for each in alone]
    assert await shop.contents() == await second_shop.contents()
    assert await shop.faults() == []


@pytest.fixture
async def second_shop(second_database_url: str, vault: LocalVault, shop: Shop) -> Any:  # noqa: ANN401 - a generator
    async with Database(second_database_url) as other:
        opened = await Shop(other, vault, shop.home).begin()
        yield opened
        await opened.client.aclose()
