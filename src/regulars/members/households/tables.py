"""Households: what each is now, who lives in it now, and every change since it was formed.

Nobody lives in two: who lives where is kept by member, once. The rows of `household_changes` are only ever appended,
and the other two follow from them.
"""

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

# The row is the lock. The name is sealed under the key of `name_of`, who was the head when it was sealed last.
households = Table(
    "households",
    metadata,
    Column("household_id", UUID(as_uuid=True), primary_key=True),
    Column("head_id", UUID(as_uuid=True)),
    Column("last_change", Integer, nullable=False),
    Column("sealed_name", LargeBinary),
    Column("name_of", UUID(as_uuid=True)),
    Column("formed_at", TIMESTAMP(timezone=True), nullable=False),
    Column("dissolved_at", TIMESTAMP(timezone=True)),
    CheckConstraint("(head_id IS NULL) = (dissolved_at IS NOT NULL)", name="head"),
    CheckConstraint("(sealed_name IS NULL) = (name_of IS NULL)", name="name"),
    CheckConstraint("last_change >= 1", name="last_change"),
    Index("households_head_id_idx", "head_id"),
    Index("households_name_of_idx", "name_of"),
)

household_members = Table(
    "household_members",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("household_id", UUID(as_uuid=True), nullable=False),
    Column("since", TIMESTAMP(timezone=True), nullable=False),
    Index("household_members_household_id_idx", "household_id"),
)

household_changes = Table(
    "household_changes",
    metadata,
    Column("household_id", UUID(as_uuid=True), primary_key=True),
    Column("change_no", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("member_id", UUID(as_uuid=True)),
    Column("head_id", UUID(as_uuid=True)),
    Column("since", TIMESTAMP(timezone=True)),
    Column("merge_id", UUID(as_uuid=True)),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    Column("written_at", TIMESTAMP(timezone=True), nullable=False),
    CheckConstraint(
        "kind IN ('formed', 'joined', 'left', 'head_changed', 'renamed', 'dissolved', 'revived')", name="kind"
    ),
    CheckConstraint("(kind IN ('joined', 'left', 'head_changed')) = (member_id IS NOT NULL)", name="member"),
    CheckConstraint("(kind IN ('joined', 'left')) = (since IS NOT NULL)", name="since"),
    Index("household_changes_member_id_recorded_at_idx", "member_id", "recorded_at"),
)
