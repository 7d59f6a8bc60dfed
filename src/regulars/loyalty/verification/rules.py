"""What must follow from what: tiers from the metric's history and the policies, settlements from their orders.

Written apart from the ledger's own book, and simpler: it adds the window up anew at each step. The calendar of
reviews and the arithmetic of an order (`tiers/rules.py`, `ledger/rules.py`) it shares; those are held against numbers
worked by hand, and against a second program for a whole year, in the tests.
"""

from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from regulars.loyalty.ledger import moves
from regulars.loyalty.ledger import rules as ledger
from regulars.loyalty.policy.contracts import AnniversaryReview, Policy, TierPolicy, Turn
from regulars.loyalty.tiers.rules import first_review_from, held, next_review, tier_of
from regulars.platform.texts import mark
from regulars.platform.verification.contracts import Fault


class Entry(NamedTuple):
    """A change of the qualifying metric. `settled_at_tier` is what its order's settlement says (orders only)."""

    seq: int
    change: int
    kind: str
    reference: str
    order_id: str | None
    effective_at: datetime
    recorded_at: datetime
    policy_version: int
    settled_at_tier: int | None


class Change(NamedTuple):
    """A change of tier, as `tier_changes` keeps it (without its `seq`)."""

    from_tier: int
    to_tier: int
    cause: str
    reference: str
    metric: int
    policy_version: int
    effective_at: datetime
    recorded_at: datetime


class Joining(NamedTuple):
    """That the books became one with another's, or two again; `cause` is what the merge's references begin with."""

    seq: int
    cause: str
    step: str
    role: str
    recorded_at: datetime


class Held(NamedTuple):
    """The tier that a book holds, since when, and when it is looked at again."""

    tier: int
    since: datetime | None
    review_at: datetime | None
    in_grace: bool


NO_TURNS: Sequence[Turn] = ()


