"""For whom the booking of a version waits that came into force.

Revision: 0038, after 0037.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("policy_arrivals", sa.Column("awaits", ARRAY(sa.Text)))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("policy_arrivals", "awaits")
