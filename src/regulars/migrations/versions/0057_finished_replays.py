"""What a finished replay of the demo came to.

Revision: 0057, after 0056.
"""

from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; a replay that was finished before is walked once more, and then recorded."""
    op.execute("""
    CREATE TABLE finished_replays (
        replay TEXT NOT NULL,
        input TEXT NOT NULL,
        figures JSONB NOT NULL,
        books_balanced BOOLEAN NOT NULL,
        CONSTRAINT finished_replays_pkey PRIMARY KEY (replay)
    )
    """)


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE finished_replays")
