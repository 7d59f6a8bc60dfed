"""What was kept in the clear of refused rows of imports goes.

Revision: 0054, after 0053.
"""

from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

# Names of columns were kept with these two; where a file's first line was missing, they were somebody's data.
NAMELESS = """
UPDATE jobs SET failure = '{"code":"file_unreadable","data":{"format":"csv"}}'
WHERE failure::jsonb ->> 'code' IN ('column_unknown', 'column_twice')
"""


def upgrade() -> None:
    """Forget it: the file, where it is still there, says it again."""
    op.execute("DELETE FROM import_problems")
    op.execute(NAMELESS)


def downgrade() -> None:
    """Forget what was sealed: the release before cannot open it."""
    op.execute("DELETE FROM import_problems")
