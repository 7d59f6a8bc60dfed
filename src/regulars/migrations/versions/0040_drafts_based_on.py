"""Which version a draft was compared with: what came after it is not set back without a word.

Revision: 0040, after 0039.
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of drafts that are there nobody knows."""
    op.add_column("policy_drafts", sa.Column("based_on", sa.Integer))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("policy_drafts", "based_on")
