"""What closed months held for a purpose; how far members were told of expiry, by how many days before; lists of holds.

Revision: 0023, after 0022.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two columns and two indexes. A place for notices so far (days 0) goes on for all that begin after it."""
    op.add_column("finance_balances", sa.Column("held", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.add_column("expiry_notices", sa.Column("days", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.drop_constraint("expiry_notices_pkey", "expiry_notices")
    op.create_primary_key("expiry_notices_pkey", "expiry_notices", ["time_zone", "days"])
    op.create_index("holds_placed_at_idx", "holds", ["placed_at", "hold_id"])
    op.create_index("holds_deadline_idx", "holds", ["deadline", "hold_id"])


def downgrade() -> None:
    """Take it all back; the longest step goes on."""
    op.drop_index("holds_deadline_idx", "holds")
    op.drop_index("holds_placed_at_idx", "holds")
    op.drop_constraint("expiry_notices_pkey", "expiry_notices")
    op.execute(
        "DELETE FROM expiry_notices AS e WHERE days < (SELECT max(o.days) FROM expiry_notices AS o "
        "WHERE o.time_zone = e.time_zone)"
    )
    op.drop_column("expiry_notices", "days")
    op.create_primary_key("expiry_notices_pkey", "expiry_notices", ["time_zone"])
    op.drop_column("finance_balances", "held")
