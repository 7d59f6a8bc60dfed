"""Why an order did what it did: every rule's verdict with the actual values, its policy version and a sentence.

All of it is told from what was recorded when it was decided: the settlement that stands with the order, what each
return did, and the version of the policy that they name.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final, NamedTuple

from msgspec import Struct

from regulars.commerce.contracts import OrderOutcome, ReturnOutcome
from regulars.commerce.guests.service import CLAIM_DAYS
from regulars.commerce.orders.rules import SETTLED
from regulars.commerce.orders.witness import Seen
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import OrderSettlement, ReturnSettlement
from regulars.platform.explaining.contracts import Reason, Value
from regulars.platform.explaining.speech import Sentence, Speech, declare, plain
from regulars.platform.formats import formats_of
from regulars.platform.texts import mark, say

# What orders say beside loyalty's rules. Codes are stable; the sentences are keys of locale/*/explanations.po.
SENTENCES: Final[dict[str, Sentence]] = {
    "earning.awaits_payment": Sentence(
        mark("Points, growth and tier are settled when the order becomes paid; it is {state}.")
    ),
    "earning.guest": Sentence(
        mark("An order without a member earns nothing; a member can claim it until {claim_until}.")
    ),
    "earning.nothing": Sentence(mark("What was paid in money was too little for a base point.")),
    "payment.possible": Sentence(
        mark(
            "Up to {allowed} points may pay for such an order: {max_percent} % of the total allow {share}, "
            "{spendable} can be spent."
        )
    ),
    "payment.refused": Sentence(mark("No points paid, although up to {asked} were offered: {debt} were owed.")),
    "return.given_back": Sentence(mark("{points} points that had paid for what came back were given back.")),
    "return.money_back": Sentence(
        mark(
            "{money_back_minor} of the {returned_minor} that came back are given back in money; points had paid the "
            "rest."
        )
    ),
    "return.clawed_back": Sentence(
        mark("{points} points earned on what came back were taken back; {to_debt} were missing and are owed."),
        without={"to_debt": mark("{points} points earned on what came back were taken back.")},
    ),
    "return.forgiven": Sentence(
        mark("{points} points earned on what came back could not be taken back, and are forgiven.")
    ),
    "return.of_guest": Sentence(mark("Nothing was earned without a member, so nothing is taken back.")),
}
_STATES: Final = {
    "open": mark("open"),
    "placed": mark("placed"),
    "paid": mark("paid"),
    "fulfilled": mark("fulfilled"),
    "cancelled": mark("cancelled"),
}


def name_of_state(state: str, language: str) -> str:
    """Return how people call the state of an order."""
    return say(_STATES[state], language) if state in _STATES else state


declare(SENTENCES, {"state": name_of_state})
NOWHERE: Final = "UTC"  # where no instant is told


class Ruled(NamedTuple):
    """A reason, and the version of the policy that it follows (None: no policy)."""

    policy_version: int | None
    reason: Reason


class Verdict(Struct, frozen=True, kw_only=True):
    """One rule's verdict: its stable code, the policy version it follows (None: no policy), values and a sentence."""

    rule: str
    policy_version: int | None
    values: dict[str, str | int | None]
    sentence: str


def verdicts_of_order(
    result: OrderOutcome, seen: Seen, configuration: loyalty.Configuration, language: str, time_zone: str
) -> list[Verdict]:
    """Explain an order as it stands, and how its member stood before and stands after it."""
    return _said(reasons_of_order(result, seen, configuration), language, time_zone, result.currency)


def verdicts_of_return(result: ReturnOutcome, seen: Seen, language: str) -> list[Verdict]:
    """Explain a return, and how the member stands after it; there is nothing to explain of a guest's."""
    if result.settlement is None:
        return []
    return _said(reasons_of_return(result, seen), language, NOWHERE, result.currency)


def _said(found: Iterable[Ruled], language: str, time_zone: str, currency: str) -> list[Verdict]:
    speech = Speech(formats_of(language, time_zone), currency)
    return [
        Verdict(rule=reason.rule, policy_version=version, values=plain(reason.values), sentence=speech.say(reason))
        for version, reason in found
    ]


def reasons_of_return(result: ReturnOutcome, seen: Seen) -> Iterator[Ruled]:
    """Yield what a return did, and how the member stands after it."""
    settlement = result.settlement
    if settlement is None:
        yield _ruled("return.of_guest", None)
        return
    kept_minor = result.total_minor - result.returned_so_far_minor
    version = settlement.policy_version
    yield _ruled("return.remains", version, total_minor=result.total_minor, kept_minor=kept_minor)
    if result.money_back_minor is not None and result.money_back_minor != result.returned_minor:
        yield _ruled(
            "return.money_back",
            version,
            money_back_minor=result.money_back_minor,
            returned_minor=result.returned_minor,
        )
    yield from _undone(settlement)
    yield from _standing(seen.after)


def reasons_of_order(result: OrderOutcome, seen: Seen, configuration: loyalty.Configuration) -> Iterator[Ruled]:
    """Yield what paying an order did; before that, and of a guest's, why nothing yet."""
    if result.member_id is None:
        yield _ruled("earning.guest", None, claim_until=result.occurred_at + timedelta(days=CLAIM_DAYS))
        return
    if result.settlement is not None:
        yield from _earned(result, result.settlement, configuration)
    elif result.state not in SETTLED:
        yield _ruled("earning.awaits_payment", None, state=result.state)
    if seen.before is not None and (result.settlement is None or not result.settlement.points_used):
        yield _payable(seen.before, result.total_minor)
    for undone in [result.cancellation, *[each.settlement for each in result.replayed]]:
        if undone is not None:
            yield from _undone(undone)
    yield from _standing(seen.after)


