"""Policy: the versioned data from which every point and tier follows. A version, once active, is never edited."""

from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=0, le=10**12)]
Positive = Annotated[int, Meta(ge=1, le=10**12)]


class EarningPolicy(Struct, frozen=True, kw_only=True):
    """How an order earns: `floor(amount paid / minor_per_point)`, times the tier's multiplier."""

    minor_per_point: Positive = 100
    maturity_hours: Count = 7 * 24
    expiry_months: Positive = 12


class PaymentPolicy(Struct, frozen=True, kw_only=True):
    """How points pay: each is worth `point_value_minor`; at most `max_percent` of the order's total."""

    point_value_minor: Positive = 1
    max_percent: Annotated[int, Meta(ge=0, le=100)] = 5
    min_spendable: Count = 200


class ReturnPolicy(Struct, frozen=True, kw_only=True):
    """What a return does. Points given back from an expired lot live `give_back_days` more.

    `shortfall` says what of the earned points is taken back: all, and what is not there is debt (`to_debt`); no more
    than there is (`within_balance`); or only what of the order's own points is not available yet (`only_pending`). What
    is not taken is forgiven.
    """

    give_back_days: Positive = 30
    shortfall: Literal["to_debt", "within_balance", "only_pending"] = "to_debt"


class AdjustmentPolicy(Struct, frozen=True, kw_only=True):
    """Corrections of more than `approve_above` units need a second person, within `answer_days`; with None, none do.

    So does each that takes what one person corrected alone on a day (UTC), up and down, beyond `alone_per_day` units.
    """

    approve_above: Count | None = None
    answer_days: Positive = 14
    alone_per_day: Count | None = None


class ChangePolicy(Struct, frozen=True, kw_only=True):
    """How this policy itself is changed: with `second_person`, whoever schedules a draft needs somebody else's yes."""

    second_person: bool = False


class TransferPolicy(Struct, frozen=True, kw_only=True):
    """Points that members give to each other, `among` whom; without this section nobody gives any.

    `smallest` and `largest` at once; what one may give and receive on a local day, in a month, and in this month and
    the eleven before. Both signed up `waiting_days` ago; who gives holds the tier of rank `lowest_tier` (0: the first).
    """

    among: Literal["household", "anyone"] = "household"
    smallest: Positive = 1
    largest: Positive | None = None
    given_per_day: Positive | None = None
    given_per_month: Positive | None = None
    given_per_year: Positive | None = None
    received_per_day: Positive | None = None
    received_per_month: Positive | None = None
    received_per_year: Positive | None = None
    waiting_days: Count = 0
    lowest_tier: Count = 0


class TierRule(Struct, frozen=True, kw_only=True):
    """One tier: reached at `threshold` of the qualifying metric, earning `multiplier` points per base point."""

    code: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,31}$")]
    threshold: Count
    multiplier: Positive = 1


class NoReview(Struct, frozen=True, tag="none", tag_field="kind"):
    """Tiers are never reviewed; only returns lower them."""


class MonthlyReview(Struct, frozen=True, kw_only=True, tag="month_start", tag_field="kind"):
    """A review at the first local midnight of the listed months (1-12); what the window gives becomes the tier."""

    months: tuple[Annotated[int, Meta(ge=1, le=12)], ...]


class AnniversaryReview(Struct, frozen=True, kw_only=True, tag="anniversary", tag_field="kind"):
    """A review `after_months` local months after reaching the tier; who falls short has `grace_days` to requalify."""

    after_months: Positive = 12
    grace_days: Count = 30


class TierPolicy(Struct, frozen=True, kw_only=True):
    """Tiers from lowest to highest over a window of a wallet; members rise at once, fall at review or by return."""

    tiers: Annotated[tuple[TierRule, ...], Meta(min_length=1, max_length=20)]
    qualifying_wallet: str = "growth"
    window_days: Positive = 365
    review: NoReview | MonthlyReview | AnniversaryReview = NoReview()


WalletCode = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,31}$")]


class WalletRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wallet: `qualifying` counts for tiers, `spendable` has lots and pays. It is one of the two, for ever."""

    code: WalletCode
    qualifying: bool
    spendable: bool


class Policy(Struct, frozen=True, kw_only=True):
    """Everything the ledger decides by. `version` is set by the store; `active_from` is a programme instant."""

    tier: TierPolicy
    earning: EarningPolicy = EarningPolicy()
    payment: PaymentPolicy = PaymentPolicy()
    returns: ReturnPolicy = ReturnPolicy()
    adjustments: AdjustmentPolicy = AdjustmentPolicy()
    changes: ChangePolicy = ChangePolicy()
    transfers: TransferPolicy | None = None
    spending_wallet: str = "points"
    version: int = 0
    active_from: datetime | None = None


VersionState = Literal["scheduled", "active", "retired", "withdrawn"]


class PolicyVersion(Policy, frozen=True, kw_only=True):
    """A version with what became of it. It decides from `active_from` until `active_until` (None: no end in sight).

    A version that was withdrawn before its instant came never decided anything.
    """

    state: VersionState
    active_until: datetime | None
    recorded_at: datetime
    name: str = ""
    scheduled_by: str = ""
    approved_by: str = ""
    reason: str = ""
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""
    withdrawn_because: str = ""

    def policy(self) -> Policy:
        """Return the policy alone."""
        return Policy(**{name: getattr(self, name) for name in Policy.__struct_fields__})


class Turn(NamedTuple):
    """A version that changes tiers when it comes (`at`): it lifts whoever deserves more by it, or reviews otherwise."""

    policy: Policy
    at: datetime
    lifts: bool
    reviews: bool

    @property
    def version(self) -> int:
        """The version's number."""
        return self.policy.version


class Appending(Struct, frozen=True, kw_only=True):
    """Who appends a version and why: for the audit log, and for whoever reads the list of versions."""

    by: str = ""
    approved_by: str = ""
    name: str = ""
    reason: str = ""
