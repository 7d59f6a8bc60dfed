"""Lists of holds by how they ended, and of corrections by when their time is over.

Revision: 0028, after 0027.
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two indexes."""
    op.create_index("hold_ends_how_recorded_at_idx", "hold_ends", ["how", "recorded_at", "hold_id"])
    op.create_index("adjustment_requests_expires_at_idx", "adjustment_requests", ["expires_at", "request_id"])


def downgrade() -> None:
    """Take them back."""
    op.drop_index("adjustment_requests_expires_at_idx", "adjustment_requests")
    op.drop_index("hold_ends_how_recorded_at_idx", "hold_ends")
