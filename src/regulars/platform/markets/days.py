"""Local days, as instants that hold in every time zone: what an index is asked for before the day itself is."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

# A local day begins up to 14 hours before the day of that name in UTC, and ends up to 12 hours after it.
AHEAD: Final = timedelta(hours=14)
BEHIND: Final = timedelta(hours=12)
_DAY: Final = timedelta(days=1)
_FIRST, _LAST = date(1, 1, 3), date(9999, 12, 28)


def instants_around(first: date | None, last: date | None) -> tuple[datetime, datetime]:
    """Return instants between which these days, both included, lie wherever the market is; None has no bound."""
    since = datetime.combine(_within(first or _FIRST), time(), UTC) - AHEAD
    return since, datetime.combine(_within(last or _LAST) + _DAY, time(), UTC) + BEHIND


def surely_before(at: datetime) -> date:
    """Return a day that, with those before it, has ended by an instant wherever the market is."""
    return at.astimezone(UTC).date() - 2 * _DAY if _FIRST < at.date() < _LAST else _within(at.date())


def _within(day: date) -> date:
    return min(max(day, _FIRST), _LAST)
