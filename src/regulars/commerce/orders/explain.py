"""Why an order did what it did: every rule's verdict with the actual values, its policy version and a sentence."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from regulars.commerce.contracts import OrderOutcome, ReturnOutcome
from regulars.commerce.guests.service import CLAIM_DAYS
from regulars.commerce.orders.rules import SETTLED
from regulars.commerce.orders.witness import Seen
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import OrderSettlement, ReturnSettlement
from regulars.platform.texts import say

Value = str | int | None

# Rule codes are stable; the sentences are keys of the translations in locale/*/commerce.po.
SENTENCES: Final[dict[str, str]] = {
    "earning.base": (
        "{paid_minor} minor units were paid in money (total {total_minor}, less {points_used} points worth "
        "{points_value_minor}); every full {minor_per_point} give one base point: {base}."
    ),
    "earning.multiplier": "The tier {tier} earns {multiplier} points for each base point: {points}.",
    "earning.growth": "Growth counts base points, whatever the tier: {growth}.",
    "earning.debt": "{debt_repaid} of the points repaid a debt that an earlier return had left.",
    "earning.maturity": (
        "The points can be spent from {available_at}, {maturity_hours} hours after the order, and expire at "
        "{expires_at}."
    ),
    "earning.awaits_payment": "Points, growth and tier are settled when the order becomes paid; it is {state}.",
    "earning.guest": "An order without a member earns nothing; a member can claim it until {claim_until}.",
    "payment.used": "{points_used} points paid {points_value_minor} minor units.",
    "payment.possible": (
        "Up to {allowed} points may pay for such an order: {max_percent} % of the total allow {share}, "
        "{spendable} can be spent."
    ),
    "payment.debt": "No points may pay while {debt} are owed; what is earned repays them first.",
    "payment.minimum": (
        "No points may pay yet: {spendable} can be spent and {minimum} are needed; {missing} more unlock it."
    ),
    "return.remains": (
        "Of {total_minor} minor units {kept_minor} remain after all that was returned; the order is settled for that, "
        "by the policy under which it was paid."
    ),
    "return.given_back": "{points} points that had paid for what came back were given back.",
    "return.money_back": (
        "{money_back_minor} of the {returned_minor} minor units that came back are given back in money; points had "
        "paid the rest."
    ),
    "return.clawed_back": (
        "{points} points earned on what came back were taken back; {to_debt} were missing and are owed."
    ),
    "return.forgiven": "{points} points earned on what came back could not be taken back, and are forgiven.",
    "return.growth": "{growth} growth earned on what came back no longer counts, at the order's own time.",
    "tier.reached": "The tier rose from {from_tier} to {tier}.",
    "tier.lost": "The tier fell from {from_tier} to {tier}, because the growth taken away was needed for it.",
    "tier.standing": "The tier is {tier}: the growth of the last {window_days} days is {metric}.",
    "tier.next": "{missing} more growth within {window_days} days reach the tier {next_tier}.",
    "tier.top": "There is no tier above {tier}.",
}


class Verdict(Struct, frozen=True, kw_only=True):
    """One rule's verdict: its stable code, the policy version it follows (None: no policy), values and a sentence."""

    rule: str
    policy_version: int | None
    values: dict[str, Value]
    sentence: str


def verdicts_of_order(
    result: OrderOutcome, seen: Seen, configuration: loyalty.Configuration, language: str
) -> list[Verdict]:
    """Explain an order as it stands, and how its member stood before and stands after it."""
    return list(_order(result, seen, configuration, language))


def verdicts_of_return(result: ReturnOutcome, seen: Seen, language: str) -> list[Verdict]:
    """Explain a return, and how the member stands after it; there is nothing to explain of a guest's."""
    settlement = result.settlement
    if settlement is None:
        return []
    kept_minor = result.total_minor - result.returned_so_far_minor
    version = settlement.policy_version
    remains = _verdict("return.remains", version, language, total_minor=result.total_minor, kept_minor=kept_minor)
    told = [remains]
    if result.money_back_minor is not None and result.money_back_minor != result.returned_minor:
        told.append(
            _verdict(
                "return.money_back",
                version,
                language,
                money_back_minor=result.money_back_minor,
                returned_minor=result.returned_minor,
            )
        )
    return [*told, *_undone(settlement, language), *_standing(seen.after, language)]


def _order(result: OrderOutcome, seen: Seen, configuration: loyalty.Configuration, language: str) -> Iterator[Verdict]:
    if result.member_id is None:
        until = result.occurred_at + timedelta(days=CLAIM_DAYS)
        yield _verdict("earning.guest", None, language, claim_until=_written(until))
        return
    if result.settlement is not None:
        yield from _earned(result, result.settlement, configuration, language)
    elif result.state not in SETTLED:
        yield _verdict("earning.awaits_payment", None, language, state=result.state)
    if seen.before is not None and (result.settlement is None or not result.settlement.points_used):
        yield _payable(seen.before, result.total_minor, language)
    for undone in [result.cancellation, *[each.settlement for each in result.replayed]]:
        if undone is not None:
            yield from _undone(undone, language)
    yield from _standing(seen.after, language)


