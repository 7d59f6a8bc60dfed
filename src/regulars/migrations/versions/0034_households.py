"""Households: who lives together, who is the head, and every change since.

Revision: 0034, after 0033.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)
KINDS = "kind IN ('formed', 'joined', 'left', 'head_changed', 'renamed', 'dissolved', 'revived')"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "households",
        sa.Column("household_id", UUID(as_uuid=True), nullable=False),
        sa.Column("head_id", UUID(as_uuid=True)),
        sa.Column("last_change", sa.Integer, nullable=False),
        sa.Column("sealed_name", sa.LargeBinary),
        sa.Column("name_of", UUID(as_uuid=True)),
        sa.Column("formed_at", INSTANT, nullable=False),
        sa.Column("dissolved_at", INSTANT),
        sa.PrimaryKeyConstraint("household_id", name="households_pkey"),
        sa.CheckConstraint("(head_id IS NULL) = (dissolved_at IS NOT NULL)", name="households_head_check"),
        sa.CheckConstraint("(sealed_name IS NULL) = (name_of IS NULL)", name="households_name_check"),
        sa.CheckConstraint("last_change >= 1", name="households_last_change_check"),
    )
    op.create_index("households_head_id_idx", "households", ["head_id"])
    op.create_index("households_name_of_idx", "households", ["name_of"])
    op.create_table(
        "household_members",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("household_id", UUID(as_uuid=True), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("member_id", name="household_members_pkey"),
    )
    op.create_index("household_members_household_id_idx", "household_members", ["household_id"])
    op.create_table(
        "household_changes",
        sa.Column("household_id", UUID(as_uuid=True), nullable=False),
        sa.Column("change_no", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("member_id", UUID(as_uuid=True)),
        sa.Column("head_id", UUID(as_uuid=True)),
        sa.Column("since", INSTANT),
        sa.Column("merge_id", UUID(as_uuid=True)),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("household_id", "change_no", name="household_changes_pkey"),
        sa.CheckConstraint(KINDS, name="household_changes_kind_check"),
        sa.CheckConstraint(
            "(kind IN ('joined', 'left', 'head_changed')) = (member_id IS NOT NULL)",
            name="household_changes_member_check",
        ),
        sa.CheckConstraint("(kind IN ('joined', 'left')) = (since IS NOT NULL)", name="household_changes_since_check"),
    )
    op.create_index("household_changes_member_id_recorded_at_idx", "household_changes", ["member_id", "recorded_at"])


def downgrade() -> None:
    """Take them all away."""
    for table in ("household_changes", "household_members", "households"):
        op.drop_table(table)
