"""When books became part of others and their own again, as rows of their own; no books are part of themselves.

Revision: 0032, after 0031.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table. Refused where members were merged before it: nothing would say when."""
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM member_merges) OR EXISTS "
        "(SELECT FROM member_books WHERE merged_into IS NOT NULL) THEN "
        "RAISE EXCEPTION 'members were merged before their joinings were written down: take a fresh database'; "
        "END IF; END $$"
    )
    op.create_table(
        "book_joinings",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("merge_id", UUID(as_uuid=True), nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("other_id", UUID(as_uuid=True), nullable=False),
        sa.Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "seq", name="book_joinings_pkey"),
        sa.UniqueConstraint("member_id", "merge_id", "step", name="book_joinings_member_id_merge_id_step_key"),
        sa.CheckConstraint("step IN ('joined', 'parted')", name="book_joinings_step_check"),
        sa.CheckConstraint("role IN ('survivor', 'absorbed')", name="book_joinings_role_check"),
        sa.CheckConstraint("other_id <> member_id", name="book_joinings_two_check"),
    )
    op.execute(
        "ALTER TABLE member_books ADD CONSTRAINT member_books_merged_into_others_check "
        "CHECK (merged_into <> member_id) NOT VALID"
    )
    op.execute("ALTER TABLE member_books VALIDATE CONSTRAINT member_books_merged_into_others_check")


def downgrade() -> None:
    """Take it back."""
    op.drop_constraint("member_books_merged_into_others_check", "member_books")
    op.drop_table("book_joinings")
