"""Endpoints, the events that any of them is told, deliveries and their attempts.

The deployment's own rows, on the coordinator alone, as the outbox they follow from. An event's data is kept once for
all endpoints: what is sent again in three days is what was sent first.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

INSTANT = TIMESTAMP(timezone=True)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("endpoint_id", UUID(as_uuid=True), primary_key=True),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("types", ARRAY(Text), nullable=False),
    Column("state", Text, nullable=False),
    Column("disabled_for", Text),
    Column("disabled_at", INSTANT),
    Column("created_at", INSTANT, nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("sealed_old_secret", LargeBinary),
    Column("old_secret_until", INSTANT),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("failing_since", INSTANT),
    Column("next_try_at", INSTANT),
    Column("delivered_at", INSTANT),
    CheckConstraint("state IN ('active', 'disabled')", name="state"),
    CheckConstraint("disabled_for IN ('by_hand', 'gone', 'failing')", name="disabled_for"),
    CheckConstraint(
        "(state = 'disabled') = (disabled_for IS NOT NULL) AND (state = 'disabled') = (disabled_at IS NOT NULL)",
        name="disabled",
    ),
    CheckConstraint("(failures = 0) = (failing_since IS NULL)", name="failing_since"),
    CheckConstraint("(sealed_old_secret IS NULL) = (old_secret_until IS NULL)", name="old_secret"),
)

webhook_events = Table(
    "webhook_events",
    metadata,
    Column("event_id", UUID(as_uuid=True), primary_key=True),
    Column("type", Text, nullable=False),
    Column("member_id", UUID(as_uuid=True)),
    Column("recorded_at", INSTANT, nullable=False),
    Column("data", Text, nullable=False),
    Column("traceparent", Text),  # of the trace it came of, where traces are wanted
)

# `line` is the member, or a UUID of zeros: of one line one delivery at a time is under way, in order of `position`.
webhook_position_seq = Sequence("webhook_position_seq", metadata=metadata)
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("delivery_id", UUID(as_uuid=True), primary_key=True),
    Column("endpoint_id", UUID(as_uuid=True), nullable=False),
    Column("event_id", UUID(as_uuid=True), nullable=False),
    Column("type", Text, nullable=False),
    Column("line", UUID(as_uuid=True), nullable=False),
    Column(
        "position", BigInteger, webhook_position_seq, nullable=False, server_default=webhook_position_seq.next_value()
    ),
    Column("state", Text, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("queued_at", INSTANT, nullable=False),
    Column("due_at", INSTANT),
    Column("first_tried_at", INSTANT),
    Column("settled_at", INSTANT),
    CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="state"),
    CheckConstraint("(state = 'pending') = (due_at IS NOT NULL)", name="due_at"),
    CheckConstraint("(state = 'pending') = (settled_at IS NULL)", name="settled_at"),
    Index("webhook_deliveries_event_idx", "event_id", "endpoint_id", unique=True),
    Index("webhook_deliveries_log_idx", "endpoint_id", "position"),
    Index("webhook_deliveries_due_idx", "endpoint_id", "due_at", postgresql_where=text("state = 'pending'")),
    Index("webhook_deliveries_line_idx", "endpoint_id", "line", "position"),
    Index(
        "webhook_deliveries_first_idx", "endpoint_id", "line", "position", postgresql_where=text("state = 'pending'")
    ),
    Index("webhook_deliveries_failed_idx", "endpoint_id", "position", postgresql_where=text("state = 'failed'")),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("delivery_id", UUID(as_uuid=True), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("at", INSTANT, nullable=False),
    Column("took_ms", Integer, nullable=False),
    Column("status", SmallInteger),
    Column("answer", Text, nullable=False),
    Column("error", Text, nullable=False),
)
