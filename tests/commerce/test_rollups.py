"""Roll-ups are what the facts give, after anything that happens: told late, returned, corrected, expired."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from regulars.commerce import api as commerce
from regulars.commerce.contracts import ClaimOrder, OrderFact
from regulars.entrypoints.commands import roll_everything_up
from regulars.entrypoints.merging import PARTS
from regulars.entrypoints.wiring import checks, roll_ups
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue, Adjust, Redeem
from regulars.members import api as members
from regulars.members.contracts.merging import Merge, MergeMembers, UndoMerge
from regulars.platform.db import snapshots
from regulars.platform.errors import DomainError
from regulars.platform.rollups import service as rollups
from regulars.platform.verification.service import verify
from tests.commerce.shop import CN, DAY, HOUR, NOW, POLICY, US, Shop, back, put

pytestmark = pytest.mark.anyio
SEARCH = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.generate),
)
TABLES = (
    "sales_days",
    "store_sales_days",
    "returns_days",
    "bought_again",
    "points_days",
    "points_months",
    "points_minutes",
    "tier_days",
    "joined_days",
)
ROLLED_UP = {"sign-ups rolled up", "books rolled up", "sales rolled up"}
ZONES = {market.code: ZoneInfo(market.time_zone) for market in (CN, US)}
numbers = count(1)
KINDS = ("paid", "placed", "cancelled", "return", "rest", "accrue", "redeem", "adjust")
RARER = ("join", "expire", "day-passes", "roll-up", "merge", "merge", "undo")


class Step(NamedTuple):
    """One thing that happens: to whom, with which order, how long before now, how much."""

    what: str
    member: int
    order: int
    hours_ago: int
    amount: int


steps = st.lists(
    st.builds(
        Step,
        what=st.sampled_from(["paid", "paid", *KINDS, *RARER]),
        member=st.integers(0, 2),
        order=st.integers(0, 5),
        hours_ago=st.integers(0, 24 * 60),
        amount=st.integers(1, 400_000),
    ),
    max_size=24,
)


async def rolled_up(shop: Shop) -> dict[str, list[tuple[Any, ...]]]:
    """Return every sum; 'infinity' is no day of Python's."""
    return {
        table: [row[0] for row in await shop.rows(f"SELECT t::text FROM {table} AS t ORDER BY 1")] for table in TABLES
    }


async def wrong(shop: Shop) -> list[str]:
    mine = [check for check in checks() if check.name in ROLLED_UP]
    assert len(mine) == len(ROLLED_UP)
    return [problem async for found in verify(shop.database, mine) for problem in found.told("en")]


