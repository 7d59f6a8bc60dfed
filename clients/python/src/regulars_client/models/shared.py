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


class Money(Struct, frozen=True, kw_only=True):
    """An amount in the currency's minor units, e.g. 1999 CNY for 19.99 yuan."""

    amount_minor: int
    """Whole minor units of the currency (cents, fen)."""
    currency: str
    """ISO 4217 code, e.g. CNY."""


class Effect(Struct, frozen=True, kw_only=True):
    """Part of `OrderAnswer`."""

    type: str
    points: int = 0
    value: Money | None = None
    growth: int = 0
    available_at: datetime | None = None
    expires_at: datetime | None = None
    from_tier: str | None = None
    to_tier: str | None = None
    undone: int = 0


class Verdict(Struct, frozen=True, kw_only=True):
    """Part of `OrderAnswer`."""

    rule: str
    policy_version: int | None
    values: dict[str, str | int | None]
    sentence: str


class Store(Struct, frozen=True, kw_only=True):
    """The answer of `client.stores.get`: read a store."""

    store_id: str
    market: str
    name: str


class OrderAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.orders.put`: send an order as it now stands."""

    order_id: str
    member_id: str | None
    state: str
    channel: str
    store_id: str | None
    market: str
    total: Money
    returned: Money
    occurred_at: datetime
    recorded_at: datetime
    effects: list[Effect]
    explanation: list[Verdict] | None = None
    store: Store | None = None
    """Given along where `expand` names it."""


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


class BirthdayBody(Struct, frozen=True, kw_only=True):
    """Part of `client.members.change_profile`."""

    month: int
    day: int
    year: int | None = None
    calendar: str | UnsetType = UNSET


class ChangePolicy(Struct, frozen=True, kw_only=True):
    """Part of `Policy`."""

    second_person: bool = False


class ConsentAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.members.record_consent`: record that a member gave or withdrew consent."""

    consent_id: str
    purpose: str
    channel: str
    decision: str
    wording_version: str
    wording: str
    language: str | None
    where: str
    store_id: str | None
    actor: str
    effective_at: datetime
    recorded_at: datetime
    confirmation: str | None
    identity_id: str | None
    request_id: str | None


class ConsentsAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.members.list_consents`: read what a member consented to."""

    as_of: datetime
    in_force: list[ConsentAnswer]
    requested: list[ConsentAnswer]
    history: list[ConsentAnswer]


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


class ProfileBody(Struct, frozen=True, kw_only=True):
    """Part of `MemberAnswerShown`."""

    display_name: str | None
    given_name: str | None
    family_name: str | None
    birthday: BirthdayBody | None
    version: int


class IdentityAnswerShown(Struct, frozen=True, kw_only=True):
    """Part of `MemberAnswerShown`."""

    identity_id: str
    kind: str
    added_at: datetime
    verified_at: datetime | None
    value: str | None


class PendingUnits(Struct, frozen=True, kw_only=True):
    """Part of `WalletBalance`."""

    amount: int
    at: datetime


class WalletBalance(Struct, frozen=True, kw_only=True):
    """Part of `WalletsAnswer`."""

    wallet: str
    balance: int
    available: int
    pending: int
    debt: int
    expired: int = 0
    pending_parts: list[PendingUnits] = []
    next_expiry: PendingUnits | None = None
    held: int = 0


class WalletsAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.get_wallets`: read a member's wallets."""

    member_id: str
    as_of: datetime
    wallets: list[WalletBalance]


class TierChange(Struct, frozen=True, kw_only=True):
    """Part of `TierStatus`."""

    tier: str
    from_tier: str
    cause: str
    reference: str
    metric: int
    policy_version: int
    effective_at: datetime
    recorded_at: datetime


class TierStatus(Struct, frozen=True, kw_only=True):
    """Part of `TierAnswer`."""

    tier: str
    rank: int
    since: datetime | None
    metric: int
    window_days: int
    policy_version: int
    next_tier: str | None
    missing: int | None
    review_at: datetime | None
    in_grace: bool
    projected_tier: str | None
    why: TierChange | None
    reason: str


class TierAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.ledger.get_tier`: read a member's tier."""

    member_id: str
    status: TierStatus


class MemberAnswerShown(Struct, frozen=True, kw_only=True):
    """The answer of `client.members.get`: read a member."""

    member_id: str
    market: str
    status: str
    language: str
    signed_up_at: datetime
    recorded_at: datetime
    channel: str
    store_id: str | None
    masked: bool
    profile: ProfileBody
    identities: list[IdentityAnswerShown]
    wallets: WalletsAnswer | None = None
    """Given along where `expand` names it."""
    tier: TierAnswer | None = None
    """Given along where `expand` names it."""
    consents: ConsentsAnswer | None = None
    """Given along where `expand` names it."""
    store: Store | None = None
    """Given along where `expand` names it."""


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
