"""The programme in figures: points issued, used, expired and outstanding, members and their tiers."""

from datetime import datetime

from msgspec import Struct

from regulars.loyalty.figures import store
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.tiers.rules import held
from regulars.platform.db.transaction import Rows, Transaction

_BEFORE, _CURRENT, _AFTER = 0, 1, 2
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


class ProgrammeFigures(Struct, frozen=True, kw_only=True):
    """A period and the one before it. `tiers` are (code, members now), from the lowest."""

    points: PointsFigures
    points_before: PointsFigures
    members: int
    members_before: int
    joined: int
    joined_before: int
    tiers: list[tuple[str, int]]


async def programme_figures(
    tx: Transaction, configuration: Configuration, *, before_start: datetime, start: datetime, end: datetime
) -> ProgrammeFigures:
    """Return the figures of `[start, end)` and of `[before_start, start)`, bookings by when they were recorded.

    One round trip; bookings are read from `before_start` on, wallets and tiers of all members. Raises NoActivePolicy
    (409). Source: ledger_transfers, member_wallets, member_books, members.
    """
    await configuration.follow(tx, (await tx.read(configuration.question))[0])
    policy = configuration.policy_at(tx.now)
    booked, outstanding, tiers, members = await store.read_figures(
        tx, wallet=policy.spending_wallet, before_start=before_start, start=start, end=end
    )
    now = outstanding[0][0]
    at_end = now - _change(booked, _AFTER)
    by_end, by_start, by_before, everybody = members[0]
    ranks = [0] * len(policy.tier.tiers)
    for rank, count in tiers:
        ranks[held(policy.tier, rank)] += count
    ranks[0] += everybody - sum(ranks)
    return ProgrammeFigures(
        points=_points(booked, _CURRENT, at_end),
        points_before=_points(booked, _BEFORE, at_end - _change(booked, _CURRENT)),
        members=by_end,
        members_before=by_start,
        joined=by_end - by_start,
        joined_before=by_start - by_before,
        tiers=[(rule.code, count) for rule, count in zip(policy.tier.tiers, ranks, strict=True)],
    )


def _change(booked: Rows, part: int) -> int:
    """Return by how much the outstanding units changed: what is owed back is no liability of ours."""
    return sum([units + debt for of, _, units, debt in booked if of == part])


def _points(booked: Rows, part: int, outstanding: int) -> PointsFigures:
    units = {kind: amount for of, kind, amount, _ in booked if of == part}
    return PointsFigures(
        issued=sum([units.get(kind, 0) for kind in _ISSUED]),
        used=-units.get("redeem", 0),
        expired=-units.get("expire", 0),
        given_back=units.get("give_back", 0),
        taken_back=-units.get("claw_back", 0),
        corrected=units.get("adjust", 0),
        outstanding=outstanding,
    )
