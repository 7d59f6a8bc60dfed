"""Calendar months, by their first days."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from regulars.loyalty.policy.rules import month_start

MONTHS: Final = 12


def month_named(text: str) -> date | None:
    """Return the first day of a month written as `2017-03`; None if it is none."""
    if re.fullmatch(r"(19[7-9][0-9]|[2-8][0-9]{3})-(0[1-9]|1[0-2])", text, re.ASCII) is None:
        return None
    return date(int(text[:4]), int(text[5:]), 1)


def name_of(month: date) -> str:
    """Return a month as it is written."""
    return f"{month:%Y-%m}"


def next_month(month: date) -> date:
    """Return the first day of the month after."""
    return date(month.year + month.month // MONTHS, month.month % MONTHS + 1, 1)


def months(first: date, last: date) -> Iterator[date]:
    """Give the months from one to another, both included."""
    while first <= last:
        yield first
        first = next_month(first)


def begins(month: date, time_zone: str) -> datetime:
    """Return the instant at which a month begins in a time zone."""
    return month_start(month.year, month.month - 1, time_zone)


def ends(month: date, time_zone: str) -> datetime:
    """Return the instant at which a month is over in a time zone: the next one's beginning."""
    return month_start(month.year, month.month, time_zone)