class Story:
    """What happens in one example, on a database that earlier ones used."""

    def __init__(self, shop: Shop, members: Sequence[UUID]) -> None:
        self.shop, self.members, self.number = shop, members, next(numbers)
        self.now = shop.database.clock.now()
        self.merges: list[Merge] = []

    async def happens(self, step: Step) -> None:
        shop, member = self.shop, self.members[step.member]
        at = max(self.now - timedelta(hours=step.hours_ago), NOW - 300 * DAY)
        order_id, market = f"o{self.number}-{step.order}", "US" if step.order % 3 == 2 else "CN"
        match step.what:
            case "paid" | "placed" | "cancelled":
                store = {"CN": "367" if step.order % 2 else None, "US": "9"}[market]
                fact = put(
                    member,
                    order_id,
                    (step.amount, 500),
                    state=step.what,
                    market=market,
                    currency={"CN": "CNY", "US": "USD"}[market],
                    store_id=store,
                    channel="online" if store is None else "store",
                    occurred_at=at,
                )
                await shop.apply(fact)
            case "return":
                await shop.apply(back(order_id, f"r{step.amount}", ("1", 500)))
            case "rest":
                await shop.apply(back(order_id, f"r{step.amount}"))
            case "accrue" | "redeem" | "adjust" as what:
                await self.post(what, member, step)
            case "join":
                await shop.member(f"late{self.number}-{step.amount}", market)
            case "expire":
                async with shop.database.transaction(set_based=True) as tx:
                    await loyalty.expire_due(tx, shop.rules.configuration, self.now, 100)
            case "day-passes":
                self.now += timedelta(hours=26)
                shop.at(self.now)
            case "merge":
                await self.merge(member, self.members[(step.member + 1 + step.order % 2) % len(self.members)])
            case "undo":
                await self.undo(step.amount)
            case _:
                assert await wrong(shop) == [], "what is not rolled up yet is told apart"
                await roll_everything_up(shop.database)
                assert await wrong(shop) == []

    async def merge(self, survivor: UUID, absorbed: UUID) -> None:
        """Merge where nothing stands against it: not what is part of the other already, or has an order not paid."""
        wish = MergeMembers(survivor_id=survivor, absorbed_id=absorbed, reason="one person", actor="test")
        with suppress(DomainError):
            async with self.shop.database.transaction() as tx:
                self.merges.append(await members.merge_members(tx, self.shop.vault, PARTS, wish))

    async def undo(self, which: int) -> None:
        """Undo one of the merges; a chain is undone from its end, and any other is refused."""
        if not self.merges:
            return
        merge = self.merges[which % len(self.merges)]
        wish = UndoMerge(survivor_id=merge.survivor_id, merge_id=merge.merge_id, reason="two persons", actor="test")
        with suppress(DomainError):
            async with self.shop.database.transaction() as tx:
                await members.undo_merge(tx, self.shop.vault, PARTS, wish)
            self.merges.remove(merge)

    async def post(self, what: str, member: UUID, step: Step) -> None:
        kind: Any = {"accrue": Accrue, "redeem": Redeem, "adjust": Adjust}[what]
        reference = f"{what}{self.number}-{step.amount}-{step.hours_ago}"
        wish = kind(member_id=member, wallet="points", amount=step.amount, reference=reference, reason="a test")
        async with self.shop.database.transaction(set_based=True) as tx:
            await loyalty.post(tx, self.shop.rules.configuration, [wish])


@SEARCH
@given(story=steps)
async def test_sums_are_what_the_facts_give_whatever_happened(shop: Shop, story: list[Step]) -> None:
    people = [await shop.member("wang"), await shop.member("li"), await shop.member("smith", "US")]
    told = Story(shop, people)
    for step in story:
        await told.happens(step)
    await roll_everything_up(shop.database)
    once = await rolled_up(shop)
    await roll_everything_up(shop.database)
    twice = await rolled_up(shop)
    await roll_everything_up(shop.database, anew=True)
    anew = await rolled_up(shop)

    assert await wrong(shop) == []
    assert twice == once, "running again changes nothing"
    assert anew == once, "day by day, or all at once"
    await _figures_are_right(shop, told.now)


