"""Whatever two members did: merged, their books are one; undone, each has what is theirs, and nothing is lost."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import strategies as st

from regulars.loyalty.policy.contracts import Policy
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.vault.local import LocalVault
from tests.examples import examples
from tests.loyalty.joining import merge, merge_of, undo
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
    extend,
    order,
    redeem,
)

pytestmark = pytest.mark.anyio
_numbers = count()


class Step(NamedTuple):
    """Something that a member does, so many hours after the step before."""

    what: str
    amount: int
    hours: int
    who: int


steps = st.lists(
    st.builds(
        Step,
        what=st.sampled_from(
            ["order", "order", "accrue", "soon", "late", "redeem", "return", "growth", "expire", "extend"]
        ),
        amount=st.integers(1, 900),
        hours=st.integers(0, 400),
        who=st.integers(0, 1),
    ),
    max_size=7,
)


class History:
    """Carries out steps of two members, and remembers what of theirs can come back."""

    def __init__(self, programme: Programme, members: list[UUID]) -> None:
        self.programme = programme
        self.members = members
        self.now = NOON
        self._orders: list[tuple[UUID, str, int, int]] = []

    async def go(self, found: list[Step]) -> None:
        for step in found:
            self.now += timedelta(hours=step.hours)
            member, name = self.members[step.who], str(next(_numbers))
            fact = self._fact(step, member, name)
            if step.what == "expire":
                await self.programme.expire(self.now)
                await self.programme.review(self.now)
            elif step.what == "extend":
                await self._extend(member, name, step.amount)
            elif fact is not None:
                (result,) = await self.programme.apply(fact)
                if step.what == "order" and not isinstance(result, DomainError):
                    self._orders.append((member, name, step.amount * 300, 0))

    async def _extend(self, member: UUID, name: str, days: int) -> None:
        """Let the lot that is the next to run out do so later."""
        for lot_no, until in await self.programme.rows(
            "SELECT lot_no, expires_at FROM lots WHERE member_id = %s AND remaining > 0 AND expires_at > %s "
            "ORDER BY expires_at, lot_no LIMIT 1",
            (member, self.now),
        ):
            await self.programme.post(extend(member, lot_no, self.now, until + days * DAY, name))

    def _fact(self, step: Step, member: UUID, name: str) -> Fact | None:
        at, amount = self.now, step.amount
        if step.what == "return":
            return self._return(step, name)
        made: dict[str, Fact] = {
            "order": order(member, name, at, amount * 300, points_at_most=amount // 9),
            "accrue": accrue(member, name, at, amount),
            "soon": accrue(member, name, at, amount, expires_at=at + 9 * DAY),
            "late": accrue(member, name, at, amount, available_at=at + 9 * DAY),
            "redeem": redeem(member, name, at, amount),
            "growth": adjust(member, name, at, amount, "growth"),
        }
        return made.get(step.what)

    def _return(self, step: Step, name: str) -> Fact | None:
        if not self._orders:
            return None
        owner, order_id, total, returned = self._orders.pop(step.amount % len(self._orders))
        returned = min(total, returned + max(1, total * step.amount // 900))
        if returned < total:
            self._orders.append((owner, order_id, total, returned))
        return back(owner, order_id, self.now, returned, name)

    async def standing(self, at: datetime) -> list[tuple[Any, ...]]:
        """Return wallets of both as of an instant."""
        found: list[tuple[Any, ...]] = []
        for member in self.members:
            growth = await self.programme.wallet(member, at, "growth")
            found.append((*await self.programme.points(member, at), growth.balance))
        return found

    async def lots(self) -> list[tuple[Any, ...]]:
        """Return what is left of both."""
        return await self.programme.rows(
            "SELECT member_id, remaining, earned_at, available_at, expires_at, order_id FROM lots "
            "WHERE member_id = ANY (%s) AND remaining > 0 ORDER BY 1, 5, 3, 4, 2, 6",
            (self.members,),
        )

    async def tiers(self) -> list[tuple[Any, ...]]:
        """Return what both hold: tier, since when, when it is looked at again, whether in grace."""
        return await self.programme.rows(
            "SELECT member_id, tier, tier_since, review_at, in_grace FROM member_books "
            "WHERE member_id = ANY (%s) ORDER BY 1",
            (self.members,),
        )


@pytest.mark.parametrize("policy", [EASY, HARD, ANNIVERSARY], ids=["easy", "hard", "anniversary"])
async def test_merged_and_undone_nothing_is_lost(database: Database, vault: LocalVault, policy: Policy) -> None:
    programme = await Programme.begin(database, vault, policy)
    for number, (before, between, after) in enumerate(examples(st.tuples(steps, steps, steps), 12)):
        await _try(programme, f"p{number}", before, between, after)
    assert await programme.problems() == {}


def _alive(lots: list[tuple[Any, ...]], at: datetime) -> list[tuple[Any, ...]]:
    """Leave out what ran out meanwhile."""
    return [row for row in lots if row[4] > at]


async def _try(programme: Programme, name: str, before: list[Step], between: list[Step], after: list[Step]) -> None:
    survivor, absorbed = members = await programme.members(2, name)
    history = History(programme, members)
    await programme.apply(accrue(survivor, "open", NOON, 1), accrue(absorbed, "open", NOON, 1))
    await history.go(before)
    await programme.expire(history.now)
    await programme.review(history.now)
    merged_at, lots = history.now + DAY, await history.lots()
    await programme.review(merged_at)
    tiers = await history.tiers()
    was = await history.standing(history.now)
    wish = merge_of(survivor, absorbed, merged_at, name)

    if not between:
        await merge(programme, wish)
        await undo(programme, wish, merged_at)
        assert [row for row in await history.lots() if row[4] > merged_at] == [
            row for row in lots if row[4] > merged_at
        ]
        assert await history.tiers() == tiers
        return
    await merge(programme, wish)
    assert await history.standing(history.now) == was
    one, none = await history.standing(merged_at)
    assert (none[0], none[3], none[5]) == (0, 0, 0)
    assert one[3] == sum(standing[3] for standing in was)
    assert one[5] == sum(standing[5] for standing in was)
    history.now = merged_at
    await history.go(between)
    assert (await history.standing(history.now))[1][0] == 0
    undone_at = history.now + DAY
    await programme.expire(undone_at)
    together = await history.standing(undone_at)

    returned = await undo(programme, wish, undone_at)

    apart = await history.standing(undone_at)
    assert sum(standing[0] for standing in apart) == sum(standing[0] for standing in together)
    assert sum(standing[5] for standing in apart) == sum(standing[5] for standing in together)
    for told in returned.wallets:
        place = 0 if told.wallet == "points" else 5
        assert (told.survivor_after, told.absorbed_after) == (apart[0][place], apart[1][place])
    history.now = undone_at
    await history.go(after)
