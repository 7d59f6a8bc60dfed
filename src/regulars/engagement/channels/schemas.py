"""What callers send and get about messages."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from regulars.engagement.contracts import MESSAGE_PREFIX, Message, MessageChannel, MessageKind, MessageState
from regulars.platform.ids import public_id

MessageId = Annotated[str, Meta(examples=["msg_0190f0c27c5a7cc58f8c1d2e3f405162"])]


class FigureAnswer(Struct, frozen=True, kw_only=True):
    """One figure that a message tells, in words."""

    label: str
    value: str


class MessageAnswer(Struct, frozen=True, kw_only=True):
    """A message in the member's language; its words are null once they cannot be read any more.

    `read_at` is of the inbox only. Addresses and codes are masked.
    """

    message_id: MessageId
    kind: MessageKind
    channel: MessageChannel
    state: MessageState
    language: str
    address: str | None
    subject: str | None
    text: list[str] | None
    figures: list[FigureAnswer] | None
    occurred_at: datetime
    sent_at: datetime | None
    read_at: datetime | None


class MessagesAnswer(Struct, frozen=True, kw_only=True):
    """A member's messages, the latest first. `unread` counts the whole inbox."""

    messages: list[MessageAnswer]
    unread: int
    has_more: bool
    next_cursor: str | None


class ReadBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the member has read: messages by name, or all up to one."""

    message_ids: Annotated[list[MessageId], Meta(max_length=500)] = []
    up_to: MessageId | None = None


class ReadAnswer(Struct, frozen=True, kw_only=True):
    """How many messages were unread before, and how many still are."""

    marked: int
    unread: int


def message_answer(message: Message) -> MessageAnswer:
    """Write a message."""
    ref, letter = message.ref, message.letter
    return MessageAnswer(
        message_id=public_id(MESSAGE_PREFIX, ref.message_id),
        kind=ref.kind,
        channel=ref.channel,
        state=ref.state,
        language=ref.language,
        address=message.address,
        subject=None if letter is None else letter.subject,
        text=None if letter is None else [*letter.lead, *([letter.note] if letter.note else [])],
        figures=None if letter is None else [FigureAnswer(label=row.label, value=row.value) for row in letter.rows],
        occurred_at=ref.occurred_at,
        sent_at=ref.sent_at,
        read_at=ref.read_at,
    )
