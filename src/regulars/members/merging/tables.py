"""Merges: who became part of whom, by whom and why, what was there before, and how it was undone."""

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

# By the member who was absorbed. `told` and `undone` say what went over and back, in kinds and numbers; what was there
# before is sealed under the survivor's key, and forgotten with it.
member_merges = Table(
    "member_merges",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("merge_id", UUID(as_uuid=True), primary_key=True),
    Column("survivor_id", UUID(as_uuid=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    Column("written_at", TIMESTAMP(timezone=True), nullable=False),
    Column("told", Text, nullable=False),
    Column("sealed_before", LargeBinary),
    Column("undone_at", TIMESTAMP(timezone=True)),
    Column("undone_by", Text),
    Column("undo_reason", Text),
    Column("undone", Text),
    CheckConstraint("member_id <> survivor_id", name="two"),
    CheckConstraint(
        "(undone_at IS NULL) = (undone_by IS NULL) AND (undone_at IS NULL) = (undo_reason IS NULL) "
        "AND (undone_at IS NULL) = (undone IS NULL)",
        name="undone",
    ),
    Index("member_merges_member_id_key", "member_id", unique=True, postgresql_where=text("undone_at IS NULL")),
    Index("member_merges_survivor_id_recorded_at_idx", "survivor_id", "recorded_at"),
    Index("member_merges_merge_id_idx", "merge_id"),
)
