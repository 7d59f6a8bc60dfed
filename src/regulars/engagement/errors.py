"""Refusals about messages. None of them repeats an address."""

from regulars.platform.errors import Conflict, DomainError, InvalidInput


class ChannelNotSetUp(DomainError):
    """A message was asked for on a channel that the operator has not set up."""

    code = "channel_not_set_up"
    status = 503
    message = "Messages by {channel} cannot be sent at present. Choose another way, or ask the shop for help."


class CodesUsedUp(DomainError):
    """As many codes were sent by this channel as the operator allows in an hour, or in a day."""

    code = "codes_used_up"
    status = 503
    message = "No more codes can be sent by {channel} at present. Try again later, or ask the shop for help."


class CountryNotServed(InvalidInput):
    """An SMS to a number of a country to which the operator sends none."""

    code = "country_not_served"
    message = "No SMS are sent to numbers of this country. Use an e-mail address, or ask the shop for help."


class MessageNotStuck(Conflict):
    """Only a parked message can be sent again or cancelled by a person."""

    code = "message_not_stuck"
    status = 409
    message = "Only a parked message can be sent again or cancelled, and this one is not parked."


class MessageUnreadable(Conflict):
    """A message whose content is gone: its time has passed, or its member's key was destroyed."""

    code = "message_unreadable"
    status = 409
    message = "What this message said can no longer be read, so it cannot be sent again."


class MessageCursorUnreadable(InvalidInput):
    """The cursor is not one that an earlier page of messages gave."""

    code = "message_cursor_unreadable"
    status = 422
    message = "This is not the cursor of a list of messages. Use the one that the page before gave, or none."
