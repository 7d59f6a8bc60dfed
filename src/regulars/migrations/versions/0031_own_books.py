"""Indexes of whom time has something for leave out books that are part of others; their constraint holds for all rows.

Revision: 0031, after 0030. Nobody waits meanwhile: the indexes are made beside those in use, and validating needs no
lock that keeps a posting out.
"""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_NEW = (
    ("member_books_review_idx", "(review_at) WHERE review_at IS NOT NULL AND merged_into IS NULL"),
    ("member_books_policy_idx", "(policy_seen) WHERE tier > 0 AND merged_into IS NULL"),
)
_OLD = (
    ("member_books_review_at_idx", "(review_at) WHERE review_at IS NOT NULL"),
    ("member_books_policy_seen_idx", "(policy_seen) WHERE tier > 0"),
)


def upgrade() -> None:
    """Validate, and exchange both indexes."""
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE member_books VALIDATE CONSTRAINT member_books_merged_check")
    _exchange(_OLD, _NEW)


def downgrade() -> None:
    """Take the indexes of all books again."""
    _exchange(_NEW, _OLD)


def _exchange(old: tuple[tuple[str, str], ...], new: tuple[tuple[str, str], ...]) -> None:
    """Make indexes, then drop those that they replace; one that an attempt left half made is made again."""
    with op.get_context().autocommit_block():
        for name, what in new:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON member_books {what}")
        for name, _ in old:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
