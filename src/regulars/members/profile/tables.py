"""What members tell about themselves: one sealed document each."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, LargeBinary, Table
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

member_profiles = Table(
    "member_profiles",
    metadata,
    Column("member_id", UUID(as_uuid=True), ForeignKey("members.member_id"), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("sealed_profile", LargeBinary, nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    CheckConstraint("version >= 1", name="version"),
)
