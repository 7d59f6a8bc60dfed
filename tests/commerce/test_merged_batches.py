"""L8 and L2 with merged members, through the entry points themselves: what lanes and the intake of orders call.

Members who are part of each other, were, or never were, in any batch: it gives what singles give, whatever the split;
and whatever was answered once gives the same answer for ever, before, during and after a merge.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Any, Final, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from regulars.commerce.contracts import PutOrder, ReturnOrder
from regulars.loyalty.contracts import Accrue, Adjust, HoldStanding, PlaceHold, Posting, Redeem
from regulars.loyalty.ledger import service as ledger
from regulars.loyalty.merging import service as merging
from regulars.members.contracts.merging import Merging
from regulars.platform.errors import DomainError
from regulars.platform.ids import derived_id, new_id
from tests.commerce.shop import DAY, NOW, Shop, back, put
from tests.loyalty.programme import Programme, accrue, adjust, hold, post_hold, redeem, void_hold

pytestmark = pytest.mark.anyio
MEMBERS: Final = 4  # the first is absorbed, the second between or survivor, the third at the end, the last alone
KINDS: Final = ("accrue", "growth", "redeem", "adjust", "hold", "post", "void", "order", "pay", "return")
SHAPES: Final = ("pair", "chain", "pair undone", "chain undone")
NOT_COMPARED: Final = ("written_at", "version", "window_days", "policy_seen")
TABLES: Final = (
    *("member_books", "member_wallets", "ledger_transfers", "lots", "lot_uses", "settlements", "holds", "hold_lots"),
    *("hold_ends", "tier_changes", "ledger_forwards", "book_joinings", "orders", "order_returns"),
)


class Wish(NamedTuple):
    """One random fact: whose, what, and under which of a few names."""

    member: int
    kind: str
    name: int
    amount: int
    gap: timedelta


wishes = st.lists(
    st.builds(
        Wish,
        member=st.sampled_from([0, 0, 1, 2, 2, 3]),
        kind=st.sampled_from(KINDS),
        name=st.integers(0, 3),
        amount=st.integers(1, 300),
        gap=st.sampled_from([timedelta(0), timedelta(hours=1), DAY]),
    ),
    max_size=7,
)


class World:
    """The same facts for members of its own; what comes of them is told without their ids."""

    def __init__(self, shop: Shop, members: Sequence[UUID], name: str) -> None:
        self.shop = shop
        self.members = members
        self.name = name
        self.outcomes: list[str] = []
        self.posted: list[tuple[Any, Any]] = []

    def plain(self, found: object) -> str:
        """Return something without what is this world's alone."""
        text = str(found).replace(self.name, "W")
        for number, member in enumerate((*self.members, self.merge_id("one"), self.merge_id("two"))):
            text = text.replace(str(member), f"id{number}").replace(member.hex, f"id{number}")
        return text

    def merge_id(self, name: str) -> UUID:
        return derived_id(NOW, f"{name}:{self.name}")

    def fact(self, wish: Wish, at: datetime) -> Any:  # noqa: ANN401 - of two entry points
        member, order_id = self.members[wish.member], f"{self.name}:{wish.member}:{wish.name}"
        made: dict[str, Callable[[], Any]] = {
            "accrue": lambda: accrue(member, f"gift:{wish.name}", at, 7 * wish.name + 60),
            "growth": lambda: accrue(member, f"act:{wish.name}", at, 900, wallet="growth"),
            "redeem": lambda: redeem(member, f"shop:{wish.name}", at, 20 * wish.name + 40),
            "adjust": lambda: adjust(member, f"desk:{wish.name}", at, 40 * wish.name - 60),
            "hold": lambda: hold(member, f"keep:{wish.name}", at, 15, NOW + (60 + wish.name) * DAY),
            "post": lambda: post_hold(member, f"keep:{wish.name}", at, 9),
            "void": lambda: void_hold(member, f"keep:{wish.name}", at),
            "order": lambda: put(member, order_id, [5_000 * (wish.name + 1)], occurred_at=NOW, recorded_at=at),
            "pay": lambda: put(
                member, f"{order_id}p", [6_000], occurred_at=at, recorded_at=at, points_at_most=wish.amount
            ),
            "return": lambda: back(order_id, f"r{wish.amount}", ("1", 1 + wish.amount), occurred_at=at, recorded_at=at),
        }
        return made[wish.kind]()

    async def apply(self, facts: Sequence[Any], cuts: Sequence[int]) -> None:
        """Carry out facts, as many as come to one entry point between two cuts in one transaction."""
        for first, last in pairwise([0, *sorted({cut for cut in cuts if cut < len(facts)} - {0}), len(facts)]):
            for is_order, batch in groupby(
                facts[first:last], key=lambda fact: isinstance(fact, PutOrder | ReturnOrder)
            ):
                await self._send(list(batch), is_order=is_order)

    async def _send(self, batch: list[Any], *, is_order: bool) -> None:
        if is_order:
            results = await self.shop.apply(*batch)
        else:
            async with self.shop.database.transaction(by_keys=True) as tx:
                results = await ledger.carry_out(tx, self.shop.rules.configuration, batch)
            self.posted += zip(batch, results, strict=True)
        for result in results:
            refused = isinstance(result, DomainError)
            self.outcomes.append(self.plain(f"{result.code} {result.data}" if refused else structs.asdict(result)))

    async def join(self, name: str, survivor: int, absorbed: int, at: datetime, *, undo: bool = False) -> None:
        verb = merging.undo if undo else merging.merge
        wish = Merging(self.merge_id(name), self.members[survivor], self.members[absorbed], at)
        try:
            async with self.shop.database.transaction() as tx:
                self.outcomes.append(self.plain(await verb(tx, wish, dry_run=False)))
        except DomainError as refusal:
            self.outcomes.append(refusal.code)

    async def books(self) -> dict[str, list[str]]:
        """Return every row of its members, in the order of what they say."""
        found = {}
        for table in TABLES:
            rows = await self.shop.rows(
                f"SELECT to_jsonb(t) - %s::text[] FROM {table} AS t WHERE member_id = ANY (%s::uuid[])",
                (list(NOT_COMPARED), list(self.members)),
            )
            found[table] = sorted(self.plain(sorted(row.items())) for (row,) in rows)
        return found

    async def repeat(self) -> None:
        """Send again what was posted: each gives the same transfer or hold, and nothing comes of it."""
        before = await self.books()
        for fact, result in self.posted:
            if isinstance(result, DomainError) or not isinstance(fact, Accrue | Redeem | Adjust | PlaceHold):
                continue
            async with self.shop.database.transaction(by_keys=True) as tx:
                (again,) = await ledger.carry_out(tx, self.shop.rules.configuration, [fact])
            if isinstance(result, Posting):
                assert isinstance(again, Posting), (fact, again)
                assert (again.member_id, again.seq) == (result.member_id, result.seq)
            else:
                assert isinstance(again, HoldStanding), (fact, again)
                assert (again.member_id, again.seq) == (result.member_id, result.seq)
        after = await self.books()
        for table in ("ledger_transfers", "lots", "holds"):
            assert after[table] == before[table], table


