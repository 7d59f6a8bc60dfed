"""How much of what is outstanding will probably expire unused: a run-off of closed months, by age since earning.

Pure arithmetic. Units that lots brought in a month are a cohort. At each age (months since earning) some of a cohort's
units are used, some expire, some are taken back or corrected; the shares of what was there are added up over cohorts
(the chain-ladder way: links from age to age, weighted by units). Following these shares from each cohort's age to the
end gives what will expire. The interval is the jackknife's: the estimate again without each cohort in turn.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from math import sqrt
from typing import Final, NamedTuple

from regulars.loyalty.finance.months import MONTHS
from regulars.loyalty.finance.rules import movement_of

COMPLETE_NEEDED: Final = 3
RUN_OFF: Final = 0.05  # a cohort has run its life when no more than this share of it is left
_NORMAL_95: Final = 1.96
_NOTHING_NEW: Final = frozenset({"extend", "move_in", "move_out"})
_USED: Final = frozenset({"redeemed", "given_back"})


class Developed(NamedTuple):
    """How a cohort developed in a closed month by one kind of transfer: a row of `finance_cohorts`."""

    month: date
    cohort: date
    kind: str
    opened: int
    taken: int


class Step(NamedTuple):
    """What became of the units that a cohort had at an age, those that came in then included."""

    exposed: int
    used: int
    expired: int
    other: int


@dataclass(slots=True)
class Cohort:
    """Units earned in a month: their steps by age, and what is left at the end of the last closed month."""

    earned: date
    opened: int = 0
    left: int = 0
    age: int = 0
    steps: dict[int, Step] = field(default_factory=dict)

    def sums(self) -> Step:
        """Return what became of the cohort so far."""
        found = self.steps.values()
        return Step(
            self.opened,
            sum([step.used for step in found]),
            sum([step.expired for step in found]),
            sum([step.other for step in found]),
        )

    @property
    def is_complete(self) -> bool:
        """Whether it has run its life."""
        return self.opened > 0 and self.left <= RUN_OFF * self.opened


class Estimate(NamedTuple):
    """Shares: of what is outstanding, with an interval of 95 %, and of a unit when it is issued."""

    of_outstanding: Decimal
    low: Decimal
    high: Decimal
    of_issued: Decimal


def cohorts_of(rows: Iterable[Developed]) -> list[Cohort]:
    """Return cohorts, the oldest first, as they stand at the end of the last month among the rows."""
    opened: dict[tuple[date, int], int] = defaultdict(int)
    taken: dict[tuple[date, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    until = date.min
    for row in rows:
        until = max(until, row.month)
        key = (row.cohort, max(_age(row.cohort, row.month), 0))
        if row.kind in _NOTHING_NEW:  # the same units, in other lots
            taken[key][2] += row.taken - row.opened
            continue
        opened[key] += row.opened
        movement = movement_of(row.kind)
        place = 0 if movement in _USED else 1 if movement == "expired" else 2
        taken[key][place] += row.taken
    found = []
    for earned in sorted({cohort for cohort, _ in opened}):
        cohort = Cohort(earned, age=max(_age(earned, until), 0))
        for age in range(cohort.age + 1):
            came, (used, expired, other) = opened.get((earned, age), 0), taken.get((earned, age), [0, 0, 0])
            cohort.opened += came
            cohort.steps[age] = Step(cohort.left + came, used, expired, other)
            cohort.left += came - used - expired - other
        found.append(cohort)
    return found


def by_age(cohorts: Iterable[Cohort]) -> dict[int, Step]:
    """Add the cohorts' steps up, by age."""
    sums: dict[int, Step] = {}
    for cohort in cohorts:
        for age, step in cohort.steps.items():
            before = sums.get(age, Step(0, 0, 0, 0))
            sums[age] = Step(*[one + other for one, other in zip(before, step, strict=True)])
    return sums


def still_to_expire(ages: Mapping[int, Step]) -> list[float]:
    """Return, by age, which share of the units there at its beginning will expire from then on.

    What outlives the last age that was ever seen counts as used: nobody has seen it expire.
    """
    last = max(ages, default=-1)
    shares = [0.0] * (last + 2)
    for age in range(last, -1, -1):
        exposed, used, expired, other = ages.get(age, Step(0, 0, 0, 0))
        if exposed <= 0:
            shares[age] = shares[age + 1]
            continue
        gone = min(max((used + expired + other) / exposed, 0.0), 1.0)
        shares[age] = min(expired / exposed + (1.0 - gone) * shares[age + 1], 1.0)
    return shares


def expected(cohorts: Sequence[Cohort], ages: Mapping[int, Step]) -> list[float]:
    """Return how many of the units left in each cohort will expire."""
    shares = still_to_expire(ages)
    return [cohort.left * (shares[cohort.age + 1] if cohort.age + 1 < len(shares) else 0.0) for cohort in cohorts]


def estimate(cohorts: Sequence[Cohort], *, interval: bool = True) -> Estimate | None:
    """Return the estimate; None where fewer than `COMPLETE_NEEDED` cohorts have run their life."""
    if complete(cohorts) < COMPLETE_NEEDED:
        return None
    left = sum([cohort.left for cohort in cohorts])
    ages = by_age(cohorts)
    share = _share(cohorts, ages, left)
    left_out = cohorts if interval else []
    error = _error(
        [_share(cohorts, by_age([other for other in cohorts if other is not one]), left) for one in left_out]
    )
    return Estimate(
        _rounded(share),
        _rounded(share - _NORMAL_95 * error),
        _rounded(share + _NORMAL_95 * error),
        _rounded(still_to_expire(ages)[0]),
    )


def complete(cohorts: Iterable[Cohort]) -> int:
    """Return how many cohorts have run their life."""
    return sum([cohort.is_complete for cohort in cohorts])


def _share(cohorts: Sequence[Cohort], ages: Mapping[int, Step], left: int) -> float:
    return sum(expected(cohorts, ages)) / left if left else still_to_expire(ages)[0]


def _error(again: Sequence[float]) -> float:
    """Return the jackknife's standard error."""
    count = len(again)
    if count < 2:  # noqa: PLR2004 - one alone does not vary
        return 0.0
    mean = sum(again) / count
    return sqrt((count - 1) / count * sum([(one - mean) ** 2 for one in again]))


def _rounded(share: float) -> Decimal:
    return Decimal(min(max(share, 0.0), 1.0)).quantize(Decimal("0.000001"))


def _age(cohort: date, month: date) -> int:
    return (month.year - cohort.year) * MONTHS + month.month - cohort.month
