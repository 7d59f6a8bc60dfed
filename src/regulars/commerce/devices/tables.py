"""Devices of shops, and the codes that enrol them. Local to the coordinator."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

store_devices = Table(
    "store_devices",
    metadata,
    Column("device_id", UUID(as_uuid=True), primary_key=True),
    Column("key_hash", LargeBinary, nullable=False),
    Column("store_id", Text, ForeignKey("stores.store_id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("enrolled_by", Text, nullable=False),
    Column("enrolled_at", TIMESTAMP(timezone=True), nullable=False),
    Column("last_seen_at", TIMESTAMP(timezone=True), nullable=False),
    Column("revoked_at", TIMESTAMP(timezone=True)),
    Index("store_devices_key_hash_key", "key_hash", unique=True),
    Index(None, "store_id"),
    CheckConstraint("octet_length(key_hash) = 32", name="key_hash"),
)

device_enrolments = Table(
    "device_enrolments",
    metadata,
    Column("code_hash", LargeBinary, primary_key=True),
    Column("store_id", Text, ForeignKey("stores.store_id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("expires_at", TIMESTAMP(timezone=True), nullable=False),
    Column("used_at", TIMESTAMP(timezone=True)),
    Index(None, "expires_at"),
)
