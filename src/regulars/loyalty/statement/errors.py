"""Refusals of reading."""

from regulars.platform.errors import InvalidInput


class AsOfAhead(InvalidInput):
    """Nobody knows yet what the books will say."""

    code = "as_of_ahead"
    message = "The moment {as_of} lies ahead of now ({now}). Ask for an earlier one, or leave it out."


class CursorNotOfStatement(InvalidInput):
    """A cursor that no page of this statement gave."""

    code = "cursor_not_of_statement"
    message = "This cursor does not continue the member's statement. Use next_cursor of the page before, or none."
