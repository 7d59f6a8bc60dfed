"""Of `client.policies`.

Written from the API's description: `make client` does it anew.
"""

from datetime import date, datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from regulars_client.models.shared import (
    AdjustmentPolicy,
    ChangePolicy,
    EarningPolicy,
    MemberAnswerShown,
    PaymentPolicy,
    ReturnPolicy,
    TierPolicy,
    TransferPolicy,
    WalletsAnswer,
)


class Backtest(Struct, frozen=True, kw_only=True):
    """Part of `Preview`."""

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
    """Part of `Preview`."""

    corrections: int
    need_two: int
    need_two_then: int


class Difference(Struct, frozen=True, kw_only=True):
    """Part of `DifferencesAnswer`."""

    pointer: str
    section: str
    before: Any
    after: Any
    said: str


class WithdrawnBase(Struct, frozen=True, kw_only=True):
    """Part of `DifferencesAnswer`."""

    version: int
    withdrawn_at: datetime
    said: str


class DifferencesAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.policies.compare_policies`: compare two policies."""

    differences: list[Difference]
    base_withdrawn: WithdrawnBase | None


class Policy(Struct, frozen=True, kw_only=True):
    """Part of `client.policies.create_draft`."""

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


class DraftAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.policies.create_draft`: begin a draft."""

    draft_id: str
    name: str
    state: str
    revision: int
    policy: Policy
    created_by: str
    created_at: datetime
    changed_by: str
    changed_at: datetime
    proposed_for: datetime | None
    proposed_by: str
    note: str
    version: int | None
    based_on: int | None
    based_on_withdrawn_at: datetime | None


class DraftRevision(Struct, frozen=True, kw_only=True):
    """Part of `RevisionsAnswer`."""

    revision: int
    name: str
    policy: Policy
    changed_by: str
    changed_at: datetime


class DraftsAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.policies.list_drafts`: list the drafts."""

    drafts: list[DraftAnswer]
    has_more: bool
    next_cursor: str | None


class TierFlow(Struct, frozen=True, kw_only=True):
    """Part of `Preview`."""

    kind: str
    from_tier: str
    to_tier: str
    members: int


class Preview(Struct, frozen=True, kw_only=True):
    """Part of `PreviewAnswer`."""

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


class PreviewAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.policies.preview`: try a policy out."""

    preview_id: str
    state: str
    done: int
    all_of_it: int
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None
    result: Preview | None


class RevisionsAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.policies.list_draft_revisions`: read what a draft said."""

    revisions: list[DraftRevision]


class TouchedAnswer(Struct, frozen=True, kw_only=True):
    """Part of `TouchedPage`."""

    member_id: str
    kind: str
    from_tier: str
    to_tier: str
    metric: int
    missing: int | None
    review_before: datetime | None
    review_after: datetime | None
    member: MemberAnswerShown | None = None
    """Given along where `expand` names it."""
    wallets: WalletsAnswer | None = None
    """Given along where `expand` names it."""


class TouchedPage(Struct, frozen=True, kw_only=True):
    """The answer of `client.policies.list_preview_members`: list the members whom a policy touches."""

    members: list[TouchedAnswer]
    has_more: bool
    next_cursor: str | None
