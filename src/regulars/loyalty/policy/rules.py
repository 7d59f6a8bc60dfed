"""Pure decisions about policies, and the calendar arithmetic they need."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from regulars.loyalty.policy.contracts import Policy, WalletRule

MONTHS = 12


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


def problems_of(policy: Policy) -> str | None:
    """Return why a policy cannot work, or None."""
    tiers = policy.tier.tiers
    thresholds = [tier.threshold for tier in tiers]
    if thresholds[0] != 0:
        return "the lowest tier must have the threshold 0"
    if sorted(set(thresholds)) != thresholds:
        return "the thresholds of the tiers must rise"
    if len({tier.code for tier in tiers}) != len(tiers):
        return "two tiers have the same code"
    return None


def problem_of_wallets(policy: Policy, wallets: Iterable[WalletRule]) -> str | None:
    """Return why a policy cannot work with these wallets, or None."""
    spendable = [wallet.code for wallet in wallets if wallet.spendable]
    qualifying = [wallet.code for wallet in wallets if wallet.qualifying]
    if policy.spending_wallet not in spendable:
        return f"spending_wallet is “{policy.spending_wallet}”, and the spendable wallets are: {', '.join(spendable)}"
    if policy.tier.qualifying_wallet not in qualifying:
        wanted = policy.tier.qualifying_wallet
        return f"tier.qualifying_wallet is “{wanted}”, and the qualifying wallets are: {', '.join(qualifying)}"
    return None


def problem_of_succession(earlier: Policy, later: Policy) -> str | None:
    """Return why a version cannot follow another, or None: books name tiers by their place in the list."""
    codes = [tier.code for tier in earlier.tier.tiers]
    if [tier.code for tier in later.tier.tiers][: len(codes)] != codes:
        return f"the tiers {', '.join(codes)} must stay in this order; new ones follow above them"
    if later.spending_wallet != earlier.spending_wallet:
        return f"orders were settled with the wallet {earlier.spending_wallet}, which must stay the spending wallet"
    return None


def problem_of_wallet(wallet: WalletRule, others: Iterable[WalletRule]) -> str | None:
    """Return why a wallet cannot stand beside the others, or None."""
    if wallet.qualifying == wallet.spendable:
        return "it is either qualifying or spendable"
    rivals = [other.code for other in others if other.qualifying and other.code != wallet.code]
    if wallet.qualifying and rivals:
        return f"tiers follow from one qualifying wallet, and that is {rivals[0]}"
    return None


def active_at(policies: list[Policy], at: datetime) -> Policy | None:
    """Return the latest version whose `active_from` has come."""
    for policy in reversed(policies):
        if policy.active_from is not None and policy.active_from <= at:
            return policy
    return None