@dataclass(slots=True)
class TierHistory:
    """Recomputes a member's tiers from the beginning."""

    policy_at: Callable[[datetime], Policy]
    policy_of_version: Callable[[int], Policy]
    time_zone: str
    turns: Sequence[Turn] = NO_TURNS
    tier: int = 0
    since: datetime | None = None
    review_at: datetime | None = None
    in_grace: bool = False
    changes: list[Change] = field(default_factory=list)
    orders_at_another_tier: list[str] = field(default_factory=list)
    is_absent: bool = False
    _seen: int = 0
    _undone: tuple[str, ...] = ()
    _times: list[datetime] = field(default_factory=list)
    _entries: list[tuple[datetime, int, int]] = field(default_factory=list)

    def held(self) -> Held:
        """Return where it has come to."""
        return Held(self.tier, self.since, self.review_at, self.in_grace)

    def follow(
        self,
        entries: Sequence[Entry],
        stored: Held,
        stored_changes: Sequence[Change],
        policy_seen: int = 0,
        joinings: Sequence[Joining] = (),
    ) -> None:
        """Go through a history, and through the policies and reviews that the stored book has behind it."""
        history: list[Entry | Joining] = sorted([*entries, *joinings], key=attrgetter("seq"))
        for _, found in groupby(history, key=_step_of):
            group = list(found)
            self._catch_up(group[0].recorded_at)
            if isinstance(group[0], Joining):
                self._join_or_part(group[0], entries)
            else:
                self._take([one for one in group if isinstance(one, Entry)])
        if self.is_absent:
            return
        for turn in self.turns:
            if turn.version <= policy_seen:
                self._come_into_force(turn)
        latest = stored_changes[-1].recorded_at if stored_changes else None
        while self.review_at is not None and (
            (stored.review_at is not None and self.review_at < stored.review_at)
            or (len(self.changes) < len(stored_changes) and latest is not None and self.review_at <= latest)
        ):
            self._review(self.review_at)

    def _join_or_part(self, joining: Joining, entries: Sequence[Entry]) -> None:
        """Rest while the books are part of others; when they part, hold what all would give without that merge."""
        if joining.step == "joined":
            self.is_absent = self.is_absent or joining.role == "absorbed"
            return
        self._undone += (f"{joining.cause}:",)
        again = TierHistory(self.policy_at, self.policy_of_version, self.time_zone, self.turns)
        own = [one for one in entries if one.seq < joining.seq and not one.reference.startswith(self._undone)]
        for _, found in groupby(own, key=_step_of):
            group = list(found)
            again._catch_up(group[0].recorded_at)
            again._take(group)
        at, policy = joining.recorded_at, self.policy_at(joining.recorded_at)
        again._catch_up(at)
        self.is_absent = self.is_absent and joining.role != "absorbed"
        if (again.tier, again.since) != (self.tier, self.since):
            reference, metric = f"{joining.cause}:undo", self.metric(at, policy.tier)
            self.changes.append(
                Change(self.tier, again.tier, "merge", reference, metric, policy.version, again.since or at, at)
            )
        self.tier, self.since, self.review_at, self.in_grace = again.held()
        self._seen = again._seen

    def _catch_up(self, at: datetime) -> None:
        """Let policies and reviews decide that come before an entry; not of books that are part of others."""
        if self.is_absent:
            return
        for turn in self.turns:
            if turn.at <= at:
                self._come_into_force(turn)
        while self.review_at is not None and self.review_at <= at:
            self._review(self.review_at)

    def metric(self, at: datetime, policy: TierPolicy) -> int:
        """Return the sum of the window `(at - window, at]`."""
        first = bisect_right(self._times, at - timedelta(days=policy.window_days))
        return sum([change for _, _, change in self._entries[first:]])

    def _come_into_force(self, turn: Turn) -> None:
        """Let a policy lift who deserves more by it, or schedule the next review; once."""
        policy, at = turn.policy, turn.at
        if policy.version <= self._seen:
            return
        while self.review_at is not None and self.review_at < at:
            self._review(self.review_at)
        self._seen = policy.version
        deserved = tier_of(policy.tier, self.metric(at, policy.tier)) if turn.lifts else 0
        if deserved > self.tier:
            self._change(deserved, "policy", f"policy:{policy.version}", at, policy)
        elif turn.reviews:
            self.in_grace = False
            self.review_at = first_review_from(policy.tier, self.tier, self.since or at, at, self.time_zone)

    def _take(self, group: Sequence[Entry]) -> None:
        """Take an entry, or all that were moved together: then the tier is weighed once."""
        entry, moved = group[0], group[0].kind in moves.MOVES
        at, policy = entry.recorded_at, self.policy_of_version(entry.policy_version)
        before = tier_of(policy.tier, self.metric(at, policy.tier))
        if self.is_absent or moved:
            for one in group:
                insort(self._times, one.effective_at)
                insort(self._entries, (one.effective_at, one.seq, one.change))
        if self.is_absent or (moved and moves.is_undoing(moves.cause_in(entry.reference))):
            return
        if not moved:
            self._take_one(entry, before, policy)
            return
        deserved = tier_of(policy.tier, self.metric(at, policy.tier))
        if deserved > self.tier or deserved < min(before, self.tier):
            self._change(deserved, *moves.cause_of(moves.cause_in(entry.reference)), at, policy)

    def _take_one(self, entry: Entry, before: int, policy: Policy) -> None:
        if entry.settled_at_tier is not None and entry.settled_at_tier != held(policy.tier, self.tier):
            self.orders_at_another_tier.append(str(entry.order_id))
        insort(self._times, entry.effective_at)
        insort(self._entries, (entry.effective_at, entry.seq, entry.change))
        deserved = tier_of(policy.tier, self.metric(entry.recorded_at, policy.tier))
        if entry.change > 0 and deserved > self.tier:
            cause, reference = ("order", f"order:{entry.order_id}") if entry.kind == "earn" else entry[2:4]
            self._change(deserved, cause, reference, entry.recorded_at, policy)
        elif entry.change < 0 and deserved < before and deserved < self.tier:
            returned = entry.kind == "claw_back"
            cause, reference = ("return", entry.reference.removesuffix(":growth")) if returned else entry[2:4]
            self._change(deserved, cause, reference, entry.recorded_at, policy)

    def _review(self, at: datetime) -> None:
        policy = self.policy_at(at)
        deserved = tier_of(policy.tier, self.metric(at, policy.tier))
        review = policy.tier.review
        if isinstance(review, AnniversaryReview):
            deserved = min(deserved, self.tier)
            if deserved < self.tier and review.grace_days and not self.in_grace:
                self.in_grace, self.review_at = True, at + timedelta(days=review.grace_days)
                return
        if deserved != self.tier:
            self._change(deserved, "review", f"review:{at.isoformat()}", at, policy)
        else:
            self.in_grace, self.review_at = False, next_review(policy.tier, self.tier, at, self.time_zone)

    def _change(self, tier: int, cause: str, reference: str, at: datetime, policy: Policy) -> None:
        metric = self.metric(at, policy.tier)
        self.changes.append(Change(self.tier, tier, cause, reference, metric, policy.version, at, at))
        self.tier, self.since, self.in_grace = tier, at, False
        self.review_at = next_review(policy.tier, tier, at, self.time_zone)


