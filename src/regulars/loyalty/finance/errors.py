"""Refusals of finance."""

from regulars.platform.errors import Conflict, InvalidInput, NotFound


class MonthsImpossible(InvalidInput):
    """The months asked for run backwards, have not begun, or are too many at once."""

    code = "months_impossible"
    message = (
        "The months {first} to {last} cannot be shown: ask for at most {at_most}, the earlier one first, "
        "and for none that has not begun."
    )


class MonthClosed(Conflict):
    """The month is closed already, or being closed."""

    code = "month_closed"
    message = (
        "The month {month} is closed already, or being closed. It stays closed; corrections go into the open month."
    )


class CloseUnderWay(Conflict):
    """Another month is being closed."""

    code = "close_under_way"
    message = "The month {month} is still being closed. Wait until it is closed, then close the next one."


class NothingToClose(Conflict):
    """Nothing was ever booked."""

    code = "nothing_to_close"
    message = "Nothing is booked yet, so there is no month to close."


class MonthNotNext(Conflict):
    """Months are closed one after the other."""

    code = "month_not_next"
    message = "The month {month} cannot be closed now: months are closed in order, and the next one is {expected}."


class MonthNotOver(Conflict):
    """The month still lasts in one of the markets."""

    code = "month_not_over"
    message = "The month {month} is not over in every market before {over_at}. Close it then."


class MonthNotClosed(NotFound):
    """There is no such closed month."""

    code = "month_not_closed"
    message = "The month {month} is not closed."


class BooksDoNotBalance(Conflict):
    """What was booked is not what wallets and lots hold."""

    code = "books_do_not_balance"
    message = (
        "The month {month} cannot be closed: in the wallet {wallet} of the market {market}, bookings leave {movements} "
        "outstanding, wallets {wallets}, lots {lots}. Run `regulars verify`, and mend what it finds."
    )


class BreakageUnknown(Conflict):
    """Too few months of earning have run to their end to say what usually expires."""

    code = "breakage_unknown"
    message = (
        "Breakage of the wallet {wallet} in the market {market} cannot be estimated yet: it takes {needed} months of "
        "earning that have run to their end, and so far {complete} have (months closed: {closed}). Close more months."
    )
