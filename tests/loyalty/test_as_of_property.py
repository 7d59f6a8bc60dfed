"""X2: what was true at an instant is told ever after, whatever comes later and however late the jobs are.

Random histories of two members, one after the other on one time line, with jobs that come now and then, holds that run
out, and merges. What the books answer at an instant is kept, and asked again as of that instant at the end.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import pytest
from hypothesis import strategies as st

from regulars.domain_events.commerce import OrderPaid, OrderReturned
from regulars.loyalty import api
from regulars.loyalty.contracts import SettleOrder, SettleReturn
from regulars.loyalty.figures import rolling
from regulars.loyalty.policy.contracts import Policy
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.rollups.service import bring_up_to_date
from regulars.platform.vault.local import LocalVault
from tests.examples import examples
from tests.loyalty.joining import merge, merge_of, undo
from tests.loyalty.previewing import clock_at
from tests.loyalty.programme import (
    ANNIVERSARY,
    DAY,
    EASY,
    HARD,
    NOON,
    Fact,
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
FACTS: Final = ("order", "accrue", "soon", "soon", "late", "redeem", "return", "growth", "hold", "hold", "post", "void")
JOBS: Final = ("expire", "review", "time out", "roll up", "merge")


class Step(NamedTuple):
    """Something that happens, so many hours after the step before."""

    what: str
    amount: int
    hours: int
    who: int


steps = st.lists(
    st.builds(
        Step,
        what=st.sampled_from(FACTS + JOBS),
        amount=st.integers(1, 900),
        hours=st.sampled_from([0, 1, 24, 71, 300, 1_500]),
        who=st.integers(0, 1),
    ),
    min_size=6,
    max_size=14,
)


class Line:
    """One line of time: what happens on it, and what was answered on the way."""

    def __init__(self, programme: Programme) -> None:
        self.programme = programme
        self.now = NOON
        self.answered: list[tuple[datetime, list[UUID], Any]] = []
        self.number = 0
        self.jobs: dict[str, Callable[[datetime], Awaitable[int]]] = {
            "expire": programme.expire,
            "review": programme.review,
            "time out": programme.time_out,
            "roll up": self._roll_up,
        }

    def name(self) -> str:
        self.number += 1
        return f"n{self.number}"

    async def _roll_up(self, _at: datetime) -> int:
        async with self.programme.database.transaction(set_based=True) as tx:
            return await bring_up_to_date(tx, rolling.BOOKS)

    async def go(self, found: list[Step]) -> None:
        """Let two new members do all that, ask after every step, and ask again at the end."""
        people = await self.programme.members(2, self.name())
        orders: list[tuple[UUID, str, int]] = []
        holds: list[tuple[UUID, str]] = []
        joined = None
        for step in found:
            self.now += timedelta(hours=step.hours, seconds=1)
            clock_at(self.programme.database, self.now)
            if step.what == "merge":
                joined = await self._merged_or_undone(people, joined)
            elif step.what in self.jobs:
                await self.jobs[step.what](self.now)
            elif (fact := self._fact(step, people[step.who], orders, holds)) is not None:
                await self.programme.apply(fact)
                await self._tell(fact)
            self.answered.append((self.now, people, await self.asked(people, self.now)))
        self.now += 400 * DAY
        clock_at(self.programme.database, self.now)
        for job in self.jobs.values():
            await job(self.now)
        for at, whose, answer in self.answered:
            assert await self.asked(whose, at) == answer, (at, found)
        self.answered = self.answered[-3:]

    async def _tell(self, fact: Fact) -> None:
        """Tell of orders and returns, as the room above the ledger does: roll-ups learn from it what they look at."""
        async with self.programme.database.transaction() as tx:
            if isinstance(fact, SettleOrder):
                tx.publish(
                    OrderPaid(
                        member_id=fact.member_id,
                        recorded_at=self.now,
                        order_id=fact.order_id,
                        channel="store",
                        store_id=None,
                        market="US",
                        total_minor=0,
                        points_used=0,
                        points_earned=0,
                        growth_earned=0,
                    )
                )
            elif isinstance(fact, SettleReturn):
                tx.publish(
                    OrderReturned(
                        member_id=fact.member_id,
                        recorded_at=self.now,
                        order_id=fact.order_id,
                        return_id=fact.return_id,
                        store_id=None,
                        returned_minor=0,
                        points_given_back=0,
                        points_clawed_back=0,
                        growth_reversed=0,
                    )
                )

    async def _merged_or_undone(self, people: list[UUID], joined: Any) -> Any:  # noqa: ANN401 - a merge, or None
        survivor, absorbed = people
        try:
            if joined is not None:
                await undo(self.programme, joined, self.now)
                return None
            wish = merge_of(survivor, absorbed, self.now, self.name())
            await merge(self.programme, wish)
        except DomainError:  # holds stand against both
            return joined
        return wish

    def _fact(
        self, step: Step, member: UUID, orders: list[tuple[UUID, str, int]], holds: list[tuple[UUID, str]]
    ) -> Fact | None:
        at, amount, name = self.now, step.amount, self.name()
        if step.what == "return":
            if not orders:
                return None
            owner, order_id, total = orders.pop(amount % len(orders))
            return back(owner, order_id, at, max(1, total * amount // 900), name)
        if step.what in {"post", "void"}:
            if not holds:
                return None
            owner, held = holds[amount % len(holds)]
            return post_hold(owner, held, at) if step.what == "post" else void_hold(owner, held, at)
        if step.what == "order":
            orders.append((member, name, amount * 300))
        if step.what == "hold":
            holds.append((member, name))
        made: dict[str, Fact] = {
            "order": order(member, name, at, amount * 300, points_at_most=amount // 9),
            "accrue": accrue(member, name, at, amount),
            "soon": accrue(member, name, at, amount, expires_at=at + 9 * DAY),
            "late": accrue(member, name, at, amount, available_at=at + 9 * DAY),
            "redeem": redeem(member, name, at, amount),
            "growth": adjust(member, name, at, amount, "growth"),
            "hold": hold(member, name, at, 1 + amount // 9, at + timedelta(hours=amount)),
        }
        return made[step.what]

    async def asked(self, people: list[UUID], at: datetime) -> Any:  # noqa: ANN401 - compared, never looked into
        """Return balances, tier and liability as of an instant."""
        configuration = self.programme.configuration
        async with self.programme.database.transaction() as tx:
            wallets = [await api.balances(tx, member, at) for member in people]
            tiers = [await api.tier_status(tx, configuration, member, at) for member in people]
            liability = await api.liability_at(tx, configuration, at)
        return (
            wallets,
            [(tier.tier, tier.rank, tier.metric, tier.missing, tier.since) for tier in tiers],
            [(one.market, one.wallet, one.held) for one in liability],
        )


@pytest.mark.parametrize("policy", [EASY, HARD, ANNIVERSARY], ids=["easy", "hard", "anniversary"])
async def test_what_was_true_at_an_instant_is_told_ever_after(
    database: Database, vault: LocalVault, policy: Policy
) -> None:
    line = Line(await Programme.begin(database, vault, policy))
    for found in examples(steps, 40):
        await line.go(found)
    assert await line.programme.problems() == {}
