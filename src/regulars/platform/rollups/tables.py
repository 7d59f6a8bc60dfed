"""How far each roll-up has come, and which of its days changed when."""

from sqlalchemy import Column, Date, Index, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from regulars.platform.db.schema import metadata

rollups = Table(
    "rollups",
    metadata,
    Column("name", Text, primary_key=True),
    Column("as_of", TIMESTAMP(timezone=True), nullable=False),
    Column("computed_at", TIMESTAMP(timezone=True), nullable=False),
)

rollup_days = Table(
    "rollup_days",
    metadata,
    Column("name", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("changed_at", TIMESTAMP(timezone=True), nullable=False),
    Index("rollup_days_name_changed_at_idx", "name", "changed_at"),
)
