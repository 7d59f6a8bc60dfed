"""A period of days and the one before it, as an address names it: `?from=2026-02-01&to=2026-02-28`, both included."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from litestar import Request

from regulars.commerce.api import Bucket
from regulars.web.console.words import day_start
from regulars.web.kit.formats import Formats
from regulars.web.kit.texts import in_language, mark

PRESETS: Final[tuple[tuple[str, int], ...]] = (
    (mark("7 days"), 7),
    (mark("30 days"), 30),
    (mark("90 days"), 90),
    (mark("A year"), 365),
)
_DEFAULT_DAYS: Final = 30
_LONGEST_DAYS: Final = 1_100
_BY_DAY, _BY_WEEK = 45, 200
_EARLIEST: Final = date(1990, 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """Local days, both included, and the instants that bound them; the period before is as long and ends there."""

    first: date
    last: date
    before_start: datetime
    start: datetime
    end: datetime

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def bucket(self) -> Bucket:
        """By what charts count it."""
        return "day" if self.days <= _BY_DAY else "week" if self.days <= _BY_WEEK else "month"

    @property
    def days_query(self) -> str:
        """The period as an address names it."""
        return f"from={self.first}&to={self.last}"

    def query(self, name: str) -> str:
        """Return these days as a listing's filter of this name."""
        return f"{name}_from={self.first}&{name}_to={self.last}"

    def label(self, day: date, formats: Formats) -> str:
        """Return what a bucket is called."""
        return formats.month(day) if self.bucket == "month" else formats.day(day)


def period_of(request: Request[Any, Any, Any], now: datetime, formats: Formats) -> Period:
    """Read the period that an address names; 30 days until today for none, or one that makes no sense."""
    today = now.astimezone(formats.zone).date()
    last = _day(request.query_params.get("to")) or today
    first = _day(request.query_params.get("from")) or last - timedelta(days=_DEFAULT_DAYS - 1)
    if first > last or (last - first).days >= _LONGEST_DAYS:
        first = last - timedelta(days=_DEFAULT_DAYS - 1)
    days = (last - first).days + 1
    return Period(
        first,
        last,
        day_start(first - timedelta(days=days), formats.zone),
        day_start(first, formats.zone),
        day_start(last + timedelta(days=1), formats.zone),
    )


def presets(now: datetime, formats: Formats, path: str) -> list[tuple[str, str]]:
    """Return the usual periods that end today: text and address."""
    today = now.astimezone(formats.zone).date()
    return [
        (in_language(label, formats.language), f"{path}?from={today - timedelta(days=days - 1)}&to={today}")
        for label, days in PRESETS
    ]


def change(now: int, before: int) -> float | None:
    """Return by what share a figure changed; None where there was nothing before."""
    return None if not before else (now - before) / before


def _day(text: str | None) -> date | None:
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    return found if _EARLIEST <= found <= date(9000, 1, 1) else None
