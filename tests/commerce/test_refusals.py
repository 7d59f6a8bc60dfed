"""Whatever is refused, of whatever kind, in whatever state, by whichever process: every table stays as it was."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from regulars.commerce import api as commerce
from regulars.commerce.contracts import ClaimOrder, Line, OrderFact, Payment, PutOrder
from regulars.loyalty import api as loyalty
from regulars.platform.errors import DomainError
from tests.commerce.shop import DAY, HOUR, NOW, Shop, back, put

pytestmark = pytest.mark.anyio
SEARCH = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NOBODY = UUID(int=7 << 76 | 2 << 62)
numbers = count(1)

PUT_FAULTS: dict[str, dict[str, Any]] = {
    "store": {"store_id": "999"},
    "market's store": {"store_id": "9"},
    "market": {"market": "XX"},
    "currency": {"currency": "USD"},
    "total": {"total_minor": 1},
    "future": {"occurred_at": NOW + 400 * DAY},
    "past": {"occurred_at": NOW - 800 * DAY},
    "money": {"payments": (Payment("card", 77),)},
    "points": {"points": 9_000},
    "negative": {"points_at_most": -1},
    "lines": {"lines": (Line("1", "a", 1_000, 5_000), Line("1", "b", 1_000, 5_000)), "total_minor": 10_000},
}
BACK_FAULTS: dict[str, dict[str, Any]] = {
    "store": {"store_id": "999"},
    "market's store": {"store_id": "9"},
    "future": {"occurred_at": NOW + 400 * DAY},
    "past": {"occurred_at": NOW - 800 * DAY},
    "before": {"occurred_at": NOW - 20 * DAY},
}


class Wish(NamedTuple):
    """A fact to come: `fault` says what is wrong with it, if anything; `fresh`, that a new process takes it."""

    kind: str
    order: int
    member: int
    state: str
    part: int
    fault: str
    fresh: bool
    hours: int


wishes = st.lists(
    st.builds(
        Wish,
        kind=st.sampled_from(["put", "put", "return", "return", "claim"]),
        order=st.integers(0, 2),
        member=st.sampled_from([0, 0, 1, 2, 2, 2, 3]),
        state=st.sampled_from(["open", "placed", "paid", "paid", "paid", "fulfilled", "cancelled"]),
        part=st.sampled_from([0, 500, 1_000, 2_500]),
        fault=st.sampled_from([*[""] * 10, *PUT_FAULTS, *BACK_FAULTS]),
        fresh=st.booleans(),
        hours=st.sampled_from([0, 0, 1, 200]),
    ),
    min_size=5,
    max_size=20,
)


def facts_of(wished: Sequence[Wish], members: Sequence[UUID | None], number: int) -> Iterator[OrderFact]:
    for position, wish in enumerate(wished):
        order_id, member = f"R{number}x{wish.order}", members[wish.member]
        if wish.kind == "put":
            fact: PutOrder = put(member, order_id, [130_000, 10_000], state=wish.state)
            if wish.part == 500 and member:
                fact = structs.replace(fact, points_at_most=700)
            yield structs.replace(fact, **PUT_FAULTS.get(wish.fault, {}))
        elif wish.kind == "claim":
            yield ClaimOrder(order_id=order_id, member_id=member or NOBODY)
        else:
            parts = [("1", wish.part or None)] if wish.part != 2_500 else [("1", 1), ("2", 5_000)]
            more = {"store_id": "406"} | BACK_FAULTS.get(wish.fault, {})
            yield back(order_id, f"B{position // 2}", *parts, **more)


@SEARCH
@given(wished=wishes)
async def test_every_refused_fact_leaves_every_table_as_it_was(shop: Shop, wished: list[Wish]) -> None:
    number = next(numbers)
    shop.at(NOW)
    members = [await shop.member(f"{name}{number}") for name in ("wang", "li")]
    for member in members:
        await shop.grant(member, 900)
    begun = [
        put(members[0], f"R{number}x0", [130_000, 10_000]),
        put(None, f"R{number}x1", [130_000, 10_000]),
        back(f"R{number}x1", "B", ("1", 500), store_id="406"),
    ]
    assert not [each for each in await shop.apply(*begun) if isinstance(each, DomainError)]
    facts = list(facts_of(wished, [*members, None, NOBODY], number))
    at = NOW
    for wish, fact in zip(wished, facts, strict=True):
        at += wish.hours * HOUR
        shop.at(at)
        before = await shop.contents()
        taking = replace(shop, rules=commerce.Commerce(loyalty.Configuration())) if wish.fresh else shop
        try:
            (result,) = await taking.apply(fact)
        except DomainError as refusal:
            result = refusal
        if isinstance(result, DomainError):
            assert await shop.contents() == before, result
    assert await shop.faults() == []