async def _figures_are_right(shop: Shop, now: datetime) -> None:
    """Compare what pages are told with what a child would count from the rows. A merged person is one."""
    orders = await shop.rows(
        "SELECT coalesce(m.merged_into, o.member_id), o.market, o.currency, o.channel, o.store_id, o.occurred_at, "
        "o.total_minor FROM orders AS o JOIN members AS m ON m.member_id = o.member_id WHERE o.paid_at IS NOT NULL"
    )
    for first_ago, last_ago in ((0, 0), (6, 0), (40, 9), (299, 0), (70, 69)):
        first, last = now.date() - timedelta(first_ago), now.date() - timedelta(last_ago)
        days = commerce.PeriodDays(first - (last - first) - DAY, first, last)
        async with shop.database.transaction() as tx:
            figures = await commerce.sales_figures(tx, days, by="day")
            stores = await commerce.store_figures(tx, days)
            joined = await members.member_figures(tx, before_first=days.before_first, first=first, last=last)
            programme = await loyalty.programme_figures(
                tx, POLICY, before_first=days.before_first, first=first, last=last
            )
            listed, _ = await commerce.members_who_bought(tx, first=first, last=last, limit=1_000)
            held = {
                rule.code: await loyalty.roll(
                    tx, shop.rules.configuration, tier=rule.code, tier_on=last, last=last, limit=1_000
                )
                for rule in POLICY.tier.tiers
            }
            everybody = await loyalty.roll(tx, shop.rules.configuration, last=last, limit=1_000)
        seen = [(row, row[5].astimezone(ZONES[row[1]]).date()) for row in orders]
        within = [(row, day) for row, day in seen if first <= day <= last]
        before = [row for row, day in seen if days.before_first <= day < first]
        sold: Counter[Any] = Counter()
        by_store: dict[Any, int] = defaultdict(int)
        for row, day in within:
            sold[row[1], row[2], row[3], day] += row[6]
            by_store[row[4]] += row[6]

        assert {(o.market, o.currency, o.channel, o.bucket): o.revenue_minor for o in figures.sold} == sold
        assert sum(one.orders for one in figures.sold_before) == len(before)
        assert figures.active == len({row[0] for row, _ in within})
        assert figures.active_before == len({row[0] for row in before})
        assert {one.store_id: one.revenue_minor for one in stores} == {k: v for k, v in by_store.items() if k}
        persons = (await shop.rows("SELECT count(*) FROM members WHERE merged_into IS NULL"))[0][0]
        assert joined.members == persons == len({one.member_id for one in everybody}) == len(everybody)
        assert listed == sorted({row[0] for row, _ in within}, reverse=True)
        moves = {code: at_end for code, at_end, _ in programme.tier_moves}
        assert {code: len(found) for code, found in held.items()} == {**moves, "regular": moves["regular"] + persons}


async def test_a_merged_person_is_counted_once_and_twice_again_once_that_is_undone(shop: Shop, wang: UUID) -> None:
    """Li becomes part of Wang, and Wang of Zhao; all bought, two of them on one day, and each holds a tier."""
    li, zhao = await shop.member("li"), await shop.member("zhao")
    for member, order_id, total, ago in ((li, "A", 300_000, 9), (wang, "B", 120_000, 9), (zhao, "C", 600_000, 2)):
        await bought(shop, put(member, order_id, (total,), occurred_at=NOW - ago * DAY))
    last = NOW.date()

    async def counted() -> tuple[int, dict[str, int], list[int]]:
        await roll_everything_up(shop.database)
        assert await wrong(shop) == []
        once = await rolled_up(shop)
        await roll_everything_up(shop.database, anew=True)
        assert await rolled_up(shop) == once
        async with shop.database.transaction() as tx:
            joined = await members.member_figures(tx, before_first=last - DAY, first=last, last=last)
            figures = await loyalty.programme_figures(tx, POLICY, before_first=last - DAY, first=last, last=last)
            sums = []
            for began in (last - 30 * DAY, last - 5 * DAY):
                days = commerce.PeriodDays(last - 60 * DAY, began, last)
                sums.append((await commerce.sales_figures(tx, days, by="day")).active or 0)
        return joined.members, {code: at_end for code, at_end, _ in figures.tier_moves if at_end}, sums

    story = Story(shop, [li, wang, zhao])
    seen = [await counted()]
    await story.merge(wang, li)
    seen.append(await counted())
    await story.merge(zhao, wang)
    seen.append(await counted())
    await story.undo(0)  # refused: the other came on top of it
    await story.undo(1)
    seen.append(await counted())
    await story.undo(0)
    seen.append(await counted())

    assert seen == [
        (3, {"regular": -3, "silver": 1, "gold": 1, "diamond": 1}, [3, 1]),
        (2, {"regular": -2, "gold": 1, "diamond": 1}, [2, 1]),
        (1, {"regular": -1, "diamond": 1}, [1, 1]),
        (2, {"regular": -2, "gold": 1, "diamond": 1}, [2, 1]),
        (3, {"regular": -3, "silver": 1, "gold": 1, "diamond": 1}, [3, 1]),
    ]


