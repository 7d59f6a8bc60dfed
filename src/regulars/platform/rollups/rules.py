"""Pure decisions about days."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from regulars.platform.markets.days import instants_around
from regulars.platform.rollups.contracts import Span

MOST_DAYS = 31
_DAY = timedelta(days=1)


def spans(days: Iterable[date]) -> Iterator[Span]:
    """Gather days into spans of days that follow each other, a month at most each."""
    first = last = None
    for day in sorted(set(days)):
        if first is None or last is None:
            first = last = day
        elif day - last == _DAY and (day - first).days < MOST_DAYS:
            last = day
        else:
            yield _span(first, last)
            first = last = day
    if first is not None and last is not None:
        yield _span(first, last)


def _span(first: date, last: date) -> Span:
    since, until = instants_around(first, last)
    return Span(first.isoformat(), last.isoformat(), since.isoformat(), until.isoformat())
