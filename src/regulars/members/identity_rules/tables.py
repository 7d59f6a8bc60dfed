"""Rules about identities: versions, never edited."""

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from regulars.platform.db.schema import metadata

# Reference data. The version that is in force is the last one; none is version 0, which stands in the code.
identity_rules = Table(
    "identity_rules",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("rules", Text, nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    Column("written_at", TIMESTAMP(timezone=True), nullable=False),
    CheckConstraint("version > 0", name="version"),
)
