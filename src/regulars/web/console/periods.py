"""A period of days and the one before it, as an address names it: `?from=2026-02-01&to=2026-02-28`, both included."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from litestar import Request

from regulars.commerce.api import Bucket, PeriodDays
from regulars.platform.rollups.contracts import Standing
from regulars.web.kit.formats import Formats
from regulars.web.kit.texts import in_language, mark

PRESETS: Final[tuple[tuple[str, int], ...]] = (
    (mark("7 days"), 7),
    (mark("30 days"), 30),
    (mark("90 days"), 90),
    (mark("A year"), 365),
)
_DEFAULT_DAYS: Final = 30
_REPLAYED_DAYS: Final = 365
_QUIET_DAYS: Final = 7  # without a sale for longer, nothing is learned from days until today
_BY_DAY, _BY_WEEK = 45, 200
_FAR: Final = timedelta(days=366)
_MOST_CHANGE: Final = 9.0  # tenfold
_EARLIEST, _LATEST = date(1990, 1, 1), date(9000, 1, 1)


@dataclass(frozen=True, slots=True)
class Usual:
    """The days that a programme usually looks at: until when, and how many at first."""

    last: date
    days: int = _DEFAULT_DAYS


@dataclass(frozen=True, slots=True)
class Period:
    """Local days, both included; the period before is as long and ends the day before."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def before_first(self) -> date:
        """The first day of the period before."""
        return self.first - timedelta(days=self.days)

    @property
    def before_last(self) -> date:
        """The last day of the period before."""
        return self.first - timedelta(days=1)

    @property
    def with_before(self) -> PeriodDays:
        """These days and the first of the period before."""
        return PeriodDays(self.before_first, self.first, self.last)

    @property
    def bucket(self) -> Bucket:
        """By what charts count it."""
        return "day" if self.days <= _BY_DAY else "week" if self.days <= _BY_WEEK else "month"

    @property
    def days_query(self) -> str:
        """These days as an address names them."""
        return f"from={self.first}&to={self.last}"

    def query(self, name: str) -> str:
        """Return these days as a listing's filter of this name."""
        return f"{name}_from={self.first}&{name}_to={self.last}"

    def label(self, day: date, formats: Formats) -> str:
        """Return what a bucket is called."""
        return formats.month(day) if self.bucket == "month" else formats.day(day)


def usual_days(now: datetime, formats: Formats, standing: Standing | None, *, is_replayed: bool) -> Usual:
    """Return the days to look at: those until today, or until the last ones that the data knows.

    A programme whose clock was left standing by a replay opens on the year that was replayed.
    """
    today = now.astimezone(formats.zone).date()
    known = standing.last_day if standing is not None else None
    if known is None or known >= today:
        return Usual(today, _REPLAYED_DAYS if is_replayed and known is not None else _DEFAULT_DAYS)
    if is_replayed:
        return Usual(known, _REPLAYED_DAYS)
    return Usual(known if (today - known).days > _QUIET_DAYS else today)


def period_of(request: Request[Any, Any, Any], usual: Usual) -> Period:
    """Read the period that an address names; the usual days for none.

    Two days in the wrong order are taken in the right one; of days that reach far into the future, those until the
    last one that the data knows.
    """
    last = _day(request.query_params.get("to"))
    first = _day(request.query_params.get("from"))
    if last is None and first is None:
        return Period(usual.last - timedelta(days=usual.days - 1), usual.last)
    last = last or usual.last
    first = first or last - timedelta(days=_DEFAULT_DAYS - 1)
    first, last = min(first, last), max(first, last)
    reaches_far = first <= usual.last < last - _FAR
    return Period(first, usual.last if reaches_far else last)


def presets(usual: Usual, formats: Formats, path: str) -> list[tuple[str, str]]:
    """Return the usual periods, all until the same day: text and address."""
    return [
        (in_language(label, formats.language), f"{path}?from={usual.last - timedelta(days=days - 1)}&to={usual.last}")
        for label, days in PRESETS
    ]


def change(now: int, before: int) -> float | None:
    """Return by what share a figure changed, in steps of 0.001; None where there was nothing before, or so little that
    a share says nothing: the days before are mostly those before the programme began.
    """
    share = round((now - before) / before, 3) if before else None
    return None if share is None or share > _MOST_CHANGE else share


def _day(text: str | None) -> date | None:
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    return min(max(found, _EARLIEST), _LATEST)
