"""Amounts and figures look exactly as CLDR writes them, although CLDR is not asked for each."""

import pytest
from babel.numbers import format_currency, format_decimal

from regulars.platform.money import Money
from regulars.web.console.periods import change
from regulars.web.kit.formats import formats_of, major_units

CURRENCIES = ("CNY", "USD", "EUR", "JPY", "KWD", "CHF", "SEK")
AMOUNTS = (0, 1, -1, 99, -100, 123_456, -123_456_789, 10**12)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("currency", CURRENCIES)
def test_amounts(language: str, currency: str) -> None:
    formats = formats_of(language, "Asia/Shanghai")

    for amount in AMOUNTS:
        money = Money(amount, currency)
        assert formats.money(money) == format_currency(major_units(money), currency, locale=formats.locale)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_figures(language: str) -> None:
    formats = formats_of(language, "Asia/Shanghai")

    assert [formats.number(amount) for amount in AMOUNTS] == [
        format_decimal(amount, locale=formats.locale) for amount in AMOUNTS
    ]


def test_a_change_from_next_to_nothing_is_not_told_as_a_share() -> None:
    assert (change(1_000, 100), change(1_001, 100), change(5, 0), change(0, 5)) == (9.0, None, None, -1.0)
    assert change(2_470, 2_469) == 0
