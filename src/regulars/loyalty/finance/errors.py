"""Refusals of finance."""

from regulars.platform.errors import InvalidInput


class MonthsImpossible(InvalidInput):
    """The months asked for run backwards, have not begun, or are too many at once."""

    code = "months_impossible"
    message = (
        "The months {first} to {last} cannot be shown: ask for at most {at_most}, the earlier one first, "
        "and for none that has not begun."
    )
