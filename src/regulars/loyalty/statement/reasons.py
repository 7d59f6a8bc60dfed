"""Plain sentences, in the caller's language, made of a row's own data: the basis it was decided by."""

from datetime import datetime, timedelta
from typing import Any, Final

from babel.dates import format_date
from babel.numbers import format_decimal

from regulars.loyalty.contracts import TierChange
from regulars.loyalty.ledger.basis import read_basis
from regulars.loyalty.policy.contracts import TierPolicy
from regulars.loyalty.policy.rules import zone
from regulars.loyalty.tiers.names import name_of_tier
from regulars.platform.texts import mark, say

_JUST_BEFORE: Final = timedelta(microseconds=1)


def name_of_wallet(code: str, language: str) -> str:
    """Return how people call a wallet; those of a programme's own go by their code."""
    match code:
        case "points":
            return say("points", language)
        case "growth":
            return say("growth", language)
        case _:
            return code


def _number(units: str | int) -> str:
    return f"{int(units):,}"  # as both languages group it


def reason_of(
    language: str,
    *,
    kind: str,
    wallet: str,
    amount: int,
    debt_change: int,
    order_id: str | None,
    reference: str,
    effective_at: datetime,
    basis: str,
    time_zone: str,
) -> str:
    """Return why a transfer is there. `amount` is signed; days are local to the member's market."""
    told: dict[str, Any] = {
        "wallet": name_of_wallet(wallet, language),
        "order_id": order_id,
        "reference": reference,
        **read_basis(basis),
        "amount": _number(abs(amount)),
    }
    told |= {name: _number(told[name]) for name in ("base", "forgiven") if name in told}
    if kind == "extend":
        return _of_extension(amount, language, told, time_zone)
    if kind in {"move_in", "move_out"}:
        return _of_move(kind, language, told)
    if kind == "expire":
        local = effective_at.astimezone(zone(time_zone))
        at = f"{format_date(local, 'medium', locale=language)} {local:%H:%M}"
        if "purpose" in told:
            return say(
                "{amount} {wallet} ran out at {at}, when they were no longer held: {purpose}.", language, **told, at=at
            )
        return say("{amount} {wallet} ran out unused at {at}.", language, **told, at=at)
    if "tier" in told:
        told["tier"] = name_of_tier(str(told["tier"]), language)
    if kind == "forgive":
        return _of_order(kind, language, told)
    sentence = _of_order(kind, language, told) if order_id is not None else _of_posting(kind, amount, language, told)
    if debt_change < 0:
        sentence += say(" {repaid} of them repaid debt.", language, repaid=_number(-debt_change))
    elif "forgiven" in told:
        sentence += say(" {forgiven} of them could not be taken, and are forgiven.", language, **told)
    elif debt_change > 0:
        sentence += say(" {owed} of them could not be taken and are owed.", language, owed=_number(debt_change))
    return sentence


def _of_extension(amount: int, language: str, told: dict[str, Any], time_zone: str) -> str:
    """Return the reason of units that run out later than they would have."""
    last = datetime.fromisoformat(str(told["until"])).astimezone(zone(time_zone)) - _JUST_BEFORE
    told["until"] = format_date(last, "medium", locale=language)
    told["why"] = str(told["reason"]).rstrip(".。")
    if amount > 0:
        return say("{amount} {wallet} are good until {until} now: {why}.", language, **told)
    return say("{amount} {wallet} that were good until {until} only got a later day: {why}.", language, **told)


_MOVED: Final = {
    ("merge", "move_in"): mark("{amount} {wallet} came over from another membership by a merge."),
    ("merge", "move_out"): mark("{amount} {wallet} went over to another membership by a merge."),
    ("undo", "move_in"): mark("{amount} {wallet} came back from another membership: a merge was undone."),
    ("undo", "move_out"): mark("{amount} {wallet} went back to another membership: a merge was undone."),
    ("return", "move_in"): mark("{amount} {wallet} came over from another membership for a return."),
    ("return", "move_out"): mark("{amount} {wallet} went over to another membership for a return."),
    ("transfer", "move_in"): mark("{amount} {wallet} were given by another member."),
    ("transfer", "move_out"): mark("{amount} {wallet} were given to another member."),
    ("transfer_back", "move_in"): mark("{amount} {wallet} came back: what was given to another member was taken back."),
    ("transfer_back", "move_out"): mark("{amount} {wallet} that another member had given were taken back."),
}


