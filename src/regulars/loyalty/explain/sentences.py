"""How loyalty says its rules. Codes are stable; the sentences are keys of locale/*/explanations.po.

A new kind of decision (a transfer's kind, a cause of tiers, an end of holds, an answer to a correction) gets its rule
here, in `SENTENCES`, and its place in the table beside it (`TRANSFERS`, `TIERS`, `HOLDS`, `REQUESTS`);
tests/commerce/test_explanations_complete.py says which is lacking.
"""

from typing import Final

from regulars.loyalty.contracts import HoldState, LotState, RequestState, TierCause, TransferKind
from regulars.loyalty.statement.reasons import name_of_wallet
from regulars.loyalty.tiers.names import name_of_tier
from regulars.platform.explaining.speech import Sentence, declare
from regulars.platform.texts import mark, say

# By which rules an act is told that moved units this way in all.
MOVED_PARTS: Final[dict[str, str]] = {"move_in": "moved.in", "move_out": "moved.out"}
KINDS: Final[dict[TransferKind, str]] = {
    "accrue": mark("given"),
    "earn": mark("earned by orders"),
    "redeem": mark("used to pay"),
    "give_back": mark("given back by returns"),
    "claw_back": mark("taken back by returns"),
    "forgive": mark("forgiven after returns"),
    "expire": mark("run out"),
    "adjust": mark("corrected"),
    "extend": mark("moved to a later day"),
    "move_in": mark("come over from another membership"),
    "move_out": mark("gone over to another membership"),
}
# By which rule a transfer of a kind is told first.
TRANSFERS: Final[dict[TransferKind, str]] = {
    "accrue": "posting.accrued",
    "earn": "earning.order",
    "redeem": "posting.redeemed",
    "give_back": "return.gave_back",
    "claw_back": "return.took_back",
    "forgive": "return.forgave",
    "expire": "expiry.unused",
    "adjust": "posting.corrected",
    "extend": "expiry.extended",
    "move_in": "moved.in",
    "move_out": "moved.out",
}
TIERS: Final[dict[TierCause, str]] = {
    "order": "tier.by_order",
    "return": "tier.by_return",
    "review": "tier.by_review",
    "accrue": "tier.by_posting",
    "adjust": "tier.by_correction",
    "merge": "tier.by_merge",
    "policy": "tier.by_policy",
}
HOLDS: Final[dict[HoldState, str]] = {
    "open": "hold.open",
    "posted": "hold.posted",
    "voided": "hold.voided",
    "timed_out": "hold.timed_out",
}
LOTS: Final[dict[LotState, str]] = {
    "pending": "lot.pending",
    "available": "lot.available",
    "held": "lot.held",
    "expired": "lot.expired",
    "used": "lot.used",
}
REQUESTS: Final[dict[RequestState, str]] = {
    "open": "correction.open",
    "approved": "correction.approved",
    "refused": "correction.refused",
    "expired": "correction.expired",
}

