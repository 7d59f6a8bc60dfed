"""The whole replay, computed a second time from the raw table in plain Python.

`python -m tests.year.oracle --programme easy|hard [--households-mod 10]` prints the
summary as JSON; `--trace HOUSEHOLD` prints what happened to one household instead,
`--digest-lines` the lines under the digest. `--expected` prints the figures of both
programmes, for all households and for a tenth; they are kept in `expected.json`.

The decisions about the table are listed in `oracle_data`. Those about what happens:

* Households do not touch each other, so each is replayed on its own, in the order
  (time, kind, basket id) with review before return before order. The basket id of a
  return is its order's.
* The member pays before earning: debt and spendable points are looked at before the
  order's own points, and `p` may come out as 0 (5 % of less than 20 cents is nothing).
* `points_earned` is the full `b * m`, also the part that repays debt; `points_reversed`
  is everything clawed back, also the part that becomes debt. Thus earned - redeemed +
  given back - reversed = available + pending + expired - debt, which is checked.
* Debt is repaid by points earned and by nothing else: neither points given back by
  a return nor lots that mature repay it, so a member may hold points and owe some.
* A second return settles the difference to what the first one left: (b'1 - b'2) * m is
  clawed back with the order's own multiplier, and the points that go back continue,
  latest taken first, where the first return stopped.
* A lot has expired at `t` if `expires_at <= t`; so a lot that expires exactly at
  the end is in `points_expired` and not in `available`.
* "Oldest" is the order in which the lots came into being: for lots of orders that is
  order time, then basket id. Each expired part of a give-back becomes a lot of its own
  (one joint lot would give the same figures). Lots made by a give-back count in
  `points_expired` like any other once they expire.
* A claw-back takes from the order's own lot up to what is left in it, before or after
  its maturity; it is not taken twice as a "spendable lot".
* A growth entry stays at its order's time whatever a return leaves of it. The window
  includes its right edge and not its left one, at reviews, returns and the end too.
* A review sees the growth of everything before it in the order above; an order at the
  very instant of the review comes after it. A review at a household that has bought
  nothing yet finds growth 0.
* `members` are the households that have a line; `returns` counts each return made, a
  second one separately, a worthless one too. `growth` and `points_*` are what was booked
  at the time, `growth` of a household what its window holds at the end.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from .oracle_data import (
    DAY_SECONDS,
    END,
    PROGRAMMES,
    Lines,
    Order,
    Programme,
    ProgrammeName,
    Return,
    expiry_of,
    load_lines,
    orders_by_household,
)

MULTIPLIERS = (1, 1, 2, 3)
TIER_FLOORS = (1_000, 2_500, 5_000)
REVIEW, RETURN, ORDER = 0, 1, 2
GIVEN_BACK_LIFE_SECONDS = 30 * DAY_SECONDS


@dataclass(eq=False)
class Lot:
    """Points that become available and expire together."""

    available_at: int
    expires_at: int
    left: int

    def is_spendable(self, time: int) -> bool:
        """Say whether its points can be spent at that instant."""
        return self.available_at <= time < self.expires_at


@dataclass(eq=False)
class Settlement:
    """What an order stands at, after the returns so far."""

    order: Order
    multiplier: int
    p_original: int
    p: int
    b: int
    lot: Lot
    uses: list[tuple[Lot, int]]
    returned_cents: int = 0


@dataclass(frozen=True)
class Step:
    """What one event did, and how the member stood after it."""

    time: int
    kind: int
    basket: int
    tier: int
    debt: int
    redeemed: int = 0
    earned: int = 0
    growth: int = 0
    returned_cents: int = 0
    given_back: int = 0
    reversed: int = 0
    growth_reversed: int = 0


@dataclass(frozen=True)
class HouseholdResult:
    """How a household stands at the end; `growth` is what the window holds."""

    tier: int
    available: int
    pending: int
    growth: int
    debt: int


@dataclass(frozen=True)
class OracleResult:
    """The summary as a dictionary, and how each household stands."""

    summary: dict[str, Any]
    households: dict[int, HouseholdResult]


def tier_of(growth: int) -> int:
    """Return the tier that growth gives: 0 Regular to 3 Diamond."""
    return sum(1 for floor in TIER_FLOORS if growth >= floor)


@dataclass
class Member:
    """One household, replayed event by event."""

    programme: Programme
    tier: int = 0
    debt: int = 0
    lots: list[Lot] = field(default_factory=list)
    settlements: dict[int, Settlement] = field(default_factory=dict)

    def growth_at(self, time: int) -> int:
        """Add up the growth in the window that ends at `time`."""
        start = time - self.programme.window_seconds
        return sum(s.b for s in self.settlements.values() if start < s.order.time <= time)

    def spendable_lots(self, time: int) -> list[Lot]:
        """Return the lots in the order in which they are consumed."""
        lots = [lot for lot in self.lots if lot.left and lot.is_spendable(time)]
        return sorted(lots, key=lambda lot: lot.expires_at)  # stable: oldest first within

    def take(self, lots: list[Lot], points: int) -> list[tuple[Lot, int]]:
        """Take up to `points` from the lots in turn and say how much from which."""
        uses = []
        for lot in lots:
            used = min(lot.left, points)
            lot.left -= used
            points -= used
            if used:
                uses.append((lot, used))
        return uses

    def buy(self, order: Order) -> Step:
        """Pay, earn and rise."""
        time, total = order.time, order.total_cents
        multiplier = MULTIPLIERS[self.tier]
        lots = self.spendable_lots(time)
        spendable = sum(lot.left for lot in lots)
        p = 0
        if order.wants_to_pay_with_points and self.debt == 0 and spendable >= 200:
            p = min(spendable, total * 5 // 100)
        uses = self.take(lots, p)
        b = (total - p) // 100
        earned = b * multiplier
        repaid = min(self.debt, earned)
        self.debt -= repaid
        lot = Lot(
            available_at=time + self.programme.maturity_seconds,
            expires_at=expiry_of(time, self.programme.following_months),
            left=earned - repaid,
        )
        self.lots.append(lot)
        self.settlements[order.basket] = Settlement(order, multiplier, p, p, b, lot, uses)
        self.tier = max(self.tier, tier_of(self.growth_at(time)))
        return Step(time, ORDER, order.basket, self.tier, self.debt, redeemed=p, earned=earned, growth=b)

    def give_back(self, returned: Return, basket: int) -> Step:
        """Settle the order again from what remains of it."""
        time = returned.due
        settlement = self.settlements[basket]
        settlement.returned_cents += returned.value_cents
        total = settlement.order.total_cents
        kept = total - settlement.returned_cents
        p_after = settlement.p_original * kept // total
        b_after = (kept - p_after) // 100
        given_back, b_lost = settlement.p - p_after, settlement.b - b_after
        self._restore(settlement, given_back, time)
        self._claw_back(settlement, b_lost * settlement.multiplier, time)
        growth_before = self.growth_at(time)
        settlement.p, settlement.b = p_after, b_after
        tier_after = tier_of(self.growth_at(time))
        if tier_after < tier_of(growth_before):
            self.tier = min(self.tier, tier_after)
        return Step(
            time,
            RETURN,
            basket,
            self.tier,
            self.debt,
            returned_cents=returned.value_cents,
            given_back=given_back,
            reversed=b_lost * settlement.multiplier,
            growth_reversed=b_lost,
        )

    def _restore(self, settlement: Settlement, points: int, time: int) -> None:
        """Put points back where they came from, the latest taken first."""
        while points:
            lot, used = settlement.uses.pop()
            back = min(used, points)
            points -= back
            if back < used:
                settlement.uses.append((lot, used - back))
            if lot.expires_at <= time:
                self.lots.append(Lot(time, time + GIVEN_BACK_LIFE_SECONDS, back))
            else:
                lot.left += back

    def _claw_back(self, settlement: Settlement, points: int, time: int) -> None:
        """Take points from the order's own lot, then from spendable ones, then as debt."""
        own = [settlement.lot] if time < settlement.lot.expires_at else []
        others = [lot for lot in self.spendable_lots(time) if lot is not settlement.lot]
        taken = sum(used for _, used in self.take(own + others, points))
        self.debt += points - taken

    def review(self, time: int) -> Step:
        """Set the tier to what the window gives, up or down."""
        self.tier = tier_of(self.growth_at(time))
        return Step(time, REVIEW, 0, self.tier, self.debt)

    def at_the_end(self) -> HouseholdResult:
        """Say how the household stands when the year is over."""
        return HouseholdResult(
            tier=self.tier,
            available=sum(lot.left for lot in self.lots if lot.is_spendable(END)),
            pending=sum(lot.left for lot in self.lots if lot.available_at > END),
            growth=self.growth_at(END),
            debt=self.debt,
        )

    def expired(self) -> int:
        """Return what was left in lots that expired by the end."""
        return sum(lot.left for lot in self.lots if lot.expires_at <= END)


