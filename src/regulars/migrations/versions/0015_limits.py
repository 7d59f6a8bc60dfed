"""Limits that leak: attempts are counted in parts. A sign-in under way at the identity provider needs no row any more.

Revision: 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the type; drop the table."""
    op.alter_column("attempts", "attempts", type_=sa.Double, existing_nullable=False)
    op.drop_table("staff_oidc_flows")


def downgrade() -> None:
    """Take both back; what is under way is lost."""
    op.create_table(
        "staff_oidc_flows",
        sa.Column("state_hash", sa.LargeBinary, nullable=False),
        sa.Column("browser_hash", sa.LargeBinary, nullable=False),
        sa.Column("sealed_flow", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name="staff_oidc_flows_pkey"),
    )
    op.create_index("staff_oidc_flows_expires_at_idx", "staff_oidc_flows", ["expires_at"])
    op.alter_column("attempts", "attempts", type_=sa.Integer, existing_nullable=False)
