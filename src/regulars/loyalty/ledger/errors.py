"""Refusals of direct postings at the edge."""

from regulars.platform.errors import InvalidInput


class EffectiveTooFarAhead(InvalidInput):
    """A sender's clock may be a little fast, no more."""

    code = "effective_too_far_ahead"
    message = "The time {effective_at} lies more than 5 minutes ahead of now ({now}). Check the clock of the sender."


class EffectiveTooLongAgo(InvalidInput):
    """An accrual becomes known within two years."""

    code = "effective_too_long_ago"
    message = "The time {effective_at} lies more than {days} days before now ({now}). Correct it, or leave it out."


class TermOutOfRange(InvalidInput):
    """A lot that would begin before it was earned, or last beyond all plans."""

    code = "term_out_of_range"
    message = "The value of {field} must lie between {earliest} and {latest}. Correct the date, or leave it out."


class ReferenceReserved(InvalidInput):
    """References that the ledger derives itself must not be taken by others."""

    code = "reference_reserved"
    message = "References that begin with “{prefix}” are made by the programme. Begin it with a word of your own."