def replay(orders: list[Order], programme: Programme) -> tuple[Member, list[Step]]:
    """Run one household through its year."""
    member = Member(programme)
    steps = [act() for _, act in sorted(_events(member, orders), key=lambda event: event[0])]
    return member, steps


Event = tuple[tuple[int, int, int], Callable[[], Step]]


def _events(member: Member, orders: list[Order]) -> Iterator[Event]:
    """Yield everything that happens, with its place in the order of things."""
    for time in member.programme.reviews:
        yield (time, REVIEW, 0), partial(member.review, time)
    for order in orders:
        yield (order.time, ORDER, order.basket), partial(member.buy, order)
        for returned in order.returns:
            yield (returned.due, RETURN, order.basket), partial(member.give_back, returned, order.basket)


def recompute(
    programme: ProgrammeName,
    households: Collection[int] | None = None,
    lines: Lines | None = None,
) -> OracleResult:
    """Replay the year for all households, or for some, and sum it up.

    `lines` spares reading the table again. Raises AssertionError if a household's
    points do not add up.
    """
    table = load_lines() if lines is None else lines
    if households is not None:
        table = table.of_households(households.__contains__)
    return _sum_up(table, PROGRAMMES[programme])


def _sum_up(table: Lines, programme: Programme) -> OracleResult:
    """Replay each household of the table and add the figures up."""
    orders = orders_by_household(table, programme)
    results: dict[int, HouseholdResult] = {}
    steps: list[Step] = []
    expired = 0
    for household, theirs in orders.items():
        member, their_steps = replay(theirs, programme)
        results[household] = member.at_the_end()
        check_points(member, their_steps)
        steps += their_steps
        expired += member.expired()
    everything = [order for theirs in orders.values() for order in theirs]
    standing = list(results.values())
    summary = {
        "orders": len(everything),
        "lines": len(table.basket),
        "members": len(results),
        "online_orders": sum(1 for order in everything if order.online),
        "revenue_cents": sum(order.total_cents for order in everything),
        "points_earned": sum(step.earned for step in steps),
        "points_redeemed": sum(step.redeemed for step in steps),
        "points_given_back": sum(step.given_back for step in steps),
        "points_reversed": sum(step.reversed for step in steps),
        "points_expired": expired,
        "growth": sum(step.growth for step in steps),
        "growth_reversed": sum(step.growth_reversed for step in steps),
        "returns": sum(1 for step in steps if step.kind == RETURN),
        "returned_cents": sum(step.returned_cents for step in steps),
        "available": sum(one.available for one in standing),
        "pending": sum(one.pending for one in standing),
        "debt": sum(one.debt for one in standing),
        "repaired_value": int(np.count_nonzero(table.sales_value <= 0)),
        "repaired_quantity": int(np.count_nonzero(table.quantity == 0)),
        "tiers": [sum(1 for one in standing if one.tier == tier) for tier in range(4)],
        "digest": hashlib.sha256("".join(digest_lines(results)).encode()).hexdigest(),
    }
    return OracleResult(summary=summary, households=results)


