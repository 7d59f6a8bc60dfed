"""What callers send and get about profiles."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from regulars.members.contracts import Birthday, Calendar, Profile, ProfileChange

Name = Annotated[str, Meta(min_length=1, max_length=100)]
LanguageTag = Annotated[
    str,
    Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", description="A language tag (BCP 47).", examples=["zh-CN"]),
]


class BirthdayBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A birthday by its calendar; the year may be left out."""

    month: Annotated[int, Meta(ge=1, le=12)]
    day: Annotated[int, Meta(ge=1, le=31)]
    year: Annotated[int, Meta(ge=1900, le=2200)] | None = None
    calendar: Calendar = Calendar.SOLAR


class ProfileBody(Struct, frozen=True, kw_only=True):
    """What a member told. `version` counts the changes."""

    display_name: str | None
    given_name: str | None
    family_name: str | None
    birthday: BirthdayBody | None
    version: int


class ProfileChangeBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change: a field left out stays, null clears it. `language` cannot be cleared."""

    display_name: Name | UnsetType | None = UNSET
    given_name: Name | UnsetType | None = UNSET
    family_name: Name | UnsetType | None = UNSET
    birthday: BirthdayBody | UnsetType | None = UNSET
    language: LanguageTag | UnsetType = UNSET


class ProfileChangedAnswer(Struct, frozen=True, kw_only=True):
    """What was changed, by name, and the profile's version now."""

    member_id: str
    version: int
    changed: list[str]


def change_of(body: ProfileChangeBody) -> ProfileChange:
    """Read a change."""
    birthday: Birthday | UnsetType | None
    if isinstance(body.birthday, BirthdayBody):
        given = body.birthday
        birthday = Birthday(month=given.month, day=given.day, year=given.year, calendar=given.calendar)
    else:
        birthday = body.birthday
    return ProfileChange(
        display_name=body.display_name,
        given_name=body.given_name,
        family_name=body.family_name,
        birthday=birthday,
        language=body.language,
    )


def profile_body(profile: Profile) -> ProfileBody:
    """Write a profile."""
    told = profile.birthday
    return ProfileBody(
        display_name=profile.display_name,
        given_name=profile.given_name,
        family_name=profile.family_name,
        birthday=None
        if told is None
        else BirthdayBody(month=told.month, day=told.day, year=told.year, calendar=told.calendar),
        version=profile.version,
    )
