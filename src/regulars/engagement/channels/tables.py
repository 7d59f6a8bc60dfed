"""Messages, what they follow from, and how far notices have been given.

`message_occasions` is a queue: a row is a fact that a member is to be told, and is gone once its messages are written.
`messages` holds them: personal data sealed, and keyed by whom it is for, so that all of a member stand together. A
message to a bare address is for nobody known: its recipient is itself. The message's id follows from fact, kind and
channel, so that a fact told twice is one message.
"""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

INSTANT = TIMESTAMP(timezone=True)

message_occasions = Table(
    "message_occasions",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("occasion_id", UUID(as_uuid=True), primary_key=True),
    Column("facts", Text, nullable=False),
    Column("occurred_at", INSTANT, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("due_at", INSTANT),
    Index("message_occasions_due_at_idx", "due_at"),
)

messages = Table(
    "messages",
    metadata,
    Column("recipient_id", UUID(as_uuid=True), primary_key=True),
    Column("message_id", UUID(as_uuid=True), primary_key=True),
    Column("to_member", Boolean, nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("urgency", SmallInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", INSTANT),
    Column("send_until", INSTANT, nullable=False),
    Column("sealed_content", LargeBinary),
    Column("sealed_address", LargeBinary),
    Column("answer", Text, nullable=False),
    Column("occurred_at", INSTANT, nullable=False),
    Column("written_at", INSTANT, nullable=False),
    Column("sent_at", INSTANT),
    Column("read_at", INSTANT),
    # How often it may have reached the provider: counted when it is taken to be sent, taken back for a sure no.
    Column("handed_over", Integer, nullable=False, server_default=text("0")),
    CheckConstraint(
        "kind IN ('code', 'receipt', 'return_settled', 'tier_up', 'expiring_points', 'confirm_address',"
        " 'confirm_consent', 'points_sent', 'points_received', 'points_taken_back', 'webhook_disabled')",
        name="kind",
    ),
    CheckConstraint("channel IN ('email', 'sms', 'inbox')", name="channel"),
    CheckConstraint("state IN ('queued', 'sent', 'parked', 'failed')", name="state"),
    CheckConstraint("(state = 'queued') = (due_at IS NOT NULL)", name="due_at"),
    CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_at"),
    CheckConstraint("to_member OR recipient_id = message_id", name="recipient_id"),
    Index("messages_due_idx", "channel", "urgency", "due_at", postgresql_where=text("state = 'queued'")),
    Index("messages_message_id_idx", "message_id"),
    Index("messages_bare_idx", "message_id", postgresql_where=text("NOT to_member AND sealed_address IS NOT NULL")),
    Index("messages_stuck_idx", "message_id", postgresql_where=text("state IN ('parked', 'failed')")),
    Index("messages_unread_idx", "recipient_id", postgresql_where=text("channel = 'inbox' AND read_at IS NULL")),
)

# How far the members of a time zone have been told what expires: all that does before `told_until`, and at that very
# instant the members up to `told_member` (NULL: all).
# Up to which expiry (and which member of that instant) everybody of a time zone was told, so many days before; 0 is
# from when there was one such number only, for all that begin after it.
expiry_notices = Table(
    "expiry_notices",
    metadata,
    Column("time_zone", Text, primary_key=True),
    Column("days", Integer, primary_key=True, server_default=text("0")),
    Column("told_until", INSTANT, nullable=False),
    Column("told_member", UUID(as_uuid=True)),
)

# How many codes were sent in an hour of the wall clock.
code_tallies = Table(
    "code_tallies",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("hour", INSTANT, primary_key=True),
    Column("sent", Integer, nullable=False),
)

# What is known of a member's e-mail address, by a keyed hash of it. `refused_at` is the programme's instant.
mail_standings = Table(
    "mail_standings",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("address_hash", LargeBinary, primary_key=True),
    Column("asked_at", INSTANT),
    Column("refused_at", INSTANT),
    Column("answer", Text, nullable=False, server_default=text("''")),
)
