"""What finance asks of the books and gets: what members may still spend, how it moved, what it is worth."""

from collections.abc import Sequence
from datetime import date, datetime

from msgspec import Struct


class Held(Struct, frozen=True, kw_only=True):
    """What the members of a market hold in a wallet at an instant, in units.

    `balance` is the sum of their transfers, `debt` what returns could not claw back; `outstanding` is both together:
    what is left in lots, the liability. What one member owes does not make less what another may spend.
    """

    balance: int
    debt: int
    outstanding: int


class Moved(Struct, frozen=True, kw_only=True):
    """What one kind of movement did in a period: `units` to balances, `debt_change` to what is owed, both signed.

    `worth_minor` is the change of what is outstanding at the value of a point (None: the wallet pays for nothing).
    """

    movement: str
    kinds: Sequence[str]
    transfers: int
    units: int
    debt_change: int
    worth_minor: int | None = None


class Worth(Struct, frozen=True, kw_only=True):
    """What outstanding units are worth, in minor units of the market's currency.

    `at_most_minor` is every unit at `point_value_minor`. `fair_minor` leaves out the share that will probably expire
    unused, `breakage` (a decimal fraction), at `fair_per_point_minor` a unit; all three None: no estimate, `why_not`.
    """

    point_value_minor: int
    at_most_minor: int
    breakage: str | None = None
    fair_per_point_minor: str | None = None
    fair_minor: int | None = None
    why_not: str | None = None


class LiabilityMonth(Struct, frozen=True, kw_only=True):
    """A month of a wallet in a market: opening, movements, closing. `is_closed`: nothing can change it any more.

    The month is the calendar's in `time_zone`, and holds what was recorded in it. In units: opening + movements =
    closing, of balances and of debt. In money: opening + movements + `revaluation_minor` = closing, at most; that is
    what another value of a point makes of the units that were there. A month that lasts yet ends at `until`.
    """

    month: str
    market: str
    time_zone: str
    currency: str
    wallet: str
    spendable: bool
    is_closed: bool
    until: datetime
    opening: Held
    movements: Sequence[Moved]
    closing: Held
    opening_worth: Worth | None
    closing_worth: Worth | None
    revaluation_minor: int | None
    parts: "Parts | None" = None


class Parts(Struct, frozen=True, kw_only=True):
    """What outstanding units are made of at an instant: `spendable` then, `held` (kept for a purpose until a deadline),
    `pending` (spendable later), and `run_out` (over by then, the booking of their expiry follows).
    """

    spendable: int
    pending: int
    run_out: int
    held: int = 0


class LiabilityAt(Struct, frozen=True, kw_only=True):
    """What the members of a market held in a wallet as it was recorded by an instant; `parts` where asked for."""

    market: str
    currency: str
    wallet: str
    spendable: bool
    held: Held
    worth: Worth | None
    parts: Parts | None


class Span(Struct, frozen=True, kw_only=True):
    """Months asked for, both included, by their first days; of one market or wallet, or all (None).

    `last` None: the one that lasts; `first` None: the twelve until `last`.
    """

    first: date | None = None
    last: date | None = None
    market: str | None = None
    wallet: str | None = None


class BreakageAge(Struct, frozen=True, kw_only=True):
    """What became of units at an age, in months since their month of earning, over all cohorts."""

    age: int
    exposed: int
    used: int
    expired: int
    other: int


class BreakageCohort(Struct, frozen=True, kw_only=True):
    """Units earned in a month: what became of them so far, what is left, and how much of that will expire."""

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
    """Which share of units will expire unused: `of_outstanding` at the end of the month `until` between `low` and
    `high` (95 %), `of_issued` of a unit when it is issued; decimal fractions. `method` says how, in words.
    """

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
    ages: Sequence[BreakageAge]
    cohorts: Sequence[BreakageCohort]
