"""For whom the booking of a version waits that came into force.

Revision: 0036, after 0035.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("policy_arrivals", sa.Column("awaits", ARRAY(sa.Text)))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("policy_arrivals", "awaits")
