"""Pure decisions about tiers: which one a metric gives, and when it is looked at again."""

from datetime import datetime, timedelta

from regulars.loyalty.policy.contracts import AnniversaryReview, MonthlyReview, TierPolicy
from regulars.loyalty.policy.rules import MONTHS, business_date, month_start, zone


def tier_of(policy: TierPolicy, metric: int) -> int:
    """Return the rank (0 is lowest) of the highest tier whose threshold `metric` reaches."""
    rank = 0
    for position, tier in enumerate(policy.tiers):
        if metric >= tier.threshold:
            rank = position
    return rank


def held(policy: TierPolicy, rank: int) -> int:
    """Return the rank within this policy: one that has fewer tiers keeps everybody inside it."""
    return min(rank, len(policy.tiers) - 1)


def code_of(policy: TierPolicy, rank: int) -> str:
    """Return the code of a tier."""
    return policy.tiers[held(policy, rank)].code


def missing_for_next(policy: TierPolicy, rank: int, metric: int) -> tuple[str, int] | None:
    """Return the next tier's code and how much of the metric is missing for it; None at the top."""
    if rank + 1 >= len(policy.tiers):
        return None
    following = policy.tiers[rank + 1]
    return following.code, max(following.threshold - metric, 0)


def next_review(policy: TierPolicy, rank: int, since: datetime, time_zone: str) -> datetime | None:
    """Return the first review after `since`; None where none is due (the lowest tier cannot fall)."""
    if rank == 0:
        return None
    match policy.review:
        case MonthlyReview(months=months):
            local = business_date(since, time_zone)
            for ahead in range(MONTHS + 1):
                month = (local.month - 1 + ahead) % MONTHS + 1
                start = month_start(local.year, local.month - 1 + ahead, time_zone)
                if start > since and month in months:
                    return start
            return None
        case AnniversaryReview(after_months=after_months):
            return months_later(since, after_months, time_zone)
        case _:
            return None


def first_review_from(policy: TierPolicy, rank: int, since: datetime, at: datetime, time_zone: str) -> datetime | None:
    """Return the first review after `at`, when a policy comes into force, for who has held a tier since `since`.

    Anniversaries are counted from `since`; those that passed before the policy came are not made up for.
    """
    if not isinstance(policy.review, AnniversaryReview):
        return next_review(policy, rank, at, time_zone)
    review = next_review(policy, rank, since, time_zone)
    rounds = 1
    while review is not None and review <= at:
        rounds += 1
        review = months_later(since, policy.review.after_months * rounds, time_zone)
    return review


def months_later(at: datetime, months: int, time_zone: str) -> datetime:
    """Return the same local time `months` months later; the month's last day where that day does not exist."""
    local = at.astimezone(zone(time_zone))
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    year, month = first.year + (first.month - 1 + months) // MONTHS, (first.month - 1 + months) % MONTHS + 1
    following = first.replace(year=year + month // MONTHS, month=month % MONTHS + 1)
    last_day = (following - timedelta(days=1)).day
    moved = local.replace(year=year, month=month, day=min(local.day, last_day))
    return moved.astimezone(at.tzinfo)