_ORDERS: Final = {
    "earning.order": Sentence(mark("Order {order_id} earned {amount} {wallet}.")),
    "earning.base": Sentence(
        mark(
            "{paid_minor} were paid in money (total {total_minor}, less {points_used} points worth "
            "{points_value_minor}); every full {minor_per_point} gives one base point: {base}."
        ),
        without={
            "points_used": mark(
                "{paid_minor} were paid in money; every full {minor_per_point} gives one base point: {base}."
            )
        },
    ),
    "earning.multiplier": Sentence(mark("The tier {tier} earns {multiplier} points for each base point: {points}.")),
    "earning.growth": Sentence(mark("Growth counts base points, whatever the tier: {growth}.")),
    "earning.debt": Sentence(mark("{debt_repaid} of the points repaid what an earlier return had left owing.")),
    "earning.maturity": Sentence(
        mark(
            "The points can be spent from {available_at}, {maturity_hours} hours after the order, and run out at "
            "{expires_at}: the end of the month {expiry_months} months later."
        )
    ),
    "earning.next_point": Sentence(
        mark("{missing_minor} more paid in money would have given one more base point ({points} points).")
    ),
    "payment.used": Sentence(mark("{points_used} points paid {points_value_minor}.")),
    "payment.offer": Sentence(
        mark(
            "Up to {allowed} points might have paid: {max_percent} % of {total_minor} allow {share}, {spendable} could "
            "be spent; at most {asked} were asked for."
        )
    ),
    "payment.share": Sentence(
        mark("Points may pay up to {max_percent} % of {total_minor}, at {point_value_minor} each: {share} points.")
    ),
    "payment.limits": Sentence(mark("{spendable} could be spent then, so up to {allowed} points might have paid.")),
    "payment.more": Sentence(mark("{missing} more points might have paid.")),
    "payment.debt": Sentence(mark("No points may pay while {debt} are owed; what is earned repays them first.")),
    "payment.minimum": Sentence(
        mark("No points may pay yet: {spendable} can be spent and {minimum} are needed; {missing} more unlock it.")
    ),
    "return.gave_back": Sentence(
        mark("Return {return_id} of order {order_id} gave back {amount} {wallet} that had paid for what came back.")
    ),
    "return.took_back": Sentence(
        mark("Return {return_id} of order {order_id} took back {amount} {wallet} earned on what came back.")
    ),
    "return.remains": Sentence(
        mark(
            "Of {total_minor}, {kept_minor} remain after all that came back; the order is settled for that, by the "
            "policy under which it was paid."
        )
    ),
    "return.base": Sentence(
        mark("That counts {base} base points instead of {base_before}: {lost} × {multiplier} = {points} points less.")
    ),
    "return.share": Sentence(
        mark(
            "{points_used} points had paid; {points_left} of them still pay for what remains ({points_before} before "
            "this return)."
        )
    ),
    "return.owed": Sentence(mark("{owed} of them were not there any more, and are owed: the next points repay them.")),
    "return.forgave": Sentence(
        mark(
            "{amount} {wallet} that return {return_id} of order {order_id} should have taken back were forgiven: they "
            "were not there any more."
        )
    ),
    "return.to_debt": Sentence(mark("The policy lets what is not there be owed.")),
    "return.within_balance": Sentence(mark("The policy takes back no more than there is.")),
    "return.only_pending": Sentence(
        mark("The policy takes back only what of the order's own points cannot be spent yet.")
    ),
    "return.growth": Sentence(
        mark("{growth} growth earned on what came back no longer counts, at the order's own time.")
    ),
    "return.new_lot": Sentence(
        mark("{points} of them came from points that had run out meanwhile; they got {days} more days.")
    ),
}
_POSTINGS: Final = {
    "posting.accrued": Sentence(
        mark("{amount} {wallet} were given: {reason}."),
        without={"reason": mark("{amount} {wallet} were given ({reference}).")},
    ),
    "posting.redeemed": Sentence(
        mark("{amount} {wallet} were used: {reason}."),
        without={"reason": mark("{amount} {wallet} were used ({reference}).")},
    ),
    "posting.corrected": Sentence(
        mark("{amount} {wallet} were added as a correction by {by}: {reason}."),
        without={"by": mark("{amount} {wallet} were added as a correction: {reason}.")},
    ),
    "posting.corrected_down": Sentence(
        mark("{amount} {wallet} were taken as a correction by {by}: {reason}."),
        without={"by": mark("{amount} {wallet} were taken as a correction: {reason}.")},
    ),
    "posting.of_hold": Sentence(mark("{amount} {wallet} that were held were used: {purpose}.")),
    "posting.approved_by": Sentence(
        mark("{approved_by} approved it: corrections of more than {limit} need a second person."),
        without={
            "approved_by": mark("A second person approved it."),
            "limit": mark("{approved_by} approved it."),
        },
    ),
    "posting.within_limit": Sentence(mark("Corrections of up to {limit} need nobody else.")),
    "posting.within_day": Sentence(
        mark("With it, who corrected has posted {corrected} alone that day; up to {limit} need nobody else.")
    ),
    "posting.needs_nobody": Sentence(mark("The policy asks for no second person.")),
    "posting.left_of_limit": Sentence(mark("{left} more, and a second person would have had to approve it.")),
    "posting.terms": Sentence(mark("They can be spent from {available_at} and run out at {expires_at}.")),
    "posting.lots": Sentence(
        mark(
            "They came from {lots} lots, the soonest to run out first; the first of them runs out at "
            "{first_expires_at}."
        ),
        without={"lots": mark("They came from no lot.")},
    ),
    "moved.in": Sentence(mark("{amount} {wallet} came over from another membership.")),
    "moved.out": Sentence(mark("{amount} {wallet} went over to another membership.")),
    "moved.in.merge": Sentence(mark("{amount} {wallet} came over from another membership by a merge.")),
    "moved.out.merge": Sentence(mark("{amount} {wallet} went over to another membership by a merge.")),
    "moved.in.undo": Sentence(mark("{amount} {wallet} came back from another membership: a merge was undone.")),
    "moved.out.undo": Sentence(mark("{amount} {wallet} went back to another membership: a merge was undone.")),
    "moved.in.return": Sentence(mark("{amount} {wallet} came over from another membership for a return.")),
    "moved.out.return": Sentence(mark("{amount} {wallet} went over to another membership for a return.")),
    "moved.in.transfer": Sentence(mark("{amount} {wallet} were given by another member.")),
    "moved.out.transfer": Sentence(mark("{amount} {wallet} were given to another member.")),
    "moved.in.transfer_back": Sentence(
        mark("{amount} {wallet} came back: what was given to another member was taken back.")
    ),
    "moved.out.transfer_back": Sentence(mark("{amount} {wallet} that another member had given were taken back.")),
    "moved.kept": Sentence(mark("Nothing was summed up: they keep the dates of what they were made of.")),
    "moved.debt": Sentence(mark("{owed} of what is owed went with it.")),
    "moved.parts": Sentence(mark("They are of {parts} parts:")),
    "moved.part": Sentence(mark("{amount} that run out at {expires_at}")),
    "moved.entry": Sentence(mark("{amount} that count from {effective_at}")),
    "moved.more": Sentence(mark("and {parts} more.")),
    "expiry.unused": Sentence(mark("{amount} {wallet} ran out unused at {expired_at}.")),
    "expiry.held": Sentence(
        mark("{amount} {wallet} ran out at {expired_at}, when they were no longer held: {purpose}.")
    ),
    "expiry.extended": Sentence(
        mark("{amount} {wallet} were let run out later, at {until}, by {by}: {reason}."),
        without={"by": mark("{amount} {wallet} were let run out later, at {until}: {reason}.")},
    ),
    "expiry.extended_from": Sentence(
        mark("{amount} {wallet} that would have run out at {until} got a later day, by {by}: {reason}."),
        without={"by": mark("{amount} {wallet} that would have run out at {until} got a later day: {reason}.")},
    ),
    "expiry.there_since": Sentence(mark("They had been there since {earned_at}.")),
    "expiry.terms": Sentence(
        mark(
            "They had been there since {earned_at}; what is earned runs out at the end of the month {expiry_months} "
            "months later."
        )
    ),
}
_STATES: Final = {
    "lot.pending": Sentence(mark("{remaining} of {amount} {wallet} are left; they can be spent from {available_at}.")),
    "lot.available": Sentence(mark("{remaining} of {amount} {wallet} are left; they can be spent until {expires_at}.")),
    "lot.held": Sentence(mark("The {remaining} {wallet} that are left of {amount} are held.")),
    "lot.expired": Sentence(mark("The {remaining} {wallet} that were left of {amount} ran out at {expires_at}.")),
    "lot.used": Sentence(mark("Nothing is left of the {amount} {wallet}.")),
    "balance.sum": Sentence(
        mark(
            "The balance is {balance} {wallet}: {available} can be spent now, {held} held, {pending} on the way, "
            "{expired} run out, less {debt} owed."
        ),
        without={
            "debt": mark(
                "The balance is {balance} {wallet}: {available} can be spent now, {held} held, {pending} on the way, "
                "{expired} run out."
            )
        },
    ),
    "balance.qualifying": Sentence(
        mark("{balance} {wallet} were counted in all; they decide the tier and pay nothing.")
    ),
    "balance.moved": Sentence(mark("{amount} {wallet} {kind}, in {transfers} entries.")),
    "balance.pending": Sentence(mark("{amount} can be spent from {available_at}.")),
    "balance.next_expiry": Sentence(mark("{amount} run out at {expires_at} unless they are used before.")),
    "hold.open": Sentence(mark("{amount} {wallet} are held until {deadline_at}: {purpose}.")),
    "hold.posted": Sentence(mark("{posted} of the {amount} {wallet} held were used at {ended_at}: {purpose}.")),
    "hold.voided": Sentence(
        mark("The hold of {amount} {wallet} ({purpose}) was let go at {ended_at}: {reason}."),
        without={"reason": mark("The hold of {amount} {wallet} ({purpose}) was let go at {ended_at}.")},
    ),
    "hold.timed_out": Sentence(
        mark("The hold of {amount} {wallet} ({purpose}) was over at its deadline, {deadline_at}: nobody used it.")
    ),
    "hold.placed": Sentence(
        mark(
            "They were kept at {placed_at}, of {lots} lots, the soonest to run out first; meanwhile nothing else uses "
            "them."
        )
    ),
    "hold.released": Sentence(mark("{released} are free again.")),
    "correction.open": Sentence(
        mark("A correction of {amount} {wallet} was asked for by {asked_by}, and waits until {expires_at}: {reason}.")
    ),
    "correction.approved": Sentence(
        mark("{answered_by} approved the correction of {amount} {wallet} that {asked_by} asked for: {reason}.")
    ),
    "correction.refused": Sentence(
        mark("{answered_by} refused the correction of {amount} {wallet} that {asked_by} asked for: {reason}.")
    ),
    "correction.expired": Sentence(
        mark(
            "Nobody answered the correction of {amount} {wallet} that {asked_by} asked for, by {expires_at}: {reason}."
        )
    ),
    "correction.limit": Sentence(
        mark("Corrections of more than {limit} need a second person, who answers within {answer_days} days."),
        without={
            "limit": mark(
                "It was asked for although the policy names no limit; an answer is due within {answer_days} days."
            )
        },
    ),
    "correction.day": Sentence(
        mark(
            "What one person corrects alone in a day is at most {limit}; beyond that a second person answers within "
            "{answer_days} days."
        )
    ),
    "correction.over": Sentence(mark("{over} less would have needed nobody else.")),
    "correction.note": Sentence(mark("With the answer: {note}.")),
}
_TIERS: Final = {
    "tier.first": Sentence(mark("Everybody begins at the tier {tier}.")),
    "tier.by_order": Sentence(
        mark(
            "Order {order_id} brought growth to {metric} in {window_days} days; the tier {tier} begins at {threshold}."
        )
    ),
    "tier.by_return": Sentence(
        mark(
            "Return {return_id} of order {order_id} left {metric} growth in {window_days} days; that gives the tier "
            "{tier} (from {threshold})."
        )
    ),
    "tier.by_review": Sentence(
        mark(
            "The review of {effective_at} found {metric} growth in {window_days} days; that gives the tier {tier} "
            "(from {threshold})."
        )
    ),
    "tier.by_posting": Sentence(
        mark("Growth was given ({reference}): {metric} in {window_days} days; the tier {tier} begins at {threshold}.")
    ),
    "tier.by_correction": Sentence(
        mark(
            "A correction ({reference}) left {metric} growth in {window_days} days; that gives the tier {tier} (from "
            "{threshold})."
        )
    ),
    "tier.by_merge": Sentence(
        mark("A merge left {metric} growth in {window_days} days; that gives the tier {tier} (from {threshold}).")
    ),
    "tier.by_undo": Sentence(
        mark(
            "A merge was undone: without it the tier is {tier} (from {threshold}), with {metric} growth in "
            "{window_days} days."
        )
    ),
    "tier.by_policy": Sentence(
        mark(
            "New rules came into force at {effective_at}: {metric} growth in {window_days} days give the tier {tier} "
            "by them (from {threshold})."
        )
    ),
    "tier.reached": Sentence(mark("The tier rose from {from_tier} to {tier}.")),
    "tier.lost": Sentence(
        mark("The tier fell from {from_tier} to {tier}, because the growth taken away was needed for it.")
    ),
    "tier.reviewed": Sentence(mark("The tier changed from {from_tier} to {tier}.")),
    "tier.standing": Sentence(mark("The tier is {tier}: the growth of the last {window_days} days is {metric}.")),
    "tier.next": Sentence(mark("{missing} more growth within {window_days} days reach the tier {next_tier}.")),
    "tier.top": Sentence(mark("There is no tier above {tier}.")),
    "tier.review": Sentence(
        mark("The next review is at {review_at}; if nothing more is bought, it leads to {projected_tier}.")
    ),
    "tier.grace": Sentence(
        mark("A review found too little growth: the tier is kept until {review_at}; {missing} more growth keeps it.")
    ),
}
SENTENCES: Final[dict[str, Sentence]] = {**_ORDERS, **_POSTINGS, **_STATES, **_TIERS}


def name_of_kind(code: str, language: str) -> str:
    """Return how people call what a kind of transfer does."""
    found = next((text for kind, text in KINDS.items() if kind == code), None)
    return code if found is None else say(found, language)


declare(SENTENCES, {"wallet": name_of_wallet, "tier": name_of_tier, "kind": name_of_kind})
