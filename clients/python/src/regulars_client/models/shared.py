"""What several groups of operations share.

Written from the API's description: `make client` does it anew.
"""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType


class AdjustmentPolicy(Struct, frozen=True, kw_only=True):
    """Part of `Policy`."""

    approve_above: int | None = None
    answer_days: int = 14
    alone_per_day: int | None = None


class AnniversaryReview(Struct, frozen=True, kw_only=True, tag_field="kind", tag="anniversary"):
    """Part of `TierPolicy`."""

    after_months: int = 12
    grace_days: int = 30


class FieldProblem(Struct, frozen=True, kw_only=True):
    """One field that is wrong: a JSON Pointer to it and what is wrong with it."""

    pointer: str
    detail: str


class Problem(Struct, frozen=True, kw_only=True):
    """A problem document (RFC 9457). `code` is stable and made for programs, `detail` for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    errors: list[FieldProblem] = []
    data: dict[str, str | int | bool | None] = {}


class ChangePolicy(Struct, frozen=True, kw_only=True):
    """Part of `Policy`."""

    second_person: bool = False


class TierRule(Struct, frozen=True, kw_only=True):
    """Part of `TierPolicy`."""

    code: str
    threshold: int
    multiplier: int = 1


class NoReview(Struct, frozen=True, kw_only=True, tag_field="kind", tag="none"):
    """Part of `TierPolicy`."""


class MonthlyReview(Struct, frozen=True, kw_only=True, tag_field="kind", tag="month_start"):
    """Part of `TierPolicy`."""

    months: list[int]


class TierPolicy(Struct, frozen=True, kw_only=True):
    """Part of `Policy`."""

    tiers: list[TierRule]
    qualifying_wallet: str = "growth"
    window_days: int = 365
    review: NoReview | MonthlyReview | AnniversaryReview | UnsetType = UNSET


class EarningPolicy(Struct, frozen=True, kw_only=True):
    """Part of `Policy`."""

    minor_per_point: int = 100
    maturity_hours: int = 168
    expiry_months: int = 12


class PaymentPolicy(Struct, frozen=True, kw_only=True):
    """Part of `Policy`."""

    point_value_minor: int = 1
    max_percent: int = 5
    min_spendable: int = 200


class ReturnPolicy(Struct, frozen=True, kw_only=True):
    """Part of `Policy`."""

    give_back_days: int = 30
    shortfall: str = "to_debt"


class TransferPolicy(Struct, frozen=True, kw_only=True):
    """Part of `Policy`."""

    among: str = "household"
    smallest: int = 1
    largest: int | None = None
    given_per_day: int | None = None
    given_per_month: int | None = None
    given_per_year: int | None = None
    received_per_day: int | None = None
    received_per_month: int | None = None
    received_per_year: int | None = None
    waiting_days: int = 0
    lowest_tier: int = 0


class Money(Struct, frozen=True, kw_only=True):
    """An amount in the currency's minor units, e.g. 1999 CNY for 19.99 yuan."""

    amount_minor: int
    """Whole minor units of the currency (cents, fen)."""
    currency: str
    """ISO 4217 code, e.g. CNY."""


class Progress(Struct, frozen=True, kw_only=True):
    """Part of `JobAnswer`."""

    done: int
    total: int


class JobAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.jobs.get`: see how far a job has come."""

    job_id: str
    kind: str
    state: str
    asked_by: str
    asked_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    progress: Progress
    counts: dict[str, int]
    problem: Problem | None
    links: dict[str, str]


class PolicyVersion(Struct, frozen=True, kw_only=True):
    """The answer of `client.policies.withdraw`: withdraw a scheduled version."""

    tier: TierPolicy
    earning: EarningPolicy | UnsetType = UNSET
    payment: PaymentPolicy | UnsetType = UNSET
    returns: ReturnPolicy | UnsetType = UNSET
    adjustments: AdjustmentPolicy | UnsetType = UNSET
    changes: ChangePolicy | UnsetType = UNSET
    transfers: TransferPolicy | None = None
    spending_wallet: str = "points"
    version: int = 0
    active_from: datetime | None = None
    state: str
    active_until: datetime | None
    recorded_at: datetime
    name: str = ""
    scheduled_by: str = ""
    approved_by: str = ""
    reason: str = ""
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""
    withdrawn_because: str = ""
