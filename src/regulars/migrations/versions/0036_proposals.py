"""Members who may be one person: what speaks for it, what came of it, and the rules by which that is told.

Revision: 0036, after 0035.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)
PROPOSALS = "merge_proposals"


def upgrade() -> None:
    """Add proposals, what speaks for them, and the versions of the rules."""
    op.create_table(
        "identity_rules",
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("version", name="identity_rules_pkey"),
        sa.CheckConstraint("version > 0", name="identity_rules_version_check"),
    )
    _add_proposals()
    op.create_table(
        "merge_evidence",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("proposal_id", UUID(as_uuid=True), nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("other_kind", sa.Text, nullable=False),
        sa.Column("identity_id", UUID(as_uuid=True)),
        sa.Column("other_identity_id", UUID(as_uuid=True)),
        sa.Column("seen_count", sa.Integer, nullable=False),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.Column("rules_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("member_id", "proposal_id", "rule", "kind", "other_kind", name="merge_evidence_pkey"),
        sa.CheckConstraint("rule IN ('named_together', 'value_of_other')", name="merge_evidence_rule_check"),
        sa.CheckConstraint("seen_count > 0", name="merge_evidence_seen_check"),
    )


def _add_proposals() -> None:
    op.create_table(
        PROPOSALS,
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("proposal_id", UUID(as_uuid=True), nullable=False),
        sa.Column("other_id", UUID(as_uuid=True), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("rank", sa.SmallInteger, nullable=False),
        sa.Column("seen_count", sa.Integer, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.Column("examine_at", INSTANT),
        sa.Column("for_staff", sa.Text),
        sa.Column("obstacle", sa.Text),
        sa.Column("ended_at", INSTANT),
        sa.Column("ended_by", sa.Text),
        sa.Column("end_reason", sa.Text),
        sa.Column("merge_id", UUID(as_uuid=True)),
        sa.Column("opened_by_merge", UUID(as_uuid=True)),
        sa.PrimaryKeyConstraint("member_id", "proposal_id", name="merge_proposals_pkey"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="merge_proposals_member_id_fkey"),
        sa.CheckConstraint("member_id < other_id", name="merge_proposals_two_check"),
        sa.CheckConstraint(
            "state IN ('open', 'confirmed', 'automatic', 'done', 'dismissed', 'superseded', 'undone')",
            name="merge_proposals_state_check",
        ),
        sa.CheckConstraint(
            "(state = 'open') = (ended_at IS NULL) AND (state = 'open') = (ended_by IS NULL)",
            name="merge_proposals_ended_check",
        ),
        sa.CheckConstraint(
            "state NOT IN ('confirmed', 'automatic', 'done', 'superseded', 'undone') OR merge_id IS NOT NULL",
            name="merge_proposals_merge_check",
        ),
        sa.CheckConstraint("seen_count > 0", name="merge_proposals_seen_check"),
    )
    op.create_index(
        "merge_proposals_member_id_other_id_key",
        PROPOSALS,
        ["member_id", "other_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("merge_proposals_other_id_idx", PROPOSALS, ["other_id"])
    op.create_index("merge_proposals_proposal_id_idx", PROPOSALS, ["proposal_id"])
    op.create_index("merge_proposals_last_seen_at_idx", PROPOSALS, ["last_seen_at", "proposal_id"])
    op.create_index("merge_proposals_state_last_seen_at_idx", PROPOSALS, ["state", "last_seen_at", "proposal_id"])
    op.create_index(
        "merge_proposals_examine_at_idx",
        PROPOSALS,
        ["examine_at"],
        postgresql_where=sa.text("state = 'open' AND examine_at IS NOT NULL"),
    )
    op.create_index(
        "merge_proposals_merge_id_idx", PROPOSALS, ["merge_id"], postgresql_where=sa.text("merge_id IS NOT NULL")
    )


def downgrade() -> None:
    """Take it all back."""
    for table in ("merge_evidence", PROPOSALS, "identity_rules"):
        op.drop_table(table)
