"""Pure decisions of finance: which movement a kind is, what units are worth."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import groupby
from typing import Final, NamedTuple

from regulars.loyalty.finance.contracts import Held, Moved, Worth

OTHER: Final = "other"
# How finance calls each kind of transfer. A kind that is not here is shown as `other`, with its name: nothing falls
# through, since every figure is a sum over all rows. A test asks for each kind that the ledger knows.
MOVEMENT_OF: Final = {
    "accrue": "issued",
    "earn": "issued",
    "redeem": "redeemed",
    "give_back": "given_back",
    "expire": "expired",
    "claw_back": "reversed",
    "forgive": "reversed",
    "adjust": "adjusted",
    "extend": "extended",
    "move_in": "moved",
    "move_out": "moved",
}
MOVEMENTS: Final = ("issued", "redeemed", "given_back", "expired", "reversed", "adjusted")


class Kind(NamedTuple):
    """The sum of the transfers of one kind."""

    kind: str
    transfers: int
    units: int
    debt_change: int


def movement_of(kind: str) -> str:
    """Return how finance calls a kind of transfer."""
    return MOVEMENT_OF.get(kind, OTHER)


def moved(kinds: Iterable[Kind], value_minor: int | None) -> list[Moved]:
    """Gather kinds into movements: the six that there always are, and behind them any other."""
    order = [*MOVEMENTS, *sorted({movement_of(kind.kind) for kind in kinds} - {*MOVEMENTS})]
    named = {
        movement: list(of)
        for movement, of in groupby(
            sorted(kinds, key=lambda kind: (movement_of(kind.kind), kind.kind)), lambda kind: movement_of(kind.kind)
        )
    }
    return [_moved(movement, named.get(movement, []), value_minor) for movement in order]


def _moved(movement: str, kinds: Sequence[Kind], value_minor: int | None) -> Moved:
    units, debt_change = sum([kind.units for kind in kinds]), sum([kind.debt_change for kind in kinds])
    return Moved(
        movement=movement,
        kinds=tuple([kind.kind for kind in kinds]),
        transfers=sum([kind.transfers for kind in kinds]),
        units=units,
        debt_change=debt_change,
        worth_minor=None if value_minor is None else (units + debt_change) * value_minor,
    )


def held(balance: int, debt: int) -> Held:
    """Return what is held, with what is outstanding."""
    return Held(balance=balance, debt=debt, outstanding=balance + debt)


def after(opening: Held, kinds: Iterable[Kind]) -> Held:
    """Return what is held after these movements."""
    listed = list(kinds)
    return held(
        opening.balance + sum([kind.units for kind in listed]),
        opening.debt + sum([kind.debt_change for kind in listed]),
    )


def worth(outstanding: int, value_minor: int, breakage: Decimal | None, why_not: str | None = None) -> Worth:
    """Value outstanding units at most and, with an estimate of breakage, fairly (rounded half to even)."""
    if breakage is None:
        return Worth(point_value_minor=value_minor, at_most_minor=outstanding * value_minor, why_not=why_not)
    per_point = (value_minor * (1 - breakage)).quantize(Decimal("0.000001"))
    return Worth(
        point_value_minor=value_minor,
        at_most_minor=outstanding * value_minor,
        breakage=f"{breakage:f}",
        fair_per_point_minor=f"{per_point:f}",
        fair_minor=int((outstanding * value_minor * (1 - breakage)).to_integral_value(ROUND_HALF_EVEN)),
    )
