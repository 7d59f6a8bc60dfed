"""What was typed or scanned at a counter, and whether it is somebody's birthday. Pure."""

import unicodedata
from calendar import isleap
from datetime import date, timedelta
from typing import Final, Literal

from regulars.members.contracts import Birthday, Calendar, IdentityKind, IdentityValue

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
    """Say whether a birthday is today, or in this week (Monday to Sunday). Those of the lunar calendar are not known.

    Who was born on 29 February has it on the 28th in other years.
    """
    if birthday is None or birthday.calendar is not Calendar.SOLAR:
        return None
    if (birthday.month, birthday.day) == (today.month, today.day):
        return "today"
    monday = today - timedelta(days=today.weekday())
    week = [monday + timedelta(days=n) for n in range(7)]
    for day in week:
        kept = birthday.day
        if (birthday.month, birthday.day) == (_FEBRUARY, _LEAP_DAY) and not isleap(day.year):
            kept -= 1
        if (birthday.month, kept) == (day.month, day.day):
            return "today" if day == today else "week"
    return None
