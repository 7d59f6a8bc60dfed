"""What each person corrects on a local day without a second one.

Revision: 0050, after 0049.
"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; it is written where the policy in force has a limit."""
    op.create_table(
        "corrections_alone",
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("person", "time_zone", "day", name="corrections_alone_pkey"),
        sa.CheckConstraint("units >= 0", name="corrections_alone_units_check"),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("corrections_alone")