async def live(world: World, shape: str, phases: Sequence[Sequence[Wish]], cuts: Sequence[int] | None) -> None:
    """Let facts come before, while and after members are merged; `cuts` None: each fact alone."""
    at = NOW
    for number, phase in enumerate(phases):
        facts = []
        for wish in phase:
            at += wish.gap
            facts.append(world.fact(wish, at))
        await world.apply(facts, range(len(facts)) if cuts is None else cuts)
        at += DAY
        if number == 0:
            await world.join("one", 1, 0, at)
        elif number == 1 and shape.startswith("chain"):
            await world.join("two", 2, 1, at)
        elif number == 2 and shape.endswith("undone"):
            if shape.startswith("chain"):
                await world.join("two", 2, 1, at, undo=True)
            await world.join("one", 1, 0, at, undo=True)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    shape=st.sampled_from(SHAPES),
    phases=st.tuples(wishes, wishes, wishes, wishes),
    cuts=st.lists(st.integers(1, 6), max_size=3),
)
async def test_batches_singles_and_any_split_give_the_same_books_of_merged_members(
    shop: Shop, shape: str, phases: tuple[list[Wish], ...], cuts: list[int]
) -> None:
    programme = Programme(shop.database, shop.vault)
    worlds = {}
    for name, split in (("batch", list[int]()), ("singles", None), ("split", cuts)):
        token = new_id().hex
        members = [await shop.member(f"{token}:{number}") for number in range(MEMBERS)]
        world = World(shop, members, token)
        await live(world, shape, phases, split)
        worlds[name] = (world.outcomes, await world.books())
        await world.repeat()
    for name in ("batch", "split"):
        assert worlds[name][0] == worlds["singles"][0], name
        for table, rows in worlds["singles"][1].items():
            assert worlds[name][1][table] == rows, (name, table)
    assert await programme.problems() == {}
