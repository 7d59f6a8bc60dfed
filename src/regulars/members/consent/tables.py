"""Consent as given and withdrawn: append-only."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

consents = Table(
    "consents",
    metadata,
    Column("member_id", UUID(as_uuid=True), ForeignKey("members.member_id"), primary_key=True),
    Column("consent_id", UUID(as_uuid=True), primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("wording_version", Text, nullable=False),
    Column("made_in", Text, nullable=False),
    Column("store_id", Text),
    Column("actor", Text, nullable=False),
    Column("effective_at", TIMESTAMP(timezone=True), nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    Column("written_at", TIMESTAMP(timezone=True), nullable=False),
    CheckConstraint("purpose IN ('service', 'marketing', 'research', 'profiling', 'sharing')", name="purpose"),
    CheckConstraint("channel IN ('email', 'sms', 'push', 'wechat', 'phone', 'post', 'any')", name="channel"),
    CheckConstraint("decision IN ('given', 'withdrawn')", name="decision"),
)