# --- who does it, and when ----------------------------------------------------------------------------------------


async def bought(shop: Shop, *facts: OrderFact) -> None:
    for outcome in await shop.apply(*facts):
        assert not isinstance(outcome, Exception), outcome


async def sold(shop: Shop, day: date) -> list[tuple[int, int]]:
    return await shop.rows("SELECT orders, revenue_minor FROM sales_days WHERE day = %s", (day,))


async def test_an_order_told_late_mends_its_day(shop: Shop, wang: UUID) -> None:
    await bought(shop, put(wang, "A", (1_000,), occurred_at=NOW - 40 * DAY))
    await roll_everything_up(shop.database)
    shop.at(NOW + DAY)
    await bought(shop, put(wang, "B", (500,), occurred_at=NOW - 40 * DAY + HOUR))
    days = await roll_everything_up(shop.database)

    assert days["sales"] == 1, "that day, and no other"
    assert await sold(shop, (NOW - 40 * DAY).date()) == [(2, 1_500)]


async def test_who_commits_late_is_not_missed(shop: Shop, wang: UUID) -> None:
    li = await shop.member("li")
    async with shop.database.transaction(set_based=True) as slow:
        await commerce.apply(slow, shop.rules, [put(wang, "A", (1_000,), occurred_at=NOW - DAY)])
        await slow.flush()
        await bought(shop, put(li, "B", (500,), occurred_at=NOW - DAY))
        await roll_everything_up(shop.database)
        before = await sold(shop, (NOW - DAY).date())
    await roll_everything_up(shop.database)

    assert before == [(1, 500)]
    assert await sold(shop, (NOW - DAY).date()) == [(2, 1_500)]
    assert await wrong(shop) == []


async def test_runs_at_once_are_as_good_as_one(shop: Shop, wang: UUID) -> None:
    await bought(shop, put(wang, "A", (1_000,), occurred_at=NOW - 3 * DAY))
    await roll_everything_up(shop.database)
    for round_ in range(5):
        facts = [put(wang, f"{round_}-{n}", (100,), occurred_at=NOW - n * DAY) for n in range(1, 4)]
        await asyncio.gather(
            *[roll_everything_up(shop.database) for _ in range(3)], *[bought(shop, fact) for fact in facts]
        )
    await asyncio.gather(*[roll_everything_up(shop.database) for _ in range(3)])
    together = await rolled_up(shop)
    await roll_everything_up(shop.database, anew=True)

    assert await rolled_up(shop) == together
    assert await wrong(shop) == []


async def test_a_run_that_breaks_off_is_done_again(shop: Shop, wang: UUID) -> None:
    await roll_everything_up(shop.database)
    await bought(shop, put(wang, "A", (1_000,)))

    async def broken() -> None:
        async with shop.database.transaction(set_based=True) as tx:
            await rollups.bring_up_to_date(tx, commerce.SALES)
            await tx.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await broken()
    assert await sold(shop, NOW.date()) == []
    await roll_everything_up(shop.database)
    assert await sold(shop, NOW.date()) == [(1, 1_000)]


async def test_sums_that_somebody_changed_are_found_and_computed_anew(shop: Shop, wang: UUID) -> None:
    await bought(shop, put(wang, "A", (100_000,)))
    await roll_everything_up(shop.database)
    async with shop.database.transaction() as tx:
        for table in TABLES:
            column = {
                "tier_days": "change",
                "sales_days": "orders",
                "returns_days": "returns",
                "store_sales_days": "orders",
            }
            told = "units" if table.startswith("points_") else column.get(table, "members")
            tx.write(f"UPDATE {table} SET {told} = 7")
        tx.write("INSERT INTO returns_days VALUES ('2026-03-02', 'CN', 'CNY', '', 1, 1)")
    found = await wrong(shop)
    await roll_everything_up(shop.database, anew=True)

    assert {problem.partition(",")[0] for problem in found} == set(TABLES)
    assert await wrong(shop) == []


