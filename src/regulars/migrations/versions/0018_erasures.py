"""Erasures: who is to be erased and when; members who were; books that are closed.

Revision: 0018, after 0017.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Let members be erased."""
    op.drop_constraint("members_status_check", "members")
    op.create_check_constraint("members_status_check", "members", "status IN ('active', 'erased')")
    op.add_column("member_books", sa.Column("closed_at", INSTANT))
    op.create_table(
        "erasures",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("erasure_id", UUID(as_uuid=True), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("losses", sa.Text, nullable=False),
        sa.Column("begun_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("outcome", sa.Text),
        sa.PrimaryKeyConstraint("member_id", "erasure_id", name="erasures_pkey"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="erasures_member_id_fkey"),
        sa.CheckConstraint("outcome IN ('withdrawn', 'carried_out')", name="erasures_outcome_check"),
        sa.CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="erasures_ended_at_check"),
        sa.CheckConstraint("begun_at IS NULL OR outcome IS DISTINCT FROM 'withdrawn'", name="erasures_begun_at_check"),
    )
    op.create_index(
        "erasures_open_key", "erasures", ["member_id"], unique=True, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_index("erasures_due_at_idx", "erasures", ["due_at"], postgresql_where=sa.text("ended_at IS NULL"))
    op.create_index(
        "messages_bare_idx",
        "messages",
        ["message_id"],
        postgresql_where=sa.text("NOT to_member AND sealed_address IS NOT NULL"),
    )


def downgrade() -> None:
    """Take it back; refused by the check where somebody was erased, who cannot come back."""
    op.drop_index("messages_bare_idx", "messages")
    op.drop_table("erasures")
    op.drop_column("member_books", "closed_at")
    op.drop_constraint("members_status_check", "members")
    op.create_check_constraint("members_status_check", "members", "status IN ('active')")
