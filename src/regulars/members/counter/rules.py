"""What was typed or scanned at a counter, and whether it is somebody's birthday. Pure."""

import unicodedata
from calendar import isleap
from datetime import date, timedelta
from typing import Final, Literal

from regulars.members.contracts import Birthday, Calendar, IdentityKind, IdentityValue
from regulars.members.counter import lunar

_CARD_CODE_LEAST: Final = 40  # shorter ones beginning with RC are printed card numbers
_FEBRUARY, _LEAP_DAY = 2, 29

BirthdayNear = Literal["today", "week"]


def cleaned(typed: str) -> str:
    """Return what was typed as scanners and Chinese keyboards write it too: full-width signs become plain."""
    return unicodedata.normalize("NFKC", typed).strip()


def is_card_code(text: str) -> bool:
    """Whether a text looks like the rotating code of a member's card."""
    return len(text) >= _CARD_CODE_LEAST and text[:2].upper() == "RC"


def possible_values(text: str) -> list[IdentityValue]:
    """Return what a text may be: an e-mail address, else a phone or a printed card number."""
    if "@" in text:
        return [IdentityValue(IdentityKind.EMAIL, text)]
    return [IdentityValue(IdentityKind.PHONE, text), IdentityValue(IdentityKind.CARD, text)]


def birthday_near(birthday: Birthday | None, today: date) -> BirthdayNear | None:
    """Say whether a birthday is today, or in this week (Monday to Sunday).

    Who was born on 29 February has it on the 28th in other years. Birthdays of the lunar calendar are kept as
    `lunar.day_in` says: in the regular month also by who was born in a leap month, as is usual.
    """
    if birthday is None:
        return None
    monday = today - timedelta(days=today.weekday())
    kept = {_kept_in(birthday, year) for year in (today.year - 1, today.year, today.year + 1)}
    if today in kept:
        return "today"
    return "week" if any(monday + timedelta(days=n) in kept for n in range(7)) else None


def _kept_in(birthday: Birthday, year: int) -> date | None:
    """Return the day of a birthday in a year of its calendar; None where that is not known."""
    if birthday.calendar is Calendar.LUNAR:
        return lunar.day_in(year, birthday.month, birthday.day)
    if (birthday.month, birthday.day) == (_FEBRUARY, _LEAP_DAY) and not isleap(year):
        return date(year, _FEBRUARY, _LEAP_DAY - 1)
    return date(year, birthday.month, birthday.day)
