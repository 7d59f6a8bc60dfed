"""What orders and returns did to points, growth and tier, in sentences for the member."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import OrderSettlement, ReturnSettlement
from regulars.platform.money import Money
from regulars.platform.texts import say
from regulars.web.kit.formats import Formats
from regulars.web.portal.own import last_moment


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that an order or a return did: `amount` is signed, in `unit`s; `text` says why."""

    unit: Literal["points", "growth", "tier"]
    amount: int
    title: str
    text: str


class Undone(NamedTuple):
    """How much of what an order brought was taken back with goods, and of what paid given back; the tier lost again?"""

    points: int = 0
    growth: int = 0
    paid: int = 0
    tier: bool = False


def effects_of_order(
    settled: OrderSettlement | None, paid: Money, undone: Undone, now: datetime, formats: Formats
) -> list[Effect]:
    """Return what paying an order did; nothing before. `paid` is what the points used were worth.

    `undone` is how much of it was taken back with goods: of that nothing is promised.
    """
    return [] if settled is None else list(_of_order(settled, paid, undone, now, formats))


def effects_of_return(settled: ReturnSettlement | None, formats: Formats) -> list[Effect]:
    """Return what a return did."""
    return [] if settled is None else list(_of_return(settled, formats))


def points_of_order(settled: OrderSettlement | None) -> int | None:
    """Return how many points an order earned; None before it was paid."""
    return None if settled is None else settled.points_earned


def _of_order(
    settled: OrderSettlement, paid: Money, undone: Undone, now: datetime, formats: Formats
) -> Iterator[Effect]:
    language, told_below = formats.language, _space(formats)
    if settled.points_used:
        worth = say("They paid {money} of this order.", language, money=formats.money(paid))
        if undone.paid:
            back = formats.number(undone.paid)
            worth += told_below + say("{taken} of them were given back, as told below.", language, taken=back)
        yield _points(-settled.points_used, worth, formats)
    if settled.points_earned:
        why = _space(formats).join(_why_earned(settled, undone.points, now, formats))
        yield _points(settled.points_earned, why, formats)
    if settled.growth_earned:
        why = say("It counts towards your tier, whatever tier you have.", language)
        if undone.growth >= settled.growth_earned:
            why = say("All of it was taken back, as told below.", language)
        elif undone.growth:
            taken = formats.number(undone.growth)
            why += told_below + say("{taken} of it were taken back, as told below.", language, taken=taken)
        yield _growth(settled.growth_earned, why, formats)
    if settled.tier_before != settled.tier_after:
        why = say("Your growth reached what it takes.", language)
        if undone.tier:
            why += told_below + say("A return took it away again, as told below.", language)
        yield _tier(settled, why, formats)


def _why_earned(settled: OrderSettlement, taken_back: int, now: datetime, formats: Formats) -> Iterator[str]:
    language = formats.language
    yield say(
        "{base} × {multiplier} as {tier}.",
        language,
        base=formats.number(settled.base),
        multiplier=settled.multiplier,
        tier=loyalty.name_of_tier(settled.tier_before, language),
    )
    if settled.debt_repaid:
        yield say("{repaid} of them repaid points you owed.", language, repaid=formats.number(settled.debt_repaid))
    if taken_back >= settled.points_earned:
        yield say("All of them were taken back, as told below.", language)
        return
    if taken_back:
        yield say("{taken} of them were taken back, as told below.", language, taken=formats.number(taken_back))
    if settled.available_at is not None and settled.available_at > now:
        yield say("You can spend them from {day}.", language, day=formats.moment(settled.available_at))
    if settled.expires_at is not None:
        yield say("They are good until {day}.", language, day=formats.day(last_moment(settled.expires_at)))


def _of_return(settled: ReturnSettlement, formats: Formats) -> Iterator[Effect]:
    language = formats.language
    if settled.points_given_back:
        why = say("They had paid for what came back.", language)
        yield _points(settled.points_given_back, why, formats)
    if settled.points_clawed_back:
        why = say("You had earned them on what came back.", language)
        if settled.to_debt:
            owed = formats.number(settled.to_debt)
            why += _space(formats) + say(
                "{owed} of them were spent already; the next points you earn repay them.", language, owed=owed
            )
        yield _points(-settled.points_clawed_back, why, formats)
    if settled.growth_reversed:
        why = say("You had earned it on what came back, so it counts no longer.", language)
        yield _growth(-settled.growth_reversed, why, formats)
    if settled.tier_before != settled.tier_after:
        yield _tier(settled, say("The growth that was taken away was needed for it.", language), formats)


def _points(amount: int, why: str, formats: Formats) -> Effect:
    title = say("{amount} points", formats.language, amount=signed(amount, formats))
    return Effect("points", amount, title, why)


def _growth(amount: int, why: str, formats: Formats) -> Effect:
    title = say("{amount} growth", formats.language, amount=signed(amount, formats))
    return Effect("growth", amount, title, why)


def _tier(settled: OrderSettlement | ReturnSettlement, why: str, formats: Formats) -> Effect:
    language = formats.language
    before, after = (
        loyalty.name_of_tier(settled.tier_before, language),
        loyalty.name_of_tier(settled.tier_after, language),
    )
    told = {"before": before, "after": after}
    if isinstance(settled, OrderSettlement):
        return Effect("tier", 1, say("You rose from {before} to {after}", language, **told), why)
    return Effect("tier", -1, say("You fell from {before} to {after}", language, **told), why)


def _space(formats: Formats) -> str:
    """Return what stands between two sentences: nothing in Chinese."""
    return "" if formats.language == "zh" else " "


def signed(amount: int, formats: Formats) -> str:
    """Write an amount with its sign, a true minus."""
    return f"{'+' if amount > 0 else '−' if amount < 0 else ''}{formats.number(abs(amount))}"
