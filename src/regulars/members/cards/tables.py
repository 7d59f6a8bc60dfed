"""Card codes that were read, by member."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

used_card_codes = Table(
    "used_card_codes",
    metadata,
    Column("member_id", UUID(as_uuid=True), ForeignKey("members.member_id"), primary_key=True),
    Column("content", LargeBinary, primary_key=True),
    Column("expires_at", TIMESTAMP(timezone=True), nullable=False),
    Index(None, "expires_at"),
)
