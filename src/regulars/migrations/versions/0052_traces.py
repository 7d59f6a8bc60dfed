"""Events know the trace that they came of, where traces are wanted.

Revision: 0052, after 0051.
"""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, empty: no row is written anew."""
    for table in ("outbox", "webhook_events"):
        op.add_column(table, sa.Column("traceparent", sa.Text))


def downgrade() -> None:
    """Take them back."""
    for table in ("outbox", "webhook_events"):
        op.drop_column(table, "traceparent")
