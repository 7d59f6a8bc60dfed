"""Policies as versioned data: drafts, withdrawals, and versions that the database refuses to change.

Revision: 0025, after 0024.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)
GUARDED = ("loyalty_policies", "policy_withdrawals", "policy_draft_revisions")


def upgrade() -> None:
    """Add what a version says of itself, three tables, and the guards."""
    for column in ("name", "scheduled_by", "approved_by", "reason"):
        op.add_column("loyalty_policies", sa.Column(column, sa.Text, nullable=False, server_default=sa.text("''")))
    op.create_unique_constraint(
        "loyalty_policies_version_active_from_key", "loyalty_policies", ["version", "active_from"]
    )
    op.create_table(
        "policy_withdrawals",
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("active_from", INSTANT, nullable=False),
        sa.Column("withdrawn_at", INSTANT, nullable=False),
        sa.Column("withdrawn_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("version", name="policy_withdrawals_pkey"),
        sa.ForeignKeyConstraint(
            ["version", "active_from"],
            ["loyalty_policies.version", "loyalty_policies.active_from"],
            name="policy_withdrawals_version_active_from_fkey",
        ),
        sa.CheckConstraint("withdrawn_at < active_from", name="policy_withdrawals_before_its_instant_check"),
    )
    op.create_table(
        "policy_drafts",
        sa.Column("draft_id", UUID(as_uuid=True), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("proposed_for", INSTANT),
        sa.Column("proposed_by", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("version", sa.Integer),
        sa.PrimaryKeyConstraint("draft_id", name="policy_drafts_pkey"),
        sa.ForeignKeyConstraint(["version"], ["loyalty_policies.version"], name="policy_drafts_version_fkey"),
        sa.CheckConstraint(
            "state IN ('draft', 'proposed', 'scheduled', 'abandoned')", name="policy_drafts_state_check"
        ),
        sa.CheckConstraint(
            "(state = 'proposed') = (proposed_for IS NOT NULL)", name="policy_drafts_proposed_for_check"
        ),
        sa.CheckConstraint("(state = 'scheduled') = (version IS NOT NULL)", name="policy_drafts_version_check"),
        sa.CheckConstraint("revision >= 1", name="policy_drafts_revision_check"),
    )
    op.create_index("policy_drafts_created_at_idx", "policy_drafts", ["created_at", "draft_id"])
    op.create_table(
        "policy_draft_revisions",
        sa.Column("draft_id", UUID(as_uuid=True), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("draft_id", "revision", name="policy_draft_revisions_pkey"),
        sa.ForeignKeyConstraint(["draft_id"], ["policy_drafts.draft_id"], name="policy_draft_revisions_draft_id_fkey"),
    )
    guard()


def guard() -> None:
    """Let the database refuse what the code never does: a version, a withdrawal, what a draft said, change or go."""
    op.execute(
        """
        CREATE FUNCTION refuse_policy_change() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN RAISE 'what a policy says is never changed or deleted' USING ERRCODE = 'restrict_violation'; END$$
        """
    )
    for table in GUARDED:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_policy_change()"
        )
    op.execute(
        "CREATE TRIGGER policy_drafts_kept BEFORE DELETE OR TRUNCATE ON policy_drafts "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_policy_change()"
    )
    op.execute(
        "CREATE TRIGGER policy_drafts_over BEFORE UPDATE ON policy_drafts "
        "FOR EACH ROW WHEN (OLD.state IN ('scheduled', 'abandoned')) EXECUTE FUNCTION refuse_policy_change()"
    )


def downgrade() -> None:
    """Take it all back; versions that were withdrawn would count again, so there must be none."""
    op.execute("DO $$BEGIN ASSERT NOT EXISTS (SELECT FROM policy_withdrawals); END$$")
    op.execute("DROP TRIGGER loyalty_policies_append_only ON loyalty_policies")
    for table in ("policy_draft_revisions", "policy_drafts", "policy_withdrawals"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_policy_change")
    op.drop_constraint("loyalty_policies_version_active_from_key", "loyalty_policies")
    for column in ("reason", "approved_by", "scheduled_by", "name"):
        op.drop_column("loyalty_policies", column)
