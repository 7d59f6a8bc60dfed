"""What a version does when it comes: it lifts who deserves more; and what a draft would do, member by member.

Revision: 0029, after 0028.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Add a column and two tables. Versions that are there came without lifting anybody, and stay so."""
    op.add_column("loyalty_policies", sa.Column("lifts", sa.Boolean, nullable=False, server_default=sa.text("false")))
    op.create_table(
        "policy_arrivals",
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("swept_to", UUID(as_uuid=True), nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("version", name="policy_arrivals_pkey"),
        sa.ForeignKeyConstraint(["version"], ["loyalty_policies.version"], name="policy_arrivals_version_fkey"),
    )
    op.execute(
        "INSERT INTO policy_arrivals (version, begun_at, swept_to, finished_at) "
        "SELECT version, active_from, '00000000-0000-0000-0000-000000000000', active_from FROM loyalty_policies"
    )
    op.create_table(
        "preview_members",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("preview_id", UUID(as_uuid=True), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("from_tier", sa.SmallInteger, nullable=False),
        sa.Column("to_tier", sa.SmallInteger, nullable=False),
        sa.Column("metric", sa.BigInteger, nullable=False),
        sa.Column("missing", sa.BigInteger),
        sa.Column("review_before", INSTANT),
        sa.Column("review_after", INSTANT),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("member_id", "preview_id", name="preview_members_pkey"),
        sa.CheckConstraint("kind IN ('rises', 'falls', 'stays', 'review')", name="preview_members_kind_check"),
    )
    op.create_index("preview_members_preview_id_member_id_idx", "preview_members", ["preview_id", "member_id"])


def downgrade() -> None:
    """Take it all back; tiers stay as they are."""
    op.drop_table("preview_members")
    op.drop_table("policy_arrivals")
    op.drop_column("loyalty_policies", "lifts")
