"""Erasures that were asked for, by member; instants are the wall clock's."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

INSTANT = TIMESTAMP(timezone=True)

# `begun_at`: from here on it cannot be withdrawn. `losses` is what was told (JSON), so that it can be shown.
erasures = Table(
    "erasures",
    metadata,
    Column("member_id", UUID(as_uuid=True), ForeignKey("members.member_id"), primary_key=True),
    Column("erasure_id", UUID(as_uuid=True), primary_key=True),
    Column("asked_at", INSTANT, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("due_at", INSTANT, nullable=False),
    Column("losses", Text, nullable=False),
    Column("begun_at", INSTANT),
    Column("ended_at", INSTANT),
    Column("outcome", Text),
    CheckConstraint("outcome IN ('withdrawn', 'carried_out')", name="outcome"),
    CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended_at"),
    CheckConstraint("begun_at IS NULL OR outcome IS DISTINCT FROM 'withdrawn'", name="begun_at"),
    Index("erasures_open_key", "member_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    Index("erasures_asked_at_idx", "asked_at", "erasure_id"),
    Index("erasures_due_at_idx", "due_at", postgresql_where=text("ended_at IS NULL")),
)

# Everything about a member in one sealed document, deleted a week after it was asked for.
member_exports = Table(
    "member_exports",
    metadata,
    Column("member_id", UUID(as_uuid=True), ForeignKey("members.member_id"), primary_key=True),
    Column("export_id", UUID(as_uuid=True), primary_key=True),
    Column("asked_at", INSTANT, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("ready_at", INSTANT),
    Column("sealed_document", LargeBinary),
    CheckConstraint("(ready_at IS NULL) = (sealed_document IS NULL)", name="ready_at"),
    Index("member_exports_waiting_idx", "asked_at", postgresql_where=text("ready_at IS NULL")),
    Index("member_exports_asked_at_idx", "asked_at", "export_id"),
    Index("member_exports_expires_at_idx", "expires_at"),
)
