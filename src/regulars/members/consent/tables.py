"""Consent as given and withdrawn, append-only; the letters that ask to confirm it; the words as they were shown."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

INSTANT = TIMESTAMP(timezone=True)

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
    Column("effective_at", INSTANT, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
    Column("written_at", INSTANT, nullable=False),
    Column("language", Text),
    Column("confirmation", Text),
    Column("identity_id", UUID(as_uuid=True)),
    Column("request_id", UUID(as_uuid=True)),
    CheckConstraint("purpose IN ('service', 'marketing', 'research', 'profiling', 'sharing')", name="purpose"),
    CheckConstraint("channel IN ('email', 'sms', 'push', 'wechat', 'phone', 'post', 'any')", name="channel"),
    CheckConstraint("decision IN ('given', 'withdrawn', 'requested', 'lapsed')", name="decision"),
    CheckConstraint(
        "confirmation IS NULL OR (confirmation IN ('link', 'code', 'elsewhere') AND decision IN ('given', 'lapsed'))",
        name="confirmation",
    ),
    CheckConstraint("decision <> 'requested' OR identity_id IS NOT NULL", name="identity_id"),
    CheckConstraint("request_id IS NULL OR (decision = 'given' AND confirmation = 'link')", name="request_id"),
    # A request is confirmed at most once.
    Index(
        "consents_request_id_key",
        "member_id",
        "request_id",
        unique=True,
        postgresql_where=text("request_id IS NOT NULL"),
    ),
    Index("consents_recorded_at_idx", "recorded_at", "consent_id"),
    Index("consents_purpose_idx", "purpose", "channel", "recorded_at", "consent_id"),
)

# Letters that ask to confirm: instants are the wall clock's. What the link carries is kept as a hash, once it is sent.
consent_requests = Table(
    "consent_requests",
    metadata,
    Column("member_id", UUID(as_uuid=True), ForeignKey("members.member_id"), primary_key=True),
    Column("consent_id", UUID(as_uuid=True), primary_key=True),
    Column("letters", Integer, nullable=False),
    Column("asked_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("token_hash", LargeBinary),
    CheckConstraint("letters >= 1", name="letters"),
    CheckConstraint("octet_length(token_hash) = 32", name="token_hash"),
    Index("consent_requests_expires_at_idx", "expires_at"),
)

# The words of a version in a language, as they were shown first; never edited.
consent_wordings = Table(
    "consent_wordings",
    metadata,
    Column("wording_version", Text, primary_key=True),
    Column("language", Text, primary_key=True),
    Column("wording", Text, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
)
