"""Codes on their way, by ticket; sessions, by member."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, LargeBinary, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

# Who asked, and for whom, stands in the sealed ticket that the browser keeps: here is nothing personal.
access_codes = Table(
    "access_codes",
    metadata,
    Column("ticket_id", UUID(as_uuid=True), primary_key=True),
    Column("code_hash", LargeBinary, nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("expires_at", TIMESTAMP(timezone=True), nullable=False),
    Column("proved_at", TIMESTAMP(timezone=True)),
    Column("finished_at", TIMESTAMP(timezone=True)),
    Index(None, "expires_at"),
    CheckConstraint("finished_at IS NULL OR proved_at IS NOT NULL", name="finished_at"),
)

member_sessions = Table(
    "member_sessions",
    metadata,
    Column("member_id", UUID(as_uuid=True), ForeignKey("members.member_id"), primary_key=True),
    Column("session_id", UUID(as_uuid=True), primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("remembered", Boolean, nullable=False),
    Column("agent", Text, nullable=False),
    Column("made_at", TIMESTAMP(timezone=True), nullable=False),
    Column("last_seen_at", TIMESTAMP(timezone=True), nullable=False),
    Column("expires_at", TIMESTAMP(timezone=True), nullable=False),
    Index(None, "expires_at"),
    CheckConstraint("octet_length(secret_hash) = 32", name="secret_hash"),
)
