"""The programme in figures: points issued, used, expired and outstanding, what they are worth, and tiers."""

from datetime import date

from msgspec import Struct

from regulars.loyalty.figures.rolling import BOOKS
from regulars.loyalty.figures.store import reading
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.tiers.rules import held
from regulars.platform.db.transaction import Rows, Transaction
from regulars.platform.rollups import service as rollups
from regulars.platform.rollups.contracts import Standing

_BEFORE, _CURRENT = 1, 2
_ISSUED = ("earn", "accrue")


class PointsFigures(Struct, frozen=True, kw_only=True):
    """Units of the spending wallet in a period, as booked: all but `outstanding` are without a sign.

    `issued` by orders and postings, `used` to pay, `given_back` and `taken_back` by returns, `expired`; `corrected` is
    signed. `outstanding` is what members may still spend at the period's end, pending units included: the liability.
    """

    issued: int
    used: int
    expired: int
    given_back: int
    taken_back: int
    corrected: int
    outstanding: int


class Liability(Struct, frozen=True, kw_only=True):
    """What the members of a market may still spend at the ends of a period and of the one before, in units.

    `worth_minor` is what that is worth at most, in minor units of the market's currency: every unit, at the policy's
    value of a point. What expires unused, and what may not pay for more than a share of an order, makes it less.
    """

    market: str
    outstanding: int
    outstanding_before: int
    worth_minor: int
    worth_before_minor: int


class ProgrammeFigures(Struct, frozen=True, kw_only=True):
    """A period and the one before it. `tiers` are (code, members more than none at the end, and at the beginning).

    Everybody begins in the lowest tier: its numbers are those who left it, with a minus. `standing` tells up to when
    the figures hold; None: nothing has been rolled up yet.
    """

    points: PointsFigures
    points_before: PointsFigures
    liability: list[Liability]
    tier_moves: list[tuple[str, int, int]]
    standing: Standing | None


async def programme_figures(
    tx: Transaction, policy: Policy, *, before_first: date, first: date, last: date
) -> ProgrammeFigures:
    """Return the figures of a period of local days and of the one before, bookings by when they were recorded.

    `policy` is the one in force: its spending wallet, its tiers, its value of a point. One round trip. Raises nothing.
    Source: the roll-up of the books.
    """
    booked, tiers, standing = await tx.read(
        *reading.figures(policy.spending_wallet, before_first, first, last), rollups.standing_question(BOOKS)
    )
    moves = [[0, 0] for _ in policy.tier.tiers]
    for rank, at_end, at_start in tiers:
        sums = moves[held(policy.tier, rank)]
        sums[0] += at_end
        sums[1] += at_start
    return ProgrammeFigures(
        points=_points(booked, _CURRENT),
        points_before=_points(booked, _BEFORE),
        liability=_liability(booked, policy.payment.point_value_minor),
        tier_moves=[(rule.code, end, start) for rule, (end, start) in zip(policy.tier.tiers, moves, strict=True)],
        standing=rollups.standing_in(standing),
    )


def _outstanding(booked: Rows, part: int, market: str | None = None) -> int:
    """Return what is outstanding at the end of a part: what is owed back is no liability of ours."""
    changes: list[int] = [
        units + debt for of, until, _, units, debt in booked if until <= part and market in {None, of}
    ]
    return sum(changes)


def _liability(booked: Rows, value_minor: int) -> list[Liability]:
    found = []
    for market in sorted({row[0] for row in booked}):
        now, before = _outstanding(booked, _CURRENT, market), _outstanding(booked, _BEFORE, market)
        found.append(
            Liability(
                market=market,
                outstanding=now,
                outstanding_before=before,
                worth_minor=now * value_minor,
                worth_before_minor=before * value_minor,
            )
        )
    return found


def _points(booked: Rows, part: int) -> PointsFigures:
    units: dict[str, int] = {}
    for _, of, kind, amount, _ in booked:
        if of == part:
            units[kind] = units.get(kind, 0) + amount
    return PointsFigures(
        issued=sum([units.get(kind, 0) for kind in _ISSUED]),
        used=-units.get("redeem", 0),
        expired=-units.get("expire", 0),
        given_back=units.get("give_back", 0),
        taken_back=-units.get("claw_back", 0) - units.get("forgive", 0),
        corrected=units.get("adjust", 0),
        outstanding=_outstanding(booked, part),
    )
