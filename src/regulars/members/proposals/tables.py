"""Proposals, by the member with the older id, and what speaks for them. Values stand in neither."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

merge_proposals = Table(
    "merge_proposals",
    metadata,
    Column("member_id", UUID(as_uuid=True), ForeignKey("members.member_id"), primary_key=True),
    Column("proposal_id", UUID(as_uuid=True), primary_key=True),
    Column("other_id", UUID(as_uuid=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("rank", SmallInteger, nullable=False),
    Column("seen_count", Integer, nullable=False),
    Column("opened_at", TIMESTAMP(timezone=True), nullable=False),
    Column("last_seen_at", TIMESTAMP(timezone=True), nullable=False),
    Column("examine_at", TIMESTAMP(timezone=True)),
    Column("for_staff", Text),
    Column("obstacle", Text),
    Column("ended_at", TIMESTAMP(timezone=True)),
    Column("ended_by", Text),
    Column("end_reason", Text),
    Column("merge_id", UUID(as_uuid=True)),
    Column("opened_by_merge", UUID(as_uuid=True)),
    CheckConstraint("member_id < other_id", name="two"),
    CheckConstraint(
        "state IN ('open', 'confirmed', 'automatic', 'done', 'dismissed', 'superseded', 'undone')", name="state"
    ),
    CheckConstraint("(state = 'open') = (ended_at IS NULL) AND (state = 'open') = (ended_by IS NULL)", name="ended"),
    CheckConstraint(
        "state NOT IN ('confirmed', 'automatic', 'done', 'superseded', 'undone') OR merge_id IS NOT NULL", name="merge"
    ),
    CheckConstraint("seen_count > 0", name="seen"),
    # One that is open for each two; whoever comes second adds to it.
    Index(
        "merge_proposals_member_id_other_id_key",
        "member_id",
        "other_id",
        unique=True,
        postgresql_where=text("state = 'open'"),
    ),
    Index("merge_proposals_other_id_idx", "other_id"),
    Index("merge_proposals_proposal_id_idx", "proposal_id"),
    Index("merge_proposals_last_seen_at_idx", "last_seen_at", "proposal_id"),
    Index("merge_proposals_state_last_seen_at_idx", "state", "last_seen_at", "proposal_id"),
    Index(
        "merge_proposals_examine_at_idx",
        "examine_at",
        postgresql_where=text("state = 'open' AND examine_at IS NOT NULL"),
    ),
    Index("merge_proposals_merge_id_idx", "merge_id", postgresql_where=text("merge_id IS NOT NULL")),
)

# At most one row for each rule and two kinds; which identities is that of the last time.
merge_evidence = Table(
    "merge_evidence",
    metadata,
    Column("member_id", UUID(as_uuid=True), primary_key=True),
    Column("proposal_id", UUID(as_uuid=True), primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("other_kind", Text, primary_key=True),
    Column("identity_id", UUID(as_uuid=True)),
    Column("other_identity_id", UUID(as_uuid=True)),
    Column("seen_count", Integer, nullable=False),
    Column("first_seen_at", TIMESTAMP(timezone=True), nullable=False),
    Column("last_seen_at", TIMESTAMP(timezone=True), nullable=False),
    Column("rules_version", Integer, nullable=False),
    CheckConstraint("rule IN ('named_together', 'value_of_other')", name="rule"),
    CheckConstraint("seen_count > 0", name="seen"),
)
