"""For whom the booking of a version waits that came into force.

Revision: 0037, after 0036.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("policy_arrivals", sa.Column("awaits", ARRAY(sa.Text)))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("policy_arrivals", "awaits")
