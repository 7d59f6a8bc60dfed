"""Forwards: what was addressed to a member and stands in the books of another.

Revision: 0033, after 0032.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and what tells whose books lead elsewhere; its index comes with 0046, beside the postings."""
    op.add_column(
        "member_books", sa.Column("has_forwards", sa.Boolean, nullable=False, server_default=sa.text("false"))
    )
    op.create_table(
        "ledger_forwards",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("to_member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "kind", "name", name="ledger_forwards_pkey"),
        sa.CheckConstraint("kind IN ('posting', 'hold', 'order')", name="ledger_forwards_kind_check"),
        sa.CheckConstraint("to_member_id <> member_id", name="ledger_forwards_elsewhere_check"),
    )


def downgrade() -> None:
    """Take it back. Refused while there are any: what they name would be posted again."""
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM ledger_forwards) THEN "
        "RAISE EXCEPTION 'facts of merged members would be forgotten'; END IF; END $$"
    )
    op.drop_table("ledger_forwards")
    op.drop_column("member_books", "has_forwards")
