"""Pure decisions about policies, and the calendar arithmetic they need."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from regulars.loyalty.policy.contracts import AnniversaryReview, MonthlyReview, Policy, Turn, WalletRule
from regulars.loyalty.policy.errors import (
    LowestTierNotZero,
    NoReviewMonth,
    SpendingWalletMustStay,
    TermTooLarge,
    ThresholdsDoNotRise,
    TiersMustStay,
    TierTwice,
    TransferBoundsCross,
    WalletUnfit,
)

MONTHS = 12
MOST_DAYS, MOST_MONTHS, MOST_TIMES = 3_660, 120, 1_000


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """Return the time zone of a market."""
    return ZoneInfo(name)


@lru_cache(maxsize=4096)
def month_start(year: int, month_from_january: int, time_zone: str) -> datetime:
    """Return the UTC instant of the first local midnight of a month; month 12 of 2017 is January 2018."""
    year, month = year + month_from_january // MONTHS, month_from_january % MONTHS + 1
    return datetime(year, month, 1, tzinfo=zone(time_zone)).astimezone(UTC)


def business_date(at: datetime, time_zone: str) -> date:
    """Return the local calendar day of an instant."""
    return at.astimezone(zone(time_zone)).date()


def month_start_after(at: datetime, months: int, time_zone: str) -> datetime:
    """Return the first local midnight after the `months`-th month that follows the local month of `at`.

    For 12 months, anything earned in January 2017 lasts until the beginning of 1 February 2018.
    """
    local = business_date(at, time_zone)
    return month_start(local.year, local.month + months, time_zone)


def check(policy: Policy, wallets: Iterable[WalletRule]) -> None:
    """Raise why a policy cannot work, with these wallets or at all."""
    tiers = policy.tier.tiers
    if tiers[0].threshold != 0:
        raise LowestTierNotZero(pointer="/tier/tiers/0/threshold", threshold=tiers[0].threshold)
    for position, (below, tier) in enumerate(pairwise(tiers), 1):
        if tier.code in [other.code for other in tiers[:position]]:
            raise TierTwice(pointer=f"/tier/tiers/{position}/code", tier=tier.code)
        if tier.threshold <= below.threshold:
            raise ThresholdsDoNotRise(
                pointer=f"/tier/tiers/{position}/threshold",
                tier=tier.code,
                threshold=tier.threshold,
                below=below.threshold,
            )
    _check_bounds(policy)
    wallets = list(wallets)
    spendable = [wallet.code for wallet in wallets if wallet.spendable]
    qualifying = [wallet.code for wallet in wallets if wallet.qualifying]
    for pointer, wallet, fit in (
        ("/spending_wallet", policy.spending_wallet, spendable),
        ("/tier/qualifying_wallet", policy.tier.qualifying_wallet, qualifying),
    ):
        if wallet not in fit:
            raise WalletUnfit(pointer=pointer, wallet=wallet, wallets=", ".join(fit))


def _check_bounds(policy: Policy) -> None:
    """Raise where a number is so large that dates or sums would leave what can be counted."""
    review = policy.tier.review
    given = {
        "/tier/window_days": (policy.tier.window_days, MOST_DAYS),
        "/earning/maturity_hours": (policy.earning.maturity_hours, MOST_DAYS * 24),
        "/earning/expiry_months": (policy.earning.expiry_months, MOST_MONTHS),
        "/returns/give_back_days": (policy.returns.give_back_days, MOST_DAYS),
        "/adjustments/answer_days": (policy.adjustments.answer_days, MOST_DAYS),
    }
    if isinstance(review, AnniversaryReview):
        given["/tier/review/after_months"] = (review.after_months, MOST_MONTHS)
        given["/tier/review/grace_days"] = (review.grace_days, MOST_DAYS)
    transfers = policy.transfers
    if transfers is not None:
        given["/transfers/waiting_days"] = (transfers.waiting_days, MOST_DAYS)
    for position, tier in enumerate(policy.tier.tiers):
        given[f"/tier/tiers/{position}/multiplier"] = (tier.multiplier, MOST_TIMES)
    for pointer, (number, most) in given.items():
        if number > most:
            raise TermTooLarge(pointer=pointer, number=number, most=most)
    if isinstance(review, MonthlyReview) and not review.months:
        raise NoReviewMonth(pointer="/tier/review/months")
    if transfers is not None and transfers.largest is not None and transfers.largest < transfers.smallest:
        raise TransferBoundsCross(pointer="/transfers/largest", smallest=transfers.smallest, largest=transfers.largest)


def check_succession(earlier: Policy, later: Policy) -> None:
    """Raise why a version cannot follow another: books name tiers by their place in the list."""
    codes = [tier.code for tier in earlier.tier.tiers]
    if [tier.code for tier in later.tier.tiers][: len(codes)] != codes:
        raise TiersMustStay(pointer="/tier/tiers", tiers=", ".join(codes))
    if later.spending_wallet != earlier.spending_wallet:
        raise SpendingWalletMustStay(pointer="/spending_wallet", wallet=earlier.spending_wallet)


def problem_of_wallet(wallet: WalletRule, others: Iterable[WalletRule]) -> str | None:
    """Return why a wallet cannot stand beside the others, or None."""
    if wallet.qualifying == wallet.spendable:
        return "it is either qualifying or spendable"
    rivals = [other.code for other in others if other.qualifying and other.code != wallet.code]
    if wallet.qualifying and rivals:
        return f"tiers follow from one qualifying wallet, and that is {rivals[0]}"
    return None


def turns_of(policies: list[Policy], lifting: frozenset[int]) -> list[Turn]:
    """Return the versions at whose instant members' tiers are looked at, the oldest first.

    One that asks for other thresholds, or counts another window, lifts at once who deserves more by it (if it is one of
    `lifting`: those of earlier releases did not); one that reviews otherwise schedules everybody's review anew.
    """
    turns = []
    for earlier, later in pairwise(policies):
        reviews = later.tier.review != earlier.tier.review
        lifts = later.version in lifting and _ladder(earlier) != _ladder(later)
        if later.active_from is not None and (reviews or lifts):
            turns.append(Turn(later, later.active_from, lifts, reviews))
    return turns


def _ladder(policy: Policy) -> tuple[int, str, list[int]]:
    tier = policy.tier
    return tier.window_days, tier.qualifying_wallet, [rule.threshold for rule in tier.tiers]


def active_at(policies: list[Policy], at: datetime) -> Policy | None:
    """Return the latest version whose `active_from` has come."""
    for policy in reversed(policies):
        if policy.active_from is not None and policy.active_from <= at:
            return policy
    return None
