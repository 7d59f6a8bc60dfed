"""How figures, money and instants are written: by CLDR, in the viewer's language and the market's time zone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision

from regulars.platform.money import Money

_LOCALES = {"en": "en", "zh": "zh_Hans_CN"}


def major_units(money: Money) -> Decimal:
    """Return an amount in the currency's major unit, exactly: 1999 CNY is 19.99."""
    return Decimal(money.amount_minor).scaleb(-get_currency_precision(money.currency))


@dataclass(frozen=True, slots=True)
class Formats:
    """The formats of one page."""

    language: str
    zone: ZoneInfo
    locale: Locale

    def first_moment(self, day: date) -> datetime:
        """Return the instant at which a local day begins."""
        return datetime.combine(day, datetime.min.time(), self.zone)

    def number(self, value: float | Decimal) -> str:
        """Return a figure with its digits grouped."""
        if isinstance(value, int):
            return f"{value:,}"  # as both languages group it; CLDR's way takes ten times as long
        return format_decimal(value, locale=self.locale)

    def share(self, value: float) -> str:
        """Return a fraction of one as a percentage with at most one decimal."""
        return format_percent(value, format="#,##0.#%", locale=self.locale)

    def money(self, value: Money) -> str:
        """Return an amount with its currency's sign."""
        before, after, decimals = _around_amount(value.currency, self.locale, is_negative=value.amount_minor < 0)
        return f"{before}{abs(major_units(value)):,.{decimals}f}{after}"

    def day(self, value: date | datetime) -> str:
        """Return a date; that of an instant in the page's time zone."""
        if isinstance(value, datetime):
            value = value.astimezone(self.zone).date()
        return _day(value, self.locale)

    def moment(self, value: datetime) -> str:
        """Return date and time to the minute, in the page's time zone."""
        here = value.astimezone(self.zone)
        return f"{_day(here.date(), self.locale)} {here.hour:02}:{here.minute:02}"

    def time(self, value: datetime) -> str:
        """Return the time of day to the minute."""
        here = value.astimezone(self.zone)
        return f"{here.hour:02}:{here.minute:02}"

    def month(self, value: date | datetime) -> str:
        """Return month and year."""
        return format_skeleton("yMMM", self._here(value), locale=self.locale)

    def ago(self, value: datetime, now: datetime) -> str:
        """Return how long before (or after) `now` an instant lies, in words."""
        return format_timedelta(value - now, add_direction=True, locale=self.locale)

    def span(self, value: timedelta) -> str:
        """Return how long something takes, in words, to its largest unit."""
        return format_timedelta(value, threshold=2, locale=self.locale)

    def _here(self, value: date | datetime) -> date | datetime:
        return value.astimezone(self.zone) if isinstance(value, datetime) else value


@lru_cache(maxsize=1_024)
def _around_amount(currency: str, locale: Locale, *, is_negative: bool) -> tuple[str, str, int]:
    """Return what CLDR writes before an amount of a currency and after it, and how many decimals the amount has.

    CLDR is asked once: 25 amounts of a list took it a millisecond.
    """
    decimals = get_currency_precision(currency)
    one = f"{1:.{decimals}f}"
    before, _, after = format_currency(-1 if is_negative else 1, currency, locale=locale).partition(one)
    return before, after, decimals


@lru_cache(maxsize=4_096)
def _day(day: date, locale: Locale) -> str:
    return format_date(day, format="medium", locale=locale)


@lru_cache(maxsize=256)
def formats_of(language: str, time_zone: str) -> Formats:
    """Return the formats of a language (en, zh) and an IANA time zone."""
    return Formats(language, ZoneInfo(time_zone), Locale.parse(_LOCALES[language]))
