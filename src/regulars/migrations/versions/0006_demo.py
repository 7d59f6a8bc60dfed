"""The demo's progress.

Revision: 0006, after 0005.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    op.execute("""
    CREATE TABLE replay_progress (
        replay TEXT NOT NULL,
        shard SMALLINT NOT NULL,
        facts_done BIGINT NOT NULL,
        CONSTRAINT replay_progress_pkey PRIMARY KEY (replay, shard)
    )
    """)


def downgrade() -> None:
    """Drop everything."""
    op.execute("DROP TABLE replay_progress")
