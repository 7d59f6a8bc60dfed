"""Exports are chosen by store, channel and wallet.

Revision: 0059, after 0058.
"""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns: those that the release before begins are chosen by none of it."""
    for name in ("store_id", "channel", "wallet"):
        op.add_column("exports", sa.Column(name, sa.Text))


def downgrade() -> None:
    """Take them back."""
    for name in ("store_id", "channel", "wallet"):
        op.drop_column("exports", name)
