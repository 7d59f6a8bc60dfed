"""Limits of transfers over time: pure decisions by the market's calendar."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple

from regulars.loyalty.policy.contracts import Policy, TransferPolicy
from regulars.loyalty.policy.rules import month_start, zone

Span = Literal["day", "month", "year"]
SPANS: Final[tuple[Span, ...]] = ("day", "month", "year")
_MONTHS: Final = 12
_LONGEST: Final = {"day": timedelta(days=2), "month": timedelta(days=32), "year": timedelta(days=400)}


class Counted(NamedTuple):
    """Units that were given, or received, on the local day of an instant."""

    at: datetime
    amount: int


class Reached(NamedTuple):
    """A limit that a wish goes beyond: how much is left of it, and when there is room for what was asked."""

    span: Span
    limit: int
    left: int
    again_at: datetime


def limits_of(policy: TransferPolicy, *, given: bool) -> dict[Span, int]:
    """Return the limits that a policy sets, of what is given or of what is received."""
    if given:
        found = (policy.given_per_day, policy.given_per_month, policy.given_per_year)
    else:
        found = (policy.received_per_day, policy.received_per_month, policy.received_per_year)
    return {span: limit for span, limit in zip(SPANS, found, strict=True) if limit is not None}


def begins(span: Span, at: datetime, time_zone: str, later: int = 0) -> datetime:
    """Return when the span that holds an instant began, or the one so many later: local days, or months."""
    local = at.astimezone(zone(time_zone))
    if span == "day":
        day = local.date() + timedelta(days=later)
        return datetime(day.year, day.month, day.day, tzinfo=zone(time_zone)).astimezone(UTC)
    back = _MONTHS - 1 if span == "year" else 0
    months = local.year * _MONTHS + local.month - 1 - back + later
    return month_start(months // _MONTHS, months % _MONTHS, time_zone)


def reached(
    limits: dict[Span, int], counted: Iterable[Counted], amount: int, now: datetime, time_zone: str
) -> Reached | None:
    """Return the first limit that `amount` more would go beyond; None if all leave room."""
    known = list(counted)
    for span, limit in limits.items():
        used = _since(known, begins(span, now, time_zone))
        if used + amount > limit:
            found = Reached(span, limit, max(limit - used, 0), now)
            return found._replace(again_at=_again(found, known, amount, (now, time_zone)))
    return None


def left_of(span: Span, limit: int, counted: Iterable[Counted], now: datetime, time_zone: str) -> int:
    """Return how much of a limit is left now."""
    return max(limit - _since(list(counted), begins(span, now, time_zone)), 0)


def _again(reached_: Reached, known: list[Counted], amount: int, at: tuple[datetime, str]) -> datetime:
    """Return from when on there is room for `amount`, or for as much as the limit lets through at all."""
    now, time_zone = at
    step: Span = "day" if reached_.span == "day" else "month"
    wanted = min(amount, reached_.limit)
    for later in range(1, _MONTHS):
        if _since(known, begins(reached_.span, now, time_zone, later)) + wanted <= reached_.limit:
            return begins(step, now, time_zone, later)
    return begins(step, now, time_zone, _MONTHS)


def _since(known: list[Counted], first: datetime) -> int:
    return sum([one.amount for one in known if one.at >= first])


def oldest(now: datetime, policies: Iterable[Policy]) -> datetime | None:
    """Return an instant before every span that holds another and that a policy limits; None if none is limited."""
    limited = {
        span
        for policy in policies
        if policy.transfers is not None
        for given in (True, False)
        for span in limits_of(policy.transfers, given=given)
    }
    return now - max([_LONGEST[span] for span in limited]) if limited else None