def _of_move(kind: str, language: str, told: dict[str, Any]) -> str:
    """Return the reason of units that went from one member to another; whose they were is not told to either."""
    why = str(told["why"])
    return say(_MOVED[why if (why, kind) in _MOVED else "return", kind], language, **told)


def _of_order(kind: str, language: str, told: dict[str, Any]) -> str:
    """Return the reason of what an order, or a return of it, did."""
    beginning = f"order:{told['order_id']}:return:"
    if kind == "redeem":
        return say("{amount} {wallet} paid for part of order {order_id}.", language, **told)
    if kind == "earn" and "multiplier" in told:
        return say("Order {order_id} earned {base} × {multiplier} = {amount} {wallet} (tier {tier}).", language, **told)
    if kind == "earn":
        return say("Order {order_id} counts {amount} {wallet}.", language, **told)
    told["return_id"] = told["reference"].removeprefix(beginning).rpartition(":")[0]
    if kind == "give_back":
        return say(
            "Return {return_id} of order {order_id} gave back {amount} {wallet} that had paid for it.", language, **told
        )
    if kind == "forgive":
        return say(
            "{amount} {wallet} that return {return_id} of order {order_id} could not take back were forgiven.",
            language,
            **told,
        )
    return say(
        "Return {return_id} of order {order_id} took back {amount} {wallet} that it had earned.", language, **told
    )


def _of_posting(kind: str, amount: int, language: str, told: dict[str, Any]) -> str:
    """Return the reason of a direct posting: the one that was given with it, or what it refers to."""
    if "purpose" in told:
        return say("{amount} {wallet} that were held were used: {purpose}.", language, **told)
    told["why"] = str(told.get("reason") or told["reference"]).rstrip(".。")
    if kind == "adjust" and amount > 0:
        return say("{amount} {wallet} were added as a correction: {why}.", language, **told)
    if kind == "adjust":
        return say("{amount} {wallet} were taken as a correction: {why}.", language, **told)
    if amount > 0:
        return say("{amount} {wallet} were added: {why}.", language, **told)
    return say("{amount} {wallet} were redeemed: {why}.", language, **told)


def reason_of_tier(language: str, change: TierChange | None, policy: TierPolicy, time_zone: str) -> str:
    """Return why a member holds a tier; `policy` is the one that the last change was decided by."""
    if change is None:
        return say("Everybody begins at tier {tier}.", language, tier=name_of_tier(policy.tiers[0].code, language))
    thresholds = {rule.code: rule.threshold for rule in policy.tiers}
    local = change.effective_at.astimezone(zone(time_zone))
    told: dict[str, Any] = {
        "tier": name_of_tier(change.tier, language),
        "metric": format_decimal(change.metric, locale=language),
        "threshold": format_decimal(thresholds[change.tier], locale=language),
        "days": policy.window_days,
        "on": format_date(local, "medium", locale=language),
        "reference": change.reference,
    }
    if change.cause == "review":
        return say(
            "The review of {on} found {metric} growth in {days} days; that gives {tier} (from {threshold}).",
            language,
            **told,
        )
    if change.cause == "return":
        return_id = change.reference.rpartition(":return:")[2]
        return say(
            "Return {return_id} of order {order_id} on {on} left {metric} growth in {days} days; "
            "that gives {tier} (from {threshold}).",
            language,
            **told,
            order_id=change.order_id,
            return_id=return_id,
        )
    if change.cause == "order":
        told["reference"] = change.order_id
        return say(
            "Order {reference} on {on} brought growth to {metric} in {days} days; "
            "that gives {tier} (from {threshold}).",
            language,
            **told,
        )
    because = _TIER_BY_UNDOING if is_undoing(change) else _TIER_BECAUSE.get(change.cause, _TIER_BY_POSTING)
    return say(because, language, **told, version=change.policy_version)


def is_undoing(change: TierChange) -> bool:
    """Return whether a tier is held by the undoing of a merge: as if that had never been."""
    return change.cause == "merge" and change.reference.endswith(":undo")


_TIER_BY_POSTING = mark(
    "The posting {reference} on {on} brought growth to {metric} in {days} days; that gives {tier} (from {threshold})."
)
_TIER_BY_UNDOING = mark(
    "A merge was undone: without it the tier is {tier} (from {threshold}), with {metric} growth in {days} days."
)
_TIER_BECAUSE = {
    "merge": mark("A merge on {on} left {metric} growth in {days} days; that gives {tier} (from {threshold})."),
    "policy": mark(
        "Policy version {version} came into force on {on}; {metric} growth in {days} days give {tier} by it "
        "(from {threshold})."
    ),
}
