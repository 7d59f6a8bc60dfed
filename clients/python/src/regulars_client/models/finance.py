"""Of `client.finance`.

Written from the API's description: `make client` does it anew.
"""

from datetime import datetime

from msgspec import Struct


class Worth(Struct, frozen=True, kw_only=True):
    """Part of `Breakage`."""

    point_value_minor: int
    at_most_minor: int
    breakage: str | None = None
    fair_per_point_minor: str | None = None
    fair_minor: int | None = None
    why_not: str | None = None


class BreakageAge(Struct, frozen=True, kw_only=True):
    """Part of `Breakage`."""

    age: int
    exposed: int
    used: int
    expired: int
    other: int


class BreakageCohort(Struct, frozen=True, kw_only=True):
    """Part of `Breakage`."""

    earned: str
    age: int
    issued: int
    used: int
    expired: int
    other: int
    left: int
    will_expire: int
    is_complete: bool


class Breakage(Struct, frozen=True, kw_only=True):
    """The answer of `client.finance.get_breakage`: estimate breakage."""

    wallet: str
    market: str
    currency: str
    until: str
    outstanding: int
    will_expire: int
    of_outstanding: str
    low: str
    high: str
    of_issued: str
    worth: Worth | None
    method: str
    ages: list[BreakageAge]
    cohorts: list[BreakageCohort]


class MonthClose(Struct, frozen=True, kw_only=True):
    """The answer of `client.finance.close_month`: close a month."""

    month: str
    state: str
    asked_by: str
    reason: str
    asked_at: datetime
    waits_for: int | None
    closed_at: datetime | None
    transfers: int | None
    members: int | None
    digest: str | None


class ClosesAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.finance.list_closes`: list the closed months."""

    closes: list[MonthClose]


class Held(Struct, frozen=True, kw_only=True):
    """Part of `LiabilityAt`."""

    balance: int
    debt: int
    outstanding: int


class Moved(Struct, frozen=True, kw_only=True):
    """Part of `LiabilityMonth`."""

    movement: str
    kinds: list[str]
    transfers: int
    units: int
    debt_change: int
    worth_minor: int | None = None


class Parts(Struct, frozen=True, kw_only=True):
    """Part of `LiabilityAt`."""

    spendable: int
    pending: int
    run_out: int
    held: int = 0


class LiabilityMonth(Struct, frozen=True, kw_only=True):
    """Part of `LiabilityAnswer`."""

    month: str
    market: str
    time_zone: str
    currency: str
    wallet: str
    spendable: bool
    is_closed: bool
    until: datetime
    opening: Held
    movements: list[Moved]
    closing: Held
    opening_worth: Worth | None
    closing_worth: Worth | None
    revaluation_minor: int | None
    parts: Parts | None = None


class LiabilityAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.finance.get_liability`: read the liability by month."""

    as_of: datetime | None
    months: list[LiabilityMonth]


class LiabilityAt(Struct, frozen=True, kw_only=True):
    """Part of `LiabilityAtAnswer`."""

    market: str
    currency: str
    wallet: str
    spendable: bool
    held: Held
    worth: Worth | None
    parts: Parts | None


class LiabilityAtAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.finance.get_liability_at`: read the liability at an instant."""

    at: datetime
    wallets: list[LiabilityAt]


class Proof(Struct, frozen=True, kw_only=True):
    """The answer of `client.finance.prove_month`: prove a closed month."""

    month: str
    holds: bool
    transfers: int
    digest: str
    recomputed: str
    problems: list[str]
