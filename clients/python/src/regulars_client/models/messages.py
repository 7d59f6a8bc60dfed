"""Of `client.messages`.

Written from the API's description: `make client` does it anew.
"""

from datetime import datetime

from msgspec import Struct


class FigureAnswer(Struct, frozen=True, kw_only=True):
    """Part of `MessageAnswer`."""

    label: str
    value: str


class MessageAnswer(Struct, frozen=True, kw_only=True):
    """Part of `MessagesAnswer`."""

    message_id: str
    kind: str
    channel: str
    state: str
    language: str
    address: str | None
    subject: str | None
    text: list[str] | None
    figures: list[FigureAnswer] | None
    occurred_at: datetime
    sent_at: datetime | None
    read_at: datetime | None


class MessagesAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.messages.list`: read what a member was told."""

    messages: list[MessageAnswer]
    unread: int
    has_more: bool
    next_cursor: str | None


class ReadAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.messages.mark_messages_read`: mark messages of a member's inbox as read."""

    marked: int
    unread: int
