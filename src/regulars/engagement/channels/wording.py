"""Numbers, money, days and names as people of a language and a market write them (CLDR)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError, dates, numbers

from regulars.loyalty import api as loyalty
from regulars.platform.texts import LANGUAGES, say


def language_of(tag: str) -> str:
    """Return which of our languages speaks to a member whose own is `tag` (BCP 47); English where none fits."""
    primary = tag.partition("-")[0].lower()
    return primary if primary in LANGUAGES else "en"


@cache
def locale_of(language: str, country: str) -> Locale:
    """Return how a language is written in a country, or at all."""
    try:
        return Locale.parse(f"zh_Hans_{country}" if language == "zh" else f"{language}_{country}")
    except (UnknownLocaleError, ValueError):
        return Locale.parse("zh_Hans_CN" if language == "zh" else language)


@dataclass(frozen=True, slots=True)
class Wording:
    """Writes values in one language, for one market."""

    language: str
    country: str
    time_zone: str

    @property
    def locale(self) -> Locale:
        """The locale of language and country."""
        return locale_of(self.language, self.country)

    def number(self, value: int) -> str:
        """Write a whole number."""
        return numbers.format_decimal(value, locale=self.locale)

    def money(self, amount_minor: int, currency: str) -> str:
        """Write an amount of minor units."""
        digits = numbers.get_currency_precision(currency)
        return numbers.format_currency(Decimal(amount_minor).scaleb(-digits), currency, locale=self.locale)

    def points(self, value: int) -> str:
        """Write a number of points."""
        if value == 1:
            return say("1 point", self.language)
        return say("{number} points", self.language, number=self.number(value))

    def day(self, at: datetime) -> str:
        """Write the local day of an instant."""
        return dates.format_date(at.astimezone(ZoneInfo(self.time_zone)).date(), "long", locale=self.locale)

    def last_day(self, until: datetime) -> str:
        """Write the last local day before an instant at which something ends."""
        return self.day(until - timedelta(microseconds=1))

    def moment(self, at: datetime) -> str:
        """Write the local day and time of an instant."""
        return f"{self.day(at)} {dates.format_time(at, 'short', tzinfo=ZoneInfo(self.time_zone), locale=self.locale)}"

    def tier(self, code: str) -> str:
        """Return how people call a tier."""
        return loyalty.name_of_tier(code, self.language)
