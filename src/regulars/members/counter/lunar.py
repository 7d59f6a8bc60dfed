"""The Chinese lunisolar calendar from 1900 to 2100: on which day a date of it falls. Pure.

A year is six hex digits: the new year's day, counted from 21 January (bits 17 and up); the month that is followed by a
leap month of its number, 0 if none (bits 13 to 16); which of its months, in their order, have 30 days (bits 0 to 12),
the others having 29. The calendar is a matter of record; `tests/members/test_lunar.py` proves the table against the
moon and the sun.
"""

from datetime import date, timedelta
from typing import Final

FIRST_YEAR: Final = 1900
_TABLE: Final = """
    1516d2 3a0752 240ea5 10b64a 34064b 1c0a9b 089556 2e056a 180b59 025752
    280752 12db25 380b25 200a4b 0ab4ab 3002ad 1a056b 044b69 2a0da9 16fd92
    3c0e92 240d25 0eba4d 340a56 1e02b6 0695b5 2e06d4 180ea9 045e92 280e92
    12cd26 36052b 200a57 0ab2b6 300b5a 1c06d4 066ec9 2a0749 14f693 3a0a93
    24052b 0cca5b 320aad 1e056a 089b55 2e0ba4 180b49 025a93 280a95 10f52d
    360536 200aad 0cb5aa 3005b2 1a0da5 067d4a 2c0d4a 150a95 380a97 240556
    0ecab5 320ad5 1e06d2 088ea5 2e0ea5 18064a 006c97 260a9b 12f55a 36056a
    200b69 0cb752 320b52 1a0b25 04964b 2a0a4b 1514ab 3802ad 22056d 0ecb69
    340da9 1e0d92 089d25 2e0d25 195a4d 3c0a56 2602b6 10c5b5 3606d5 200ea9
    0cbe92 320e92 1c0d26 046a56 280a57 1514d6 3a035a 2206d5 0eb6c9 340749
    1e0693 06952b 2c052b 160a5b 02555a 26056a 10fb55 380ba4 220b49 0aba93
    300a95 1a052d 048aad 280ab5 1535aa 3a05d2 240da5 0edd4a 340d4a 1e0c95
    08952e 2c0556 160ab5 0255b2 2806d2 10cea5 360725 20064b 0aac97 2e0cab
    1a055a 046ad6 2a0b69 157752 3a0b52 240b25 0eda4b 320a4b 1c04ab 06a55b
    2c05ad 160b6a 025b52 280d92 12fd25 360d25 200a55 0ab4ad 3004b6 1805b5
    046daa 2a0ec9 171e92 3a0e92 240d26 0eca56 320a57 1c04d6 0686d5 2c0755
    180749 006e93 260693 10f52b 36052b 1e0a5b 0ab55a 30056a 1a0b65 04974a
    2a0b4a 151a95 3a0a95 22052d 0ccaad 320ab5 1e05aa 068ba5 2c0da5 180d4a
    027c95 260c96 10f94e 360556 200ab5 0ab5b2 3006d2 1a0ea5 068e4a 28068b
    130c97 3804ab 22055b 0ccad6 320b6a 1e0752 089725 2c0b45 160a8b 00549b
    2604ab
"""
_YEARS: Final = tuple(int(digits, 16) for digits in _TABLE.split())
LAST_YEAR: Final = FIRST_YEAR + len(_YEARS) - 1
_SHORT: Final = 29


def months_of(year: int) -> list[tuple[int, bool, date, int]]:
    """Return the months of a year in their order: number, whether it is the leap month, first day, how many days."""
    packed = _YEARS[year - FIRST_YEAR]
    leap, first = packed >> 13 & 15, date(year, 1, 21) + timedelta(packed >> 17)
    months: list[tuple[int, bool, date, int]] = []
    for number in range(1, 13):
        for is_leap in (False, True) if number == leap else (False,):
            days = _SHORT + (packed >> len(months) & 1)
            months.append((number, is_leap, first, days))
            first += timedelta(days)
    return months


def day_in(year: int, month: int, day: int) -> date | None:
    """Return the day on which a date is kept in a lunar year; None outside the table.

    It is kept once: in the regular month, not in the leap month of the same number that may follow it; the 30th on the
    29th where the month has no more days.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    _, _, first, days = next(one for one in months_of(year) if one[0] == month)
    return first + timedelta(min(day, days) - 1)
