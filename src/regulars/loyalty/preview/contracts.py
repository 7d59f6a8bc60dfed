"""What a policy would do: asked for, counted in the background, and listed member by member."""

from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Struct

from regulars.loyalty.policy.contracts import Policy
from regulars.platform.reports.contracts import Report

Touch = Literal["rises", "falls", "stays", "review"]
TOUCHES: tuple[Touch, ...] = ("rises", "falls", "stays", "review")


class AskPreview(Struct, frozen=True, kw_only=True):
    """What a draft or a scheduled version would do (one of the two is named).

    A draft is looked at as if it came at `active_from` (None: as soon as it can). `first` and `last` are the local days
    whose orders are settled anew for comparison; None: the ninety days until today.
    """

    actor: str
    draft_id: UUID | None = None
    version: int | None = None
    active_from: datetime | None = None
    first: date | None = None
    last: date | None = None


class TierFlow(Struct, frozen=True, kw_only=True):
    """How many members a touch concerns from one tier to another."""

    kind: Touch
    from_tier: str
    to_tier: str
    members: int


class Backtest(Struct, frozen=True, kw_only=True):
    """Real orders of a tier in a market, settled again by the policy that is tried out.

    Points are whole units, money is minor units of `currency`; the cost is what the points pay, each by its own policy.
    Points that paid for an order stay as they were.
    """

    market: str
    currency: str
    tier: str
    orders: int
    paid_minor: int
    points: int
    points_then: int
    growth: int
    growth_then: int
    cost_minor: int
    cost_minor_then: int


class Corrections(Struct, frozen=True, kw_only=True):
    """Corrections in the days looked at, and how many of them need a second person now and then."""

    corrections: int
    need_two: int
    need_two_then: int


class Preview(Struct, frozen=True, kw_only=True):
    """What a policy would do if it came at `active_from`, as the books stood when it was counted.

    No lot changes: points that are earned keep their dates. `members` were looked at.
    """

    active_from: datetime
    members: int
    rises: int
    falls: int
    stays: int
    review: int
    flows: list[TierFlow]
    first: date
    last: date
    orders: list[Backtest]
    corrections: Corrections


def result_of(report: Report) -> Preview | None:
    """Return what a preview found; None while it is being counted."""
    return None if report.result is None else msgspec.convert(report.result, Preview)


class TouchedMember(NamedTuple):
    """What a policy would do to one member. `metric` is the growth in its window, `missing` what the next tier needs.

    `rises`: from the tier held to the one reached when the policy comes. `falls`: from the tier held to the one that
    its next review would give, and the policy before would not. `stays`: from the tier that the next review would
    have given to the one it gives. `review`: the same tier, reviewed at another date.
    """

    member_id: UUID
    kind: Touch
    from_tier: str
    to_tier: str
    metric: int
    missing: int | None
    review_before: datetime | None
    review_after: datetime | None


class PreviewSubject(NamedTuple):
    """What a preview is about: a draft of that name, or a version, and the policy that it tried out."""

    draft_id: UUID | None
    version: int | None
    name: str
    policy: Policy
