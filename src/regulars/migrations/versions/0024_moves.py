"""Books that are part of another's: whose, and by which merge.

Revision: 0024, after 0023.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what leads from one member's books to another's."""
    op.add_column("member_books", sa.Column("merged_into", UUID(as_uuid=True)))
    op.add_column("member_books", sa.Column("merged_by", UUID(as_uuid=True)))
    # Not looked for in what is there: that would keep everybody out meanwhile. A later revision does.
    op.create_check_constraint(
        "member_books_merged_check",
        "member_books",
        "(merged_into IS NULL) = (merged_by IS NULL)",
        postgresql_not_valid=True,
    )


def downgrade() -> None:
    """Take it back. Refused while books are part of others: what they stand for would be nobody's."""
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM member_books WHERE merged_into IS NOT NULL) THEN "
        "RAISE EXCEPTION 'undo every merge first'; END IF; END $$"
    )
    op.drop_constraint("member_books_merged_check", "member_books")
    op.drop_column("member_books", "merged_by")
    op.drop_column("member_books", "merged_into")
