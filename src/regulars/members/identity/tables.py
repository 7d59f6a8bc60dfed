"""Members, and the values that point to them."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

members = Table(
    "members",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("status", Text, nullable=False),
    Column("market", Text, ForeignKey("markets.code"), nullable=False),
    Column("language", Text, nullable=False),
    Column("signed_up_at", TIMESTAMP(timezone=True), nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    Column("written_at", TIMESTAMP(timezone=True), nullable=False),
    Column("channel", Text, nullable=False),
    Column("store_id", Text),
    Column("merged_into", UUID(as_uuid=True)),  # who this member is now; never one who was merged again
    CheckConstraint("status IN ('active', 'erased')", name="status"),
    Index("members_merged_into_idx", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
    Index("members_signed_up_at_member_id_idx", "signed_up_at", "member_id"),
    Index("members_market_signed_up_at_member_id_idx", "market", "signed_up_at", "member_id"),
    Index("members_store_id_signed_up_at_member_id_idx", "store_id", "signed_up_at", "member_id"),
)

# A value belongs to one member: unique by its blind index (which covers the kind), and distributed by it.
identities = Table(
    "identities",
    metadata,
    Column("blind_index", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("member_id", UUID(as_uuid=True), nullable=False),
)

# The same from the member's side, with the value itself, sealed under the member's key; distributed by the member.
member_identities = Table(
    "member_identities",
    metadata,
    Column("member_id", UUID(as_uuid=True), ForeignKey("members.member_id"), primary_key=True),
    Column("identity_id", UUID(as_uuid=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("blind_index", LargeBinary, nullable=False),
    Column("sealed_value", LargeBinary, nullable=False),
    Column("added_at", TIMESTAMP(timezone=True), nullable=False),
    Column("verified_at", TIMESTAMP(timezone=True)),
    Index("member_identities_member_id_blind_index_key", "member_id", "blind_index", unique=True),
    CheckConstraint("kind IN ('phone', 'email', 'card', 'external', 'openid')", name="kind"),
)

# Which vault holds the keys and the pepper of this database: one row.
member_vault = Table(
    "member_vault",
    metadata,
    Column("only_row", SmallInteger, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    CheckConstraint("only_row = 1", name="only_row"),
)