async def test_after_a_restore_everything_is_computed_anew(shop: Shop, wang: UUID) -> None:
    await bought(shop, put(wang, "A", (1_000,)))
    await roll_everything_up(shop.database)
    await bought(shop, put(wang, "B", (500,)))
    async with shop.database.transaction() as tx:
        await snapshots.rebase(tx)
    days = await roll_everything_up(shop.database)

    assert days["sales"] == 1
    assert await wrong(shop) == []


async def test_it_is_told_up_to_when_sums_hold_and_when_days_changed(shop: Shop, wang: UUID) -> None:
    async with shop.database.transaction() as tx:
        assert await commerce.sales_standing(tx) is None
    await bought(shop, put(wang, "A", (1_000,), occurred_at=NOW - 9 * DAY))
    await roll_everything_up(shop.database)
    async with shop.database.transaction() as tx:
        first = await commerce.sales_standing(tx)
        changed = await rollups.changed_at(tx, commerce.SALES, NOW.date() - 20 * DAY, NOW.date())
        unchanged = await rollups.changed_at(tx, commerce.SALES, NOW.date() - 2 * DAY, NOW.date())
    shop.at(NOW + HOUR)
    await roll_everything_up(shop.database)
    async with shop.database.transaction() as tx:
        later = await commerce.sales_standing(tx)

    assert first is not None
    assert later is not None
    day = (NOW - 9 * DAY).date()
    assert (first.as_of, first.first_day, first.last_day) == (NOW, day, day)
    assert (changed, unchanged) == (first.computed_at, None)
    assert (later.as_of, later.last_day) == (NOW + HOUR, day), "nothing happened since, and that is known"


def test_every_roll_up_has_a_name_and_a_check() -> None:
    names = [roll_up.name for roll_up in roll_ups()]

    assert sorted(names) == ["books", "sales", "sign-ups"]
    assert {f"{name} rolled up" for name in names} <= {check.name for check in checks()}


async def test_days_of_25_hours_and_guests_who_become_members_are_summed_whole(shop: Shop) -> None:
    """The clocks of New York went back on 1 November 2025 at 2: that day has a second 1 o'clock."""
    smith, zone = await shop.member("smith", "US"), ZONES["US"]
    long_day = date(2025, 11, 2)
    first = datetime(2025, 11, 2, 0, 0, tzinfo=zone).astimezone(NOW.tzinfo)
    us: dict[str, Any] = {"market": "US", "currency": "USD", "store_id": "9"}
    at = {"before": first - timedelta(seconds=1), "first": first, "twice": first + 2 * HOUR}
    at |= {"last": first + 25 * HOUR - timedelta(seconds=1), "after": first + 25 * HOUR}
    for name, instant in at.items():
        await shop.apply(put(smith, name, (100,), occurred_at=instant, **us))
    await shop.apply(put(None, "guest", (700, 300), occurred_at=NOW - 20 * DAY, **us))
    await roll_everything_up(shop.database)
    days = await shop.rows("SELECT day, orders FROM sales_days WHERE market = 'US' ORDER BY day")
    await shop.apply(back("guest", "g-1", ("2", 1_000)))
    await shop.apply(ClaimOrder(order_id="guest", member_id=smith))
    await roll_everything_up(shop.database)
    theirs = await shop.rows(
        "SELECT orders, revenue_minor, returned_minor FROM store_sales_days WHERE day = %s", ((NOW - 20 * DAY).date(),)
    )
    came_back = await shop.rows("SELECT sum(returns), sum(returned_minor) FROM returns_days")

    assert days == [(long_day - timedelta(days=1), 1), (long_day, 3), (long_day + timedelta(days=1), 1)]
    assert theirs == [(1, 1_000, 150)]
    assert came_back == [(1, 150)]
    assert await wrong(shop) == []