def _earned(
    result: OrderOutcome, settled: OrderSettlement, configuration: loyalty.Configuration, language: str
) -> Iterator[Verdict]:
    version = settled.policy_version
    policy = configuration.policy_of_version(version)
    value_minor = settled.points_used * policy.payment.point_value_minor
    if settled.points_used:
        yield _verdict(
            "payment.used", version, language, points_used=settled.points_used, points_value_minor=value_minor
        )
    yield _verdict(
        "earning.base",
        version,
        language,
        total_minor=result.total_minor,
        points_used=settled.points_used,
        points_value_minor=value_minor,
        paid_minor=result.total_minor - value_minor,
        minor_per_point=policy.earning.minor_per_point,
        base=settled.base,
    )
    yield _verdict(
        "earning.multiplier",
        version,
        language,
        tier=settled.tier_before,
        multiplier=settled.multiplier,
        points=settled.points_earned,
    )
    if settled.growth_earned:
        yield _verdict("earning.growth", version, language, growth=settled.growth_earned)
    if settled.debt_repaid:
        yield _verdict("earning.debt", version, language, debt_repaid=settled.debt_repaid)
    if settled.available_at is not None and settled.expires_at is not None:
        yield _verdict(
            "earning.maturity",
            version,
            language,
            available_at=_written(settled.available_at),
            expires_at=_written(settled.expires_at),
            maturity_hours=policy.earning.maturity_hours,
            expiry_months=policy.earning.expiry_months,
        )
    yield from _changed(settled, language)


def _payable(member: loyalty.Standing, total_minor: int, language: str) -> Verdict:
    """Say how many points could pay for an order, or what is missing for it (a near miss)."""
    allowance = loyalty.points_allowed(member, total_minor)
    version = member.policy.version
    if allowance.debt:
        return _verdict("payment.debt", version, language, debt=allowance.debt, spendable=allowance.spendable)
    if allowance.spendable < allowance.minimum:
        missing = allowance.minimum - allowance.spendable
        return _verdict(
            "payment.minimum",
            version,
            language,
            spendable=allowance.spendable,
            minimum=allowance.minimum,
            missing=missing,
        )
    return _verdict(
        "payment.possible",
        version,
        language,
        allowed=allowance.allowed,
        spendable=allowance.spendable,
        share=allowance.share,
        max_percent=allowance.max_percent,
    )


def _undone(settled: ReturnSettlement, language: str) -> Iterator[Verdict]:
    version = settled.policy_version
    if settled.points_given_back:
        yield _verdict("return.given_back", version, language, points=settled.points_given_back)
    if settled.points_clawed_back:
        yield _verdict(
            "return.clawed_back", version, language, points=settled.points_clawed_back, to_debt=settled.to_debt
        )
    if settled.forgiven:
        yield _verdict("return.forgiven", version, language, points=settled.forgiven)
    if settled.growth_reversed:
        yield _verdict("return.growth", version, language, growth=settled.growth_reversed)
    yield from _changed(settled, language)


def _changed(settled: OrderSettlement | ReturnSettlement, language: str) -> Iterator[Verdict]:
    if settled.tier_before != settled.tier_after:
        rule = "tier.reached" if isinstance(settled, OrderSettlement) else "tier.lost"
        yield _verdict(rule, settled.policy_version, language, from_tier=settled.tier_before, tier=settled.tier_after)


def _standing(member: loyalty.Standing | None, language: str) -> Iterator[Verdict]:
    if member is None:
        return
    version = member.policy.version
    yield _verdict(
        "tier.standing", version, language, tier=member.tier, metric=member.metric, window_days=member.window_days
    )
    if member.next_tier is None:
        yield _verdict("tier.top", version, language, tier=member.tier)
    else:
        yield _verdict(
            "tier.next",
            version,
            language,
            next_tier=member.next_tier,
            missing=member.missing,
            window_days=member.window_days,
        )


def _verdict(rule: str, policy_version: int | None, language: str, /, **values: Value) -> Verdict:
    told = {name: _said(name, value, language) for name, value in values.items()}
    sentence = say(SENTENCES[rule], language, **told)
    return Verdict(rule=rule, policy_version=policy_version, values=values, sentence=sentence)


def _said(name: str, value: Value, language: str) -> Value:
    """Return a value as the sentence shows it: tiers by their names."""
    return loyalty.name_of_tier(value, language) if name.endswith("tier") and isinstance(value, str) else value


def _written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
