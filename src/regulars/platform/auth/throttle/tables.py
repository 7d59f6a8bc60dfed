"""Attempts that were made, by kind and by whom. Local to the coordinator; the subject is a keyed hash."""

from sqlalchemy import CheckConstraint, Column, Double, Index, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from regulars.platform.db.schema import metadata

attempts = Table(
    "attempts",
    metadata,
    Column("bucket", Text, primary_key=True),
    Column("subject", LargeBinary, primary_key=True),
    Column("attempts", Double, nullable=False),
    Column("attempted_at", TIMESTAMP(timezone=True), nullable=False),
    Column("blocked_until", TIMESTAMP(timezone=True)),
    Index(None, "attempted_at"),
    CheckConstraint("attempts >= 0", name="attempts"),
)
