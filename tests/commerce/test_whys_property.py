"""Whatever members did: all of it can be told why, in every language and for good; and units are traced both ways.

Random small histories of four members, with orders, returns, holds, corrections, expiry, extensions, points from member
to member, a change of policy, merges and their undoing, by the same verbs and walk as batches of merged members.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import strategies as st
from msgspec import structs

from regulars.commerce import api as commerce
from regulars.loyalty import api as loyalty
from regulars.loyalty.policy.contracts import EarningPolicy, TransferPolicy
from regulars.members import api as members
from regulars.members.contracts.merging import MergeMembers, MergingParts, UndoMerge
from regulars.platform.errors import DomainError
from regulars.platform.explaining.contracts import Explanation
from regulars.platform.ids import public_id
from tests.commerce.shop import DAY, NOW, POLICY, Shop
from tests.commerce.test_merged_batches import KINDS, MEMBERS, SHAPES, Wish, World
from tests.commerce.whys import Lineages, Unit, asked_as_of, asked_why, said, unit_of
from tests.examples import examples
from tests.loyalty.programme import Programme, extend

pytestmark = pytest.mark.anyio
HISTORIES: Final = 16
PARTS: Final[MergingParts] = (loyalty.MERGING, commerce.MERGING)
FIRST: Final = structs.replace(
    POLICY,
    earning=EarningPolicy(maturity_hours=48, expiry_months=2),
    transfers=TransferPolicy(among="anyone"),
    # Low enough that a return of an order of whoever was merged lowers what the two have become together.
    tier=structs.replace(
        POLICY.tier,
        tiers=tuple(
            [
                structs.replace(tier, threshold=threshold)
                for tier, threshold in zip(POLICY.tier.tiers, (0, 300, 600, 99_999), strict=True)
            ]
        ),
    ),
)
LATER: Final = structs.replace(FIRST, earning=EarningPolicy(maturity_hours=24, expiry_months=3, minor_per_point=50))

OFTEN: Final = ("order", "return", "return", "redeem", "redeem", "pay", "extend", "give", "expire")

wishes = st.lists(
    st.builds(
        Wish,
        member=st.sampled_from([0, 0, 0, 1, 1, 2, 3]),
        kind=st.sampled_from((*KINDS, *OFTEN)),
        name=st.integers(0, 3),
        amount=st.integers(1, 300),
        gap=st.sampled_from([timedelta(0), timedelta(hours=1), DAY, DAY, 3 * DAY, 20 * DAY]),
    ),
    min_size=2,
    max_size=7,
)
# Whoever is merged has something, of orders too.
BEGUN: Final = [
    *[Wish(member, "order", name, 1, timedelta(0)) for member in (0, 1) for name in (1, 3)],
    *[Wish(member, "accrue", 0, 1, DAY) for member in (1, 2)],
]
histories = st.tuples(st.sampled_from(SHAPES), st.tuples(wishes, wishes, wishes, wishes))
# What every run has: else it says nothing of it.
TRIED: Final = {
    *("earning.order", "payment.used", "return.took_back", "return.clawed_back", "hold.placed"),
    *("posting.accrued", "posting.redeemed", "posting.corrected_down", "expiry.extended", "expiry.unused"),
    *("moved.in.merge", "moved.in.return", "moved.out.undo", "moved.out.transfer", "tier.by_posting"),
}
Whys = dict[tuple[str, UUID, object], Explanation]


class Walk(World):
    """The same walk through every room, with what more than one transaction carries out."""

    merges: dict[str, UUID]

    async def go(self, phase: Sequence[Wish], at: datetime) -> datetime:
        """Carry out wishes one after the other; returns when the last was."""
        for wish in phase:
            at += wish.gap
            self.shop.at(at)
            more: dict[str, Callable[[Wish, datetime], Any]] = {
                "extend": self._extend,
                "give": self._give,
                "expire": self._expire,
            }
            if wish.kind in more:
                await more[wish.kind](wish, at)
            else:
                await self.apply([self.fact(wish, at)], [])
        return at

    async def _extend(self, wish: Wish, at: datetime) -> None:
        member_id = self.members[wish.member]
        async with self.shop.database.transaction() as tx:
            open_lots = [one for one in await loyalty.lots(tx, member_id) if one.remaining]
        if open_lots:
            lot = open_lots[wish.amount % len(open_lots)]
            until = lot.expires_at + wish.amount * DAY
            await self.apply([extend(member_id, lot.lot_no, at, until, f"late:{wish.amount}:{lot.lot_no}")], [])

    async def _give(self, wish: Wish, at: datetime) -> None:
        gift = loyalty.TransferPoints(
            member_id=self.members[wish.member],
            to_id=self.members[wish.name],
            amount=wish.amount,
            reference=f"gift:{wish.name}:{wish.amount}",
            actor="test",
            recorded_at=at,
        )
        async with self.shop.database.transaction(by_keys=True) as tx:
            await loyalty.transfer_points(tx, self.shop.rules.configuration, [gift])

    async def _expire(self, _: Wish, at: datetime) -> None:
        async with self.shop.database.transaction() as tx:
            await loyalty.expire_due(tx, self.shop.rules.configuration, at)

    async def be_one(self, name: str, survivor: int, absorbed: int, at: datetime) -> None:
        """Merge two of the members in every room; holds of the absorbed one stand against it."""
        wish = MergeMembers(
            survivor_id=self.members[survivor],
            absorbed_id=self.members[absorbed],
            actor="test",
            reason="one person",
            recorded_at=at,
        )
        try:
            async with self.shop.database.transaction() as tx:
                made = await members.merge_members(tx, self.shop.vault, PARTS, wish)
        except DomainError:
            return
        self.merges[name] = made.merge_id

    async def be_two(self, name: str, survivor: int, at: datetime) -> None:
        """Undo a merge, if there was one."""
        if name not in self.merges:
            return
        wish = UndoMerge(
            survivor_id=self.members[survivor],
            merge_id=self.merges[name],
            actor="test",
            reason="two persons",
            recorded_at=at,
        )
        try:
            async with self.shop.database.transaction() as tx:
                await members.undo_merge(tx, self.shop.vault, PARTS, wish)
        except DomainError:
            return


async def test_everything_is_told_for_good_and_traced_both_ways(shop: Shop) -> None:
    async with shop.database.transaction() as tx:
        await loyalty.activate_policy(tx, FIRST, NOW - 999 * DAY)
        await loyalty.activate_policy(tx, LATER, NOW + 50 * DAY)
    kinds, traced = Counter[str](), Counter[str]()
    for number, (shape, phases) in enumerate(examples(histories, HISTORIES)):
        people = [await shop.member(f"why{number}:{each}") for each in range(MEMBERS)]
        walk = Walk(shop, people, f"why{number}")
        walk.merges = {}
        told: Whys = {}
        as_of: dict[datetime, Whys] = {}
        at = await walk.go(BEGUN, NOW)
        for step, phase in enumerate(phases):
            at = await walk.go(phase, at)
            told = await _told_for_good(shop, people, told)
            for then, whys in as_of.items():
                again = await asked_as_of(shop, people, then)
                assert {key: _decided(one) for key, one in again.items()} == {
                    key: _decided(one) for key, one in whys.items()
                }
            as_of[at] = await asked_as_of(shop, people, at)
            traced.update(await _traced(shop, people))
            at += DAY
            shop.at(at)
            if step == 0:
                await walk.be_one("one", 1, 0, at)
            elif step == 1 and shape.startswith("chain"):
                await walk.be_one("two", 2, 1, at)
            elif step == 2 and shape.endswith("undone"):
                await walk.be_two("two", 2, at)
                await walk.be_two("one", 1, at)
        shop.at(at + 400 * DAY)
        another = structs.replace(LATER, earning=EarningPolicy(expiry_months=5 + number, minor_per_point=30))
        async with shop.database.transaction() as tx:
            await loyalty.activate_policy(tx, another, NOW + (1_500 + number) * DAY)
        await _told_for_good(shop, people, told)
        kinds.update(reason.rule for one in told.values() for reason in one.reasons)
    assert await Programme(shop.database, shop.vault).problems() == {}
    assert kinds.keys() >= TRIED
    for one in ("moved", "cover", "extend", "hidden", "through", "tiers"):
        assert traced[one] > 0, traced


async def _told_for_good(shop: Shop, people: Sequence[UUID], before: Whys) -> Whys:
    """Ask why of everything; what was told of a decision before is told so still."""
    found = await asked_why(shop, people)
    for one in found.values():
        said(one)
    assert before.keys() <= found.keys()
    for key, one in before.items():
        if key[0] in {"transfer", "order", "return"}:
            assert _decided(found[key]) == _decided(one), key
    return found


def _decided(one: Explanation) -> tuple[object, ...]:
    """Return what an explanation says, and by which values and version: who has no books yet has no time zone."""
    return said(one), one.reasons, one.near, one.policy_version


async def _traced(shop: Shop, people: Sequence[UUID]) -> Counter[str]:
    """Check lineage of all that is there, both ways; returns what there was to check."""
    found = await Lineages(shop, people).read()
    families = {one: whose or one for one, whose in await shop.rows("SELECT member_id, merged_into FROM members")}
    owners = {order_id: families[pages[0]] for order_id, pages in found.orders.items()}
    seen = Counter[str]()
    # Whatever an order or a return of it did to a tier is told of that order once, in whosever books that is.
    caused = Counter([(one.member_id, one.seq) for _, pages in found.orders.values() for one in pages[0].tier_changes])
    assert caused == Counter([(public_id("mbr", whose), seq) for whose, seq in found.tiers])
    owned = {order_id: public_id("mbr", member_id) for order_id, (member_id, _) in found.orders.items()}
    seen["tiers"] = sum(
        [one.member_id != owned[name] for name, (_, pages) in found.orders.items() for one in pages[0].tier_changes]
    )
    for lot, (origin, uses, order_id, amount, remaining) in found.lots.items():
        assert amount - sum([one.points for one in uses]) == remaining, lot
        assert origin.lot_amount == amount
        assert found.roots_of(lot).total() == amount
        is_ones = order_id is not None and owners[order_id] == families[lot.member_id]
        assert origin.order_id == (order_id if is_ones else None), lot
        seen["hidden"] += order_id is not None and not is_ones
        for one in uses:
            if one.kind in {"move_out", "extend"}:
                there = found.lots[unit_of(one.to_lot)].origin
                came = there.from_lot if one.kind == "extend" else there.from_transfer
                number = lot.number if one.kind == "extend" else one.seq
                assert came == loyalty.transfer_id(lot.member_id, number), (lot, one)
                seen[one.kind] += 1
    by_lots = Counter(
        [(lot.member_id, one.seq, lot.number, one.points) for lot, it in found.lots.items() for one in it.uses]
    )
    by_transfers = Counter(
        [(it.member_id, it.number, one.lot_no, one.points) for it, (_, used) in found.transfers.items() for one in used]
    )
    assert by_lots == by_transfers
    _traced_orders(found, seen)
    return seen


def _traced_orders(found: Lineages, seen: Counter[str]) -> None:
    """Forward from each order are the lots that name it, and each use of them; back from each use is the order."""
    spent = Counter(
        [
            (Unit(member_id, one.lot_no), one.seq, one.points, order_id, one.order_id)
            for order_id, (member_id, pages) in found.orders.items()
            for page in pages
            for one in page.spent
            if one.order_id is not None
        ]
    )
    used = Counter(
        [
            (lot, one.seq, one.points, one.order_id, order_id)
            for order_id in found.orders
            for lot, one in found.uses_told(order_id)
            if one.order_id is not None and one.kind != "claw_back"
        ]
    )
    assert spent == used
    for order_id, (member_id, pages) in found.orders.items():
        lots = found.lots_of(order_id)
        assert lots == Counter([lot for lot, it in found.lots.items() if it.order_id == order_id]), order_id
        seen["moved"] += sum([lot.member_id != member_id for lot in lots])
        seen["cover"] += sum([moved.why == "cover" for page in pages for moved in page.moved])
        uses = Counter([(lot, one.seq, one.points) for lot, one in found.uses_told(order_id)])
        assert uses == Counter([(lot, one.seq, one.points) for lot in lots for one in found.lots[lot].uses]), order_id
        seen["through"] += sum(
            [lot.member_id != member_id and one.kind == "redeem" for lot, one in found.uses_told(order_id)]
        )
