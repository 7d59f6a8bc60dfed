"""Exports, and the parts of their files."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

exports = Table(
    "exports",
    metadata,
    Column("job_id", UUID(as_uuid=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("columns", ARRAY(Text), nullable=False),
    Column("personal", Boolean, nullable=False),
    Column("since", TIMESTAMP(timezone=True)),
    Column("until", TIMESTAMP(timezone=True)),
    Column("market", Text),
    Column("begun_by", Text, nullable=False),
    Column("begun_at", TIMESTAMP(timezone=True), nullable=False),
    Column("expires_at", TIMESTAMP(timezone=True), nullable=False),
    Column("as_of", TIMESTAMP(timezone=True)),
    Column("store_id", Text),
    Column("channel", Text),
    Column("wallet", Text),
    Index("exports_expires_at_idx", "expires_at"),
    Index("exports_begun_at_idx", "begun_at", "job_id"),
)

export_parts = Table(
    "export_parts",
    metadata,
    Column("job_id", UUID(as_uuid=True), ForeignKey("exports.job_id", ondelete="CASCADE"), primary_key=True),
    Column("part_no", Integer, primary_key=True),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
)
