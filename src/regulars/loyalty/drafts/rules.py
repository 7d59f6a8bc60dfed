"""What differs between two policies: as data, path by path, and as sentences that a shopkeeper understands."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from babel.numbers import format_currency, format_decimal, get_currency_precision
from msgspec import Struct

from regulars.loyalty.policy.contracts import AnniversaryReview, MonthlyReview, Policy, TierRule
from regulars.loyalty.policy.sections import LEAVES, SECTIONS, TIERS, Leaf, Section, value_at
from regulars.loyalty.tiers.names import name_of_tier
from regulars.platform.texts import mark, of_one, say

HOURS_A_DAY: Final = 24

NEW_TIER: Final = mark("{tier} is new: from {threshold} growth, {multiplier} points for each base point.")
A_TIER: Final = mark("from {threshold} growth, {multiplier} points for each base point")
YES, NO, NOT_SET = mark("yes"), mark("no"), mark("none")
NO_TIER: Final = mark("{tier} is no more.")
THRESHOLD: Final = mark("{tier} needs {after} growth instead of {before}.")
MULTIPLIER: Final = mark("{tier} earns {after} points for each base point, instead of {before}.")
_COUNTED: Final = {
    "hours": mark("{count} hours"),
    "days": mark("{count} days"),
    "months": mark("{count} months"),
    "percent": mark("{count} %"),
}
PLACE: Final = mark("{tier} stands at place {after} among the tiers, before: {before}.")


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that differs: a JSON Pointer into the policy, what stood there and what stands there; and as said.

    Tiers are pointed to by their code: `/tier/tiers/gold/threshold`. `null`: it is not there.
    """

    pointer: str
    section: str
    before: Any
    after: Any
    said: str


class Telling(Struct, frozen=True):
    """In which language to tell, and the currencies in which amounts are told."""

    language: str
    currencies: tuple[str, ...] = ()


def differences(before: Policy, after: Policy, telling: Telling) -> list[Difference]:
    """Return what differs, section by section in the declared order; nothing for policies that say the same."""
    found: list[Difference] = []
    for section in SECTIONS:
        had, has = getattr(before, section.name), getattr(after, section.name)
        if section.begins and (had is None) != (has is None):
            sentence = section.begins if had is None else section.ends
            found.append(_different(f"/{section.name}", section.name, had, has, say(sentence, telling.language)))
            continue
        if section.name == "tier":
            found += _of_tiers(before.tier.tiers, after.tier.tiers, telling)
        for leaf in LEAVES:
            if leaf.section == section.name:
                was, now = value_at(before, leaf.path), value_at(after, leaf.path)
                if was != now:
                    said = _said(leaf, was, now, telling)
                    found.append(_different(f"/{leaf.path.replace('.', '/')}", section.name, was, now, said))
    return found


def told(leaf: Leaf, value: Any, telling: Telling) -> str:  # noqa: ANN401 - of the field's own type
    """Return a value as people write it."""
    language = telling.language
    match leaf.unit:
        case "review":
            written = _review(value, language)
        case "choice":
            written = say(dict(leaf.choices)[value], language)
        case "minor":
            written = _amount(value, telling)
        case "hours" if value and not value % HOURS_A_DAY:
            written = say(_COUNTED["days"], language, count=_number(value // HOURS_A_DAY, language))
        case "hours" | "days" | "months" | "percent":
            written = say(_COUNTED[leaf.unit], language, count=_number(value, language))
        case "number" if value is not None:
            written = _number(value, language)
        case _:
            written = str(value)
    return written


def lines_of(policy: Policy, section: Section, telling: Telling) -> list[tuple[str, str]]:
    """Return what a section of a policy says: pairs of label and value."""
    language = telling.language
    lines = []
    if section.name == "tier":
        for tier in reversed(policy.tier.tiers):
            numbers = {name: _number(getattr(tier, name), language) for name in ("threshold", "multiplier")}
            lines.append((name_of_tier(tier.code, language), of_one(say(A_TIER, language, **numbers), language)))
    for leaf in LEAVES:
        if leaf.section == section.name:
            value = value_at(policy, leaf.path)
            written = say(NOT_SET, language) if value is None else told(leaf, value, telling)
            if leaf.unit == "flag":
                written = say(YES if value else NO, language)
            lines.append((say(leaf.label, language), written))
    return lines


def _said(leaf: Leaf, was: Any, now: Any, telling: Telling) -> str:  # noqa: ANN401 - of the field's own type
    values = {"before": told(leaf, was, telling), "after": told(leaf, now, telling)}
    if leaf.begins and (was is None or was is False):
        return say(leaf.begins, telling.language, **values)
    if leaf.ends and (now is None or now is False):
        return say(leaf.ends, telling.language, **values)
    return say(leaf.sentence, telling.language, **values)


def _of_tiers(before: Sequence[TierRule], after: Sequence[TierRule], telling: Telling) -> list[Difference]:
    found = []
    had, has = {tier.code: tier for tier in before}, {tier.code: tier for tier in after}
    language = telling.language
    at = f"/{TIERS.replace('.', '/')}"
    for tier in after:
        name = name_of_tier(tier.code, language)
        was = had.get(tier.code)
        if was is None:
            new_one = {"threshold": tier.threshold, "multiplier": tier.multiplier}
            said = say(NEW_TIER, language, tier=name, **{key: _number(one, language) for key, one in new_one.items()})
            found.append(_different(f"{at}/{tier.code}", "tier", None, new_one, said))
            continue
        for field, sentence in (("threshold", THRESHOLD), ("multiplier", MULTIPLIER)):
            old, new = getattr(was, field), getattr(tier, field)
            if old != new:
                numbers = {"before": _number(old, language), "after": _number(new, language)}
                said = say(sentence, language, tier=name, **numbers)
                found.append(_different(f"{at}/{tier.code}/{field}", "tier", old, new, said))
    for tier in before:
        if tier.code not in has:
            gone = {"threshold": tier.threshold, "multiplier": tier.multiplier}
            said = say(NO_TIER, language, tier=name_of_tier(tier.code, language))
            found.append(_different(f"{at}/{tier.code}", "tier", gone, None, said))
    kept_before = [tier.code for tier in before if tier.code in has]
    kept_after = [tier.code for tier in after if tier.code in had]
    for place, code in enumerate(kept_after):
        if kept_before[place] != code:
            places = kept_before.index(code) + 1, place + 1
            said = say(PLACE, language, tier=name_of_tier(code, language), before=places[0], after=places[1])
            found.append(_different(f"{at}/{code}/place", "tier", *places, said))
    return found


def _different(pointer: str, section: str, before: object, after: object, said: str) -> Difference:
    plain = msgspec.to_builtins
    return Difference(pointer=pointer, section=section, before=plain(before), after=plain(after), said=said)


def _review(review: Any, language: str) -> str:  # noqa: ANN401 - one of three
    match review:
        case MonthlyReview(months=months):
            listed = ", ".join([str(month) for month in months])
            return say("at the beginning of these months: {months}", language, months=listed)
        case AnniversaryReview(after_months=months, grace_days=days):
            return say(
                "{months} months after reaching the tier, with {days} days of grace", language, months=months, days=days
            )
        case _:
            return say("never", language)


def _amount(minor: int, telling: Telling) -> str:
    if not telling.currencies:
        return say("{minor} minor units", telling.language, minor=_number(minor, telling.language))
    return " / ".join(
        [
            format_currency(minor / 10 ** get_currency_precision(one), one, locale=telling.language)
            for one in telling.currencies
        ]
    )


def _number(value: int, language: str) -> str:
    return str(format_decimal(value, locale=language))
