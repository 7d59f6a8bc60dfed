"""Indexes of who is part of others, and of whose books lead elsewhere.

Revision: 0046, after 0042. Made beside all that is written meanwhile: each reads every row of a table that every
posting or sign-in needs. Where an earlier form of 0030 and 0033 made them they are made again.
"""

from alembic import op

revision = "0046"
down_revision = "0042"
branch_labels = None
depends_on = None

_INDEXES = (
    ("members_merged_into_idx", "members (merged_into) WHERE merged_into IS NOT NULL"),
    ("member_books_elsewhere_idx", "member_books (member_id) WHERE merged_into IS NOT NULL OR has_forwards"),
)


def upgrade() -> None:
    """Make both; one that an attempt left half made is made again."""
    with op.get_context().autocommit_block():
        for name, what in _INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {what}")


def downgrade() -> None:
    """Take them back."""
    with op.get_context().autocommit_block():
        for name, _ in _INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
