"""Imports, the parts of their files that have arrived, and which rows were refused."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

imports = Table(
    "imports",
    metadata,
    Column("job_id", UUID(as_uuid=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("begun_by", Text, nullable=False),
    Column("begun_at", TIMESTAMP(timezone=True), nullable=False),
    Column("expires_at", TIMESTAMP(timezone=True), nullable=False),
    Column("started", Boolean, nullable=False),
    CheckConstraint("format IN ('csv', 'jsonl', 'parquet')", name="format"),
    CheckConstraint("mode IN ('rest', 'all')", name="mode"),
    Index("imports_expires_at_idx", "expires_at"),
)

import_parts = Table(
    "import_parts",
    metadata,
    Column("job_id", UUID(as_uuid=True), ForeignKey("imports.job_id", ondelete="CASCADE"), primary_key=True),
    Column("part_no", Integer, primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
)

# Whose rows they are is not said: what stood in a personal field is not kept.
import_problems = Table(
    "import_problems",
    metadata,
    Column("job_id", UUID(as_uuid=True), ForeignKey("imports.job_id", ondelete="CASCADE"), primary_key=True),
    Column("line", BigInteger, primary_key=True),
    Column("column_name", Text, nullable=False),
    Column("value", Text),
    Column("code", Text, nullable=False),
    Column("pointer", Text),
    Column("data", Text, nullable=False),
)