def check_points(member: Member, steps: list[Step]) -> None:
    """Check that every point a household got is somewhere."""
    end = member.at_the_end()
    moved = sum(s.earned - s.redeemed + s.given_back - s.reversed for s in steps)
    if moved != end.available + end.pending + member.expired() - end.debt:
        raise AssertionError(f"points do not add up: {moved} moved, {end} at the end")


def digest_lines(results: dict[int, HouseholdResult]) -> list[str]:
    """Return the lines under the digest, a household each, in numeric order."""
    return [
        f"{household},{one.tier},{one.available},{one.pending},{one.growth},{one.debt}\n"
        for household, one in sorted(results.items())
    ]


def is_in_the_tenth(household: int) -> bool:
    """Say whether a household belongs to the tenth that quick tests replay."""
    return household % 10 == 3


def expected_figures(lines: Lines) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the summaries by programme and by set of households: `full`, `tenth`."""
    sets = {"full": lines, "tenth": lines.of_households(is_in_the_tenth)}
    return {
        programme: {name: _sum_up(table, PROGRAMMES[programme]).summary for name, table in sets.items()}
        for programme in PROGRAMMES
    }


def main() -> None:
    """Print the summary of a programme as JSON, or what lies under it."""
    parser = argparse.ArgumentParser(prog="python -m tests.year.oracle")
    parser.add_argument("--programme", choices=sorted(PROGRAMMES), default="easy")
    parser.add_argument("--households-mod", type=int, default=1, metavar="N")
    parser.add_argument("--remainder", type=int, default=3, help="household %% N, default 3")
    parser.add_argument("--digest-lines", action="store_true")
    parser.add_argument("--trace", type=int, metavar="HOUSEHOLD")
    parser.add_argument("--expected", action="store_true")
    arguments = parser.parse_args()
    divisor, remainder = arguments.households_mod, arguments.remainder
    lines = load_lines()
    if arguments.trace is not None:
        lines = lines.of_households(lambda household: household == arguments.trace)
        programme = PROGRAMMES[arguments.programme]
        _, steps = replay(orders_by_household(lines, programme)[arguments.trace], programme)
        sys.stdout.writelines(f"{step}\n" for step in steps)
        return
    if arguments.expected:
        sys.stdout.write(json.dumps(expected_figures(lines), indent=2) + "\n")
        return
    if divisor > 1:
        lines = lines.of_households(lambda household: household % divisor == remainder)
    result = recompute(arguments.programme, lines=lines)
    if arguments.digest_lines:
        sys.stdout.writelines(digest_lines(result.households))
        return
    sys.stdout.write(json.dumps(result.summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
