"""What a profile may say, how a change is laid over it, and what of it may be shown."""

import re
from calendar import monthrange

from msgspec import UNSET
from msgspec.structs import replace

from regulars.members.contracts import Birthday, Calendar, Profile, ProfileChange
from regulars.members.profile.errors import BirthdayImpossible, LanguageImpossible, NameImpossible
from regulars.platform.errors import DomainError

FIRST_YEAR = 1900
NAMES = ("display_name", "given_name", "family_name")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_LONGEST_NAME = 100
_LEAP_YEAR = 2000  # has every day that a solar month can have
_LUNAR_DAYS = 30
_MONTHS = 12


def check(change: ProfileChange, this_year: int) -> DomainError | None:
    """Say what is wrong with a change, if anything. `this_year` is the programme's."""
    for field in NAMES:
        name = getattr(change, field)
        if isinstance(name, str) and not _is_name(name):
            return NameImpossible(pointer=f"/{field}", field=field)
    if isinstance(change.birthday, Birthday) and not _exists(change.birthday, this_year):
        return BirthdayImpossible(pointer="/birthday", calendar=change.birthday.calendar.value, first_year=FIRST_YEAR)
    if isinstance(change.language, str) and not _LANGUAGE.fullmatch(change.language):
        return LanguageImpossible(pointer="/language")
    return None


def lay_over(profile: Profile, change: ProfileChange) -> Profile:
    """Return the profile with the change applied, one version later."""
    changed = {field: getattr(change, field) for field in (*NAMES, "birthday") if getattr(change, field) is not UNSET}
    return replace(profile, **changed, version=profile.version + 1)


def changed_fields(change: ProfileChange) -> tuple[str, ...]:
    """Return the names of the fields that a change speaks of."""
    return tuple(field for field in (*NAMES, "birthday", "language") if getattr(change, field) is not UNSET)


def masked(profile: Profile) -> Profile:
    """Return the profile as those see it who may not read personal data: names by their first character only."""
    return Profile(
        display_name=_initial(profile.display_name),
        given_name=_initial(profile.given_name),
        family_name=_initial(profile.family_name),
        version=profile.version,
    )


def _is_name(name: str) -> bool:
    return name.isprintable() and name == name.strip() and 1 <= len(name) <= _LONGEST_NAME


def _exists(birthday: Birthday, this_year: int) -> bool:
    """Lunar months have 29 or 30 days; in a year with 29, the 30th is kept on the 29th."""
    year = birthday.year
    if not 1 <= birthday.month <= _MONTHS or (year is not None and not FIRST_YEAR <= year <= this_year):
        return False
    if birthday.calendar is Calendar.LUNAR:
        days = _LUNAR_DAYS
    else:
        days = monthrange(_LEAP_YEAR if year is None else year, birthday.month)[1]
    return 1 <= birthday.day <= days


def _initial(name: str | None) -> str | None:
    return None if name is None else f"{name[0]}**"
