"""Merges: who became part of whom, how that came, and what was there before.

Revision: 0030, after 0029.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Add what leads from one member to another, and the table of merges; the index of members comes with 0046."""
    op.add_column("members", sa.Column("merged_into", UUID(as_uuid=True)))
    op.create_table(
        "member_merges",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("merge_id", UUID(as_uuid=True), nullable=False),
        sa.Column("survivor_id", UUID(as_uuid=True), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("told", sa.Text, nullable=False),
        sa.Column("sealed_before", sa.LargeBinary),
        sa.Column("undone_at", INSTANT),
        sa.Column("undone_by", sa.Text),
        sa.Column("undo_reason", sa.Text),
        sa.Column("undone", sa.Text),
        sa.PrimaryKeyConstraint("member_id", "merge_id", name="member_merges_pkey"),
        sa.CheckConstraint("member_id <> survivor_id", name="member_merges_two_check"),
        sa.CheckConstraint(
            "(undone_at IS NULL) = (undone_by IS NULL) AND (undone_at IS NULL) = (undo_reason IS NULL) "
            "AND (undone_at IS NULL) = (undone IS NULL)",
            name="member_merges_undone_check",
        ),
    )
    op.create_index(
        "member_merges_member_id_key",
        "member_merges",
        ["member_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_index("member_merges_survivor_id_recorded_at_idx", "member_merges", ["survivor_id", "recorded_at"])
    op.create_index("member_merges_merge_id_idx", "member_merges", ["merge_id"])


def downgrade() -> None:
    """Take it all back. Refused while members are merged: nobody would find them."""
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM members WHERE merged_into IS NOT NULL) THEN "
        "RAISE EXCEPTION 'undo every merge first'; END IF; END $$"
    )
    op.drop_table("member_merges")
    op.drop_column("members", "merged_into")
