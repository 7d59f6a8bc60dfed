"""Refusals about profiles. None of them repeats a value."""

from regulars.platform.errors import Conflict, InvalidInput


class BirthdayImpossible(InvalidInput):
    """A day that its calendar does not have, or a year in which nobody of today was born."""

    code = "birthday_impossible"
    status = 422
    message = (
        "There is no such day in the {calendar} calendar, or not yet. Give month and day as the calendar has them, "
        "and the year between {first_year} and this year, or no year."
    )


class NameImpossible(InvalidInput):
    """A name without a visible character, or with characters that cannot be printed."""

    code = "name_impossible"
    status = 422
    message = "The field {field} needs 1 to 100 printable characters. Correct it, or send null to clear it."


class LanguageImpossible(InvalidInput):
    """Not a language tag."""

    code = "language_impossible"
    status = 422
    message = "This is not a language tag. Write it like zh, zh-CN or en."


class BirthdayFixed(Conflict):
    """A member may tell a birthday once; who asks for more would have two gifts a year."""

    code = "birthday_fixed"
    status = 409
    message = "Your birthday is known already. If it is wrong, ask us in a shop or write to us: we change it for you."
