"""How far the booking of a version that came into force has come."""

from sqlalchemy import Column, ForeignKey, Integer, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

policy_arrivals = Table(
    "policy_arrivals",
    metadata,
    Column("version", Integer, ForeignKey("loyalty_policies.version"), primary_key=True, autoincrement=False),
    Column("begun_at", TIMESTAMP(timezone=True), nullable=False),
    Column("swept_to", UUID(as_uuid=True), nullable=False),
    Column("finished_at", TIMESTAMP(timezone=True)),
    Column("awaits", ARRAY(Text)),
)
