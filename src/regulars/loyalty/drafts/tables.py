"""Tables of drafts: how each stands, and everything that it ever said.

What a draft said is never changed, and a draft that is over stays as it is; the database refuses it (migration 0025).
"""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

policy_drafts = Table(
    "policy_drafts",
    metadata,
    Column("draft_id", UUID(as_uuid=True), primary_key=True),
    Column("state", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    Column("proposed_for", TIMESTAMP(timezone=True)),
    Column("proposed_by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("version", Integer, ForeignKey("loyalty_policies.version")),
    Column("based_on", Integer),
    CheckConstraint("state IN ('draft', 'proposed', 'scheduled', 'abandoned')", name="state"),
    CheckConstraint("(state = 'proposed') = (proposed_for IS NOT NULL)", name="proposed_for"),
    CheckConstraint("(state = 'scheduled') = (version IS NOT NULL)", name="version"),
    CheckConstraint("revision >= 1", name="revision"),
    Index("policy_drafts_created_at_idx", "created_at", "draft_id"),
)

policy_draft_revisions = Table(
    "policy_draft_revisions",
    metadata,
    Column("draft_id", UUID(as_uuid=True), ForeignKey("policy_drafts.draft_id"), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", TIMESTAMP(timezone=True), nullable=False),
)
