"""L8: a batch of N gives exactly what N singles in order of arrival give. L7: the same facts give the same books."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from regulars.loyalty.contracts import Accrue, Adjust, HoldStanding, Redeem
from regulars.loyalty.policy.contracts import Policy
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.ids import new_id
from regulars.platform.vault.local import LocalVault
from tests.loyalty.programme import (
    ANNIVERSARY,
    DAY,
    EASY,
    HARD,
    NOON,
    Expire,
    Fact,
    Outcome,
    Programme,
    accrue,
    adjust,
    back,
    hold,
    order,
    post_hold,
    redeem,
    void_hold,
)

pytestmark = pytest.mark.anyio
MEMBERS = 2
KINDS = (
    *("accrue", "growth", "redeem", "adjust", "order", "pay", "return", "return", "expire"),
    *("hold", "hold", "post", "void"),
)
GAPS = (timedelta(0), timedelta(hours=1), DAY, 3 * DAY, 10 * DAY, 40 * DAY, 100 * DAY)


class Wish(NamedTuple):
    """One random fact, before it is known whose it is and what it can refer to."""

    member: int
    kind: str
    amount: int
    gap: timedelta
    late: timedelta
    again: bool


wishes = st.lists(
    st.builds(
        Wish,
        member=st.integers(0, MEMBERS - 1),
        kind=st.sampled_from(
            [
                "accrue",
                "growth",
                "redeem",
                "adjust",
                "order",
                "pay",
                "return",
                "return",
                "expire",
                "hold",
                "hold",
                "post",
                "void",
            ]
        ),
        amount=st.integers(1, 1_500),
        gap=st.sampled_from(GAPS),
        late=st.sampled_from([timedelta(0), timedelta(0), 5 * DAY, 80 * DAY]),
        again=st.sampled_from([False, False, False, True]),
    ),
    min_size=1,
    max_size=25,
)


def facts_of(wished: Sequence[Wish], members: Sequence[UUID]) -> list[Fact]:
    """Return the same facts for whichever members."""
    at, facts = NOON, list[Fact]()
    orders: dict[int, dict[str, list[int]]] = {number: {} for number in range(len(members))}
    for number, wish in enumerate(wished):
        at += wish.gap
        facts.append(
            _fact(wish, members[wish.member], number if not wish.again else number - 1, at, orders[wish.member])
        )
    return facts


def _fact(wish: Wish, member: UUID, number: int, at: datetime, orders: dict[str, list[int]]) -> Fact:
    term: dict[str, Any] = {"expires_at": at + 5 * DAY, "available_at": at} if wish.amount % 3 else {}
    postings: dict[str, Fact] = {
        "accrue": accrue(member, f"gift:{number}", at, wish.amount, **term),
        "growth": accrue(member, f"act:{number}", at, wish.amount, wallet="growth", effective_at=at - wish.late),
        "redeem": redeem(member, f"shop:{number}", at, wish.amount),
        "adjust": adjust(member, f"desk:{number}", at, wish.amount - 750),
        "expire": Expire(member, at),
        "hold": hold(member, f"keep:{number}", at, wish.amount // 3 + 1, at + timedelta(days=wish.amount % 9 + 1)),
        "post": post_hold(member, f"keep:{number - wish.amount % 4 - 1}", at, wish.amount // 6 + 1),
        "void": void_hold(member, f"keep:{number - wish.amount % 4 - 1}", at),
    }
    if wish.kind in postings:
        return postings[wish.kind]
    if wish.kind == "return" and orders:
        chosen = sorted(orders)[wish.amount % len(orders)]
        total, returned, times = orders[chosen]
        more = min(total - returned, max(1, total * wish.amount // 1_500))
        orders[chosen] = [total, returned + more, times + 1]
        return back(member, chosen, at, returned + more, f"r{times}")
    order_id = f"o{len(orders)}"
    orders[order_id] = [wish.amount * 100 + wish.amount % 100, 0, 0]
    points = {"points_at_most": 10_000} if wish.kind == "pay" else {}
    return order(member, order_id, at - wish.late, orders[order_id][0], recorded_at=at, **points)


async def applied(programme: Programme, facts: Sequence[Fact], cuts: Sequence[int], ahead: int = 0) -> list[str]:
    """Apply facts in transactions that begin at the cuts; returns what came of each, without ids."""
    shown: list[str] = []
    for first, last in pairwise([0, *sorted(set(cuts)), len(facts)]):
        if facts[first:last]:
            shown += [_shown(outcome) for outcome in await programme.apply(*facts[first:last], ahead=ahead)]
    return shown


def _shown(outcome: Outcome | DomainError) -> str:
    if isinstance(outcome, HoldStanding):
        outcome = structs.replace(outcome, member_id=UUID(int=0))
        return repr(outcome)
    if isinstance(outcome, DomainError):
        return f"{outcome.code} {outcome.pointer} {outcome.data}"
    return repr(outcome).partition("seq=")[2] or repr(outcome)


@pytest.mark.parametrize(
    "policies",
    [[EASY], [HARD], [ANNIVERSARY], [EASY, ANNIVERSARY], [HARD, ANNIVERSARY], [ANNIVERSARY, HARD]],
    ids=["easy", "hard", "anniversary", "another policy on the way", "a longer window", "a shorter window"],
)
async def test_batches_singles_and_any_split_give_the_same_books(
    database: Database, vault: LocalVault, policies: list[Policy]
) -> None:
    programme = await Programme.begin(database, vault, policies[0])
    for policy in policies[1:]:
        await programme.activate(policy, NOON + 60 * DAY)

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(wished=wishes, cuts=st.lists(st.integers(1, 24), max_size=4))
    async def compare(wished: list[Wish], cuts: list[int]) -> None:
        worlds = {}
        one_by_one = list(range(1, len(wished)))
        for name, at, ahead in (("batch", [], 0), ("singles", one_by_one, 0), ("split", cuts, 0), ("ahead", [], 3)):
            members = await programme.members(MEMBERS, f"{name}:{new_id().hex}")
            facts = facts_of(wished, members)
            outcomes = await applied(programme, facts, [cut for cut in at if cut < len(facts)], ahead)
            worlds[name] = (outcomes, await programme.books(members))
            if name == "singles":
                await _nothing_new(programme, members, facts)
        for name in ("batch", "split", "ahead"):
            assert worlds[name][0] == worlds["singles"][0], name
            for table, rows in worlds["singles"][1].items():
                assert worlds[name][1][table] == rows, (name, table)

    await _run(compare)
    assert await programme.problems() == {}


async def _run(compare: Any) -> None:  # noqa: ANN401 - what `given` makes of a coroutine function
    """Let hypothesis choose, on a thread of its own, examples that run on this loop."""
    loop = asyncio.get_running_loop()
    inner = compare.hypothesis.inner_test

    def on_this_loop(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed through
        asyncio.run_coroutine_threadsafe(inner(*args, **kwargs), loop).result()

    compare.hypothesis.inner_test = on_this_loop
    await asyncio.to_thread(compare)


async def _nothing_new(programme: Programme, members: Sequence[UUID], facts: Sequence[Fact]) -> None:
    """Send every direct posting again: each gives its transfer, or its refusal, and the books stay."""
    before = await programme.books(members)
    posted = {row[10] for row in before["ledger_transfers"]}
    again = [fact for fact in facts if isinstance(fact, Accrue | Redeem | Adjust) and fact.reference in posted]
    if again:
        await programme.apply(*again)
    after = await programme.books(members)
    assert after["ledger_transfers"] == before["ledger_transfers"]
    assert after["lots"] == before["lots"]