def near_misses(result: OrderOutcome, configuration: loyalty.Configuration) -> Iterator[Reason]:
    """Yield how little more would have changed what an order did, by the policy and the standing of its time."""
    settled = result.settlement
    if settled is None:
        return
    terms = configuration.policy_of_version(settled.policy_version)
    yield loyalty.next_point(terms, result.total_minor, settled.points_used, settled.multiplier)
    offer = settled.offer
    if offer is None:
        return
    if offer.allowed > settled.points_used:
        yield Reason("payment.more", {"missing": offer.allowed - settled.points_used})
    elif not offer.allowed and offer.spendable < terms.payment.min_spendable:
        minimum = terms.payment.min_spendable
        values = {"spendable": offer.spendable, "minimum": minimum, "missing": minimum - offer.spendable}
        yield Reason("payment.minimum", dict[str, Value](values))


def _earned(result: OrderOutcome, settled: OrderSettlement, configuration: loyalty.Configuration) -> Iterator[Ruled]:
    version = settled.policy_version
    policy = configuration.policy_of_version(version)
    value_minor = settled.points_used * policy.payment.point_value_minor
    if settled.points_used:
        yield _ruled("payment.used", version, points_used=settled.points_used, points_value_minor=value_minor)
    yield from _offered(result, settled, policy)
    yield _ruled(
        "earning.base",
        version,
        total_minor=result.total_minor,
        points_used=settled.points_used,
        points_value_minor=value_minor,
        paid_minor=result.total_minor - value_minor,
        minor_per_point=policy.earning.minor_per_point,
        base=settled.base,
    )
    if not settled.base:
        yield _ruled("earning.nothing", version)
        return
    yield _ruled(
        "earning.multiplier",
        version,
        tier=settled.tier_before,
        multiplier=settled.multiplier,
        points=settled.points_earned,
    )
    if settled.growth_earned:
        yield _ruled("earning.growth", version, growth=settled.growth_earned)
    if settled.debt_repaid:
        yield _ruled("earning.debt", version, debt_repaid=settled.debt_repaid)
    if settled.available_at is not None and settled.expires_at is not None:
        yield _ruled(
            "earning.maturity",
            version,
            available_at=settled.available_at,
            expires_at=settled.expires_at,
            maturity_hours=policy.earning.maturity_hours,
            expiry_months=policy.earning.expiry_months,
        )
    yield from _changed(settled)


def _offered(result: OrderOutcome, settled: OrderSettlement, policy: loyalty.Policy) -> Iterator[Ruled]:
    """Say how many points might have paid, where some were offered: as it was decided then."""
    offer, payment = settled.offer, policy.payment
    if offer is None:
        return
    if offer.debt:
        yield _ruled("payment.refused", settled.policy_version, asked=offer.asked, debt=offer.debt)
        return
    yield _ruled(
        "payment.offer",
        settled.policy_version,
        allowed=offer.allowed,
        max_percent=payment.max_percent,
        total_minor=result.total_minor,
        share=result.total_minor * payment.max_percent // 100 // payment.point_value_minor,
        spendable=offer.spendable,
        asked=offer.asked,
    )


def _payable(member: loyalty.Standing, total_minor: int) -> Ruled:
    """Say how many points could pay for an order, or what is missing for it (a near miss)."""
    allowance = loyalty.points_allowed(member, total_minor)
    version = member.policy.version
    if allowance.debt:
        return _ruled("payment.debt", version, debt=allowance.debt, spendable=allowance.spendable)
    if allowance.spendable < allowance.minimum:
        missing = allowance.minimum - allowance.spendable
        return _ruled(
            "payment.minimum", version, spendable=allowance.spendable, minimum=allowance.minimum, missing=missing
        )
    return _ruled(
        "payment.possible",
        version,
        allowed=allowance.allowed,
        spendable=allowance.spendable,
        share=allowance.share,
        max_percent=allowance.max_percent,
    )


def _undone(settled: ReturnSettlement) -> Iterator[Ruled]:
    version = settled.policy_version
    if settled.points_given_back:
        yield _ruled("return.given_back", version, points=settled.points_given_back)
    if settled.points_clawed_back:
        yield _ruled("return.clawed_back", version, points=settled.points_clawed_back, to_debt=settled.to_debt)
    if settled.forgiven:
        yield _ruled("return.forgiven", version, points=settled.forgiven)
    if settled.growth_reversed:
        yield _ruled("return.growth", version, growth=settled.growth_reversed)
    yield from _changed(settled)


def _changed(settled: OrderSettlement | ReturnSettlement) -> Iterator[Ruled]:
    if settled.tier_before != settled.tier_after:
        rule = "tier.reached" if isinstance(settled, OrderSettlement) else "tier.lost"
        yield _ruled(rule, settled.policy_version, from_tier=settled.tier_before, tier=settled.tier_after)


def _standing(member: loyalty.Standing | None) -> Iterator[Ruled]:
    if member is None:
        return
    version = member.policy.version
    yield _ruled("tier.standing", version, tier=member.tier, metric=member.metric, window_days=member.window_days)
    if member.next_tier is None:
        yield _ruled("tier.top", version, tier=member.tier)
    else:
        yield _ruled(
            "tier.next", version, next_tier=member.next_tier, missing=member.missing, window_days=member.window_days
        )


def _ruled(rule: str, policy_version: int | None, /, **values: Value) -> Ruled:
    return Ruled(policy_version, Reason(rule, values))
