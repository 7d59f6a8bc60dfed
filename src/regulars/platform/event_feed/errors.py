"""Refusals of the feed."""

from regulars.platform.errors import Gone, InvalidInput


class EventCursorUnreadable(InvalidInput):
    """The cursor is not one that the feed gave."""

    code = "event_cursor_unreadable"
    status = 422
    message = "This is not a cursor of the events feed. Use the one that the answer before gave, “now”, or none."


class EventCursorOutdated(Gone):
    """The database was restored since the cursor was given, or what it stands at is kept no longer."""

    code = "event_cursor_outdated"
    status = 410
    message = (
        "This cursor no longer tells what is new: the database was restored since, or the events behind it are kept "
        "no longer. Read the feed without a cursor: events that you know already have the same id as before."
    )


class UnknownEventType(InvalidInput):
    """A type of event that there is none of."""

    code = "unknown_event_type"
    status = 422
    message = "There is no type of event called {type}. See the list in the API reference."
