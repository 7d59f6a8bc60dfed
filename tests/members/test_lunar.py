"""The lunar calendar, proved against the moon and the sun, and the birthdays that are kept by it."""

from datetime import UTC, date, datetime, timedelta
from math import floor, radians, sin

import pytest

from regulars.members.contracts import Birthday, Calendar
from regulars.members.counter.lunar import FIRST_YEAR, LAST_YEAR, day_in, months_of
from regulars.members.counter.rules import birthday_near

EPOCH = datetime(2000, 1, 1, 12, tzinfo=UTC)
JULIAN_EPOCH = 2_451_545.0
BEIJING = timedelta(hours=8)
DAY = timedelta(days=1)

# Meeus, Astronomical Algorithms, chapter 49: amplitude in days, then multiples of M, M', F; and powers of E.
TERMS = [
    (-0.40720, 0, 1, 0), (0.17241, 1, 0, 0), (0.01608, 0, 2, 0), (0.01039, 0, 0, 2), (0.00739, -1, 1, 0),
    (-0.00514, 1, 1, 0), (0.00208, 2, 0, 0), (-0.00111, 0, 1, -2), (-0.00057, 0, 1, 2), (0.00056, 1, 2, 0),
    (-0.00042, 0, 3, 0), (0.00042, 1, 0, 2), (0.00038, 1, 0, -2), (-0.00024, -1, 2, 0), (-0.00007, 2, 1, 0),
    (0.00004, 0, 2, -2), (0.00004, 3, 0, 0), (0.00003, 1, 1, -2), (0.00003, 0, 2, 2), (-0.00003, 1, 1, 2),
    (0.00003, -1, 1, 2), (-0.00002, -1, 1, -2), (-0.00002, 1, 3, 0), (0.00002, 0, 4, 0),
]  # fmt: skip


def new_moon_near(day: date) -> datetime:
    """Return the instant of the new moon nearest to a day, in Beijing's time, to a few minutes."""
    middle = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
    k = round(((middle - EPOCH) / DAY + JULIAN_EPOCH - 2_451_550.09766) / 29.530588861)
    t = k / 1236.85
    e = 1 - 0.002516 * t - 0.0000074 * t * t
    sun = radians(2.5534 + 29.10535670 * k - 0.0000014 * t * t)
    moon = radians(201.5643 + 385.81693528 * k + 0.0107582 * t * t + 0.00001238 * t**3)
    node = radians(160.7108 + 390.67050284 * k - 0.0016118 * t * t - 0.00000227 * t**3)
    found = 2_451_550.09766 + 29.530588861 * k + 0.00015437 * t * t
    found += sum(a * e ** abs(m) * sin(m * sun + n * moon + f * node) for a, m, n, f in TERMS)
    return EPOCH + (found - JULIAN_EPOCH) * DAY + BEIJING - timedelta(seconds=60)


def longitude_of_the_sun(day: date) -> float:
    """Return the sun's apparent longitude when a day begins in Beijing, in degrees, to a hundredth (chapter 25)."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - BEIJING
    t = (at - EPOCH) / DAY / 36_525
    anomaly = radians(357.52911 + 35_999.05029 * t)
    centre = (1.914602 - 0.004817 * t) * sin(anomaly) + 0.019993 * sin(2 * anomaly) + 0.000289 * sin(3 * anomaly)
    return float(280.46646 + 36_000.76983 * t + centre - 0.00569 - 0.00478 * sin(radians(125.04 - 1934.136 * t))) % 360


def test_every_month_begins_on_the_day_of_its_new_moon() -> None:
    """Where the moon is new within minutes of midnight only the record tells: there are a few in two hundred years."""
    close = timedelta(minutes=25)  # before 1929 the record followed Beijing's own noon, a quarter of an hour later
    unclear = 0
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        for number, is_leap, first, _ in months_of(year):
            moon = new_moon_near(first)
            if moon.date() != first:
                unclear += 1
                assert {(moon - close).date(), (moon + close).date()} >= {first}, (year, number, is_leap, moon)
    assert unclear <= 12


def test_a_leap_month_is_one_in_which_the_sun_enters_no_sign() -> None:
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        for number, is_leap, first, days in months_of(year):
            begins, ends = longitude_of_the_sun(first), longitude_of_the_sun(first + days * DAY)
            entered = floor(ends / 30) != floor(begins / 30)
            if is_leap:
                assert not entered, (year, number, begins, ends)
            elif number == 11:
                assert begins - 0.02 <= 270 <= ends + 0.02, year  # the month of the winter solstice


def test_years_follow_one_another_without_a_gap() -> None:
    for year in range(FIRST_YEAR, LAST_YEAR):
        months = months_of(year)
        _, _, first, days = months[-1]
        assert first + days * DAY == months_of(year + 1)[0][2]
        assert sum(is_leap for _, is_leap, _, _ in months) == len(months) - 12


@pytest.mark.parametrize(
    ("year", "month", "day", "kept"),
    [
        (1900, 1, 1, date(1900, 1, 31)),
        (2000, 1, 1, date(2000, 2, 5)),
        (2024, 1, 1, date(2024, 2, 10)),
        (2025, 1, 1, date(2025, 1, 29)),
        (2026, 1, 1, date(2026, 2, 17)),
        (2026, 8, 15, date(2026, 9, 25)),
        (2025, 6, 1, date(2025, 6, 25)),  # the regular sixth month, not the leap one a month later
        (2033, 12, 1, date(2034, 1, 20)),  # after the leap eleventh
        (2026, 12, 30, date(2027, 2, 5)),  # that month has 29 days
        (1899, 1, 1, None),
        (2101, 1, 1, None),
    ],
)
def test_a_date_is_kept_on_its_day(year: int, month: int, day: int, kept: date | None) -> None:
    assert day_in(year, month, day) == kept


@pytest.mark.parametrize(
    ("month", "day", "today", "near"),
    [
        (8, 15, date(2026, 9, 25), "today"),
        (8, 15, date(2026, 9, 21), "week"),
        (8, 15, date(2026, 9, 28), None),
        (12, 29, date(2026, 2, 16), "today"),  # of the lunar year before
        (12, 30, date(2026, 2, 16), "today"),
        (6, 1, date(2025, 7, 25), None),  # the leap sixth month: it was kept a month ago
    ],
)
def test_birthdays_of_the_lunar_calendar_are_greeted(month: int, day: int, today: date, near: str | None) -> None:
    birthday = Birthday(month=month, day=day, calendar=Calendar.LUNAR)

    assert birthday_near(birthday, today) == near