def _step_of(entry: Entry | Joining) -> tuple[str, datetime] | int:
    """Return what entries that were moved together have in common, and of anything else its number."""
    if isinstance(entry, Joining):
        return entry.seq
    return (moves.cause_in(entry.reference), entry.recorded_at) if entry.kind in moves.MOVES else entry.seq


class Settled(NamedTuple):
    """An order's settlement."""

    total_minor: int
    points_used: int
    base: int
    multiplier: int
    tier: int
    policy_version: int
    redeem_seq: int | None
    earn_seq: int | None
    returned_minor: int
    points_used_now: int
    base_now: int


class Caused(NamedTuple):
    """What the transfers that name an order add up to, and which ones paid and earned."""

    redeemed: int
    redeem_seq: int | None
    earned: int
    earn_seq: int | None
    growth: int
    given_back: int
    clawed_back: int
    growth_back: int


NOTHING_CAUSED = Caused(0, None, 0, None, 0, 0, 0, 0)


def wrong_with_settlement(policy: Policy, settled: Settled, caused: Caused) -> list[Fault]:
    """Return clauses on what of a settlement does not follow from its order, or is not in the books."""
    remains = ledger.settle_remains(policy, settled.total_minor, settled.points_used, settled.returned_minor)
    multiplier = policy.tier.tiers[held(policy.tier, settled.tier)].multiplier
    expected = {
        mark("base {found} instead of {right}"): (
            settled.base,
            ledger.base_of(policy, settled.total_minor, settled.points_used),
        ),
        mark("multiplier {found} instead of {right}"): (settled.multiplier, multiplier),
        mark("points left of the payment {found} instead of {right}"): (settled.points_used_now, remains.points_used),
        mark("base left {found} instead of {right}"): (settled.base_now, remains.base),
        mark("points paid {found} instead of {right}"): (caused.redeemed, settled.points_used),
        mark("transfer that paid {found} instead of {right}"): (caused.redeem_seq, settled.redeem_seq),
        mark("points earned {found} instead of {right}"): (caused.earned, settled.base * settled.multiplier),
        mark("transfer that earned {found} instead of {right}"): (caused.earn_seq, settled.earn_seq),
        mark("growth earned {found} instead of {right}"): (caused.growth, settled.base),
        mark("points given back {found} instead of {right}"): (
            caused.given_back,
            settled.points_used - settled.points_used_now,
        ),
        mark("points clawed back {found} instead of {right}"): (
            caused.clawed_back,
            (settled.base - settled.base_now) * settled.multiplier,
        ),
        mark("growth taken back {found} instead of {right}"): (caused.growth_back, settled.base - settled.base_now),
    }
    return [
        Fault(clause, {"found": _number(found), "right": _number(right)})
        for clause, (found, right) in expected.items()
        if found != right
    ]


def _number(told: int | None) -> int | str:
    return "None" if told is None else told
