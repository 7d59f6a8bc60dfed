"""Exports, and the parts of their files.

Revision: 0056, after 0055.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "exports",
        sa.Column("job_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("columns", ARRAY(sa.Text), nullable=False),
        sa.Column("personal", sa.Boolean, nullable=False),
        sa.Column("since", INSTANT),
        sa.Column("until", INSTANT),
        sa.Column("market", sa.Text),
        sa.Column("begun_by", sa.Text, nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("as_of", INSTANT),
    )
    op.create_index("exports_expires_at_idx", "exports", ["expires_at"])
    op.create_index("exports_begun_at_idx", "exports", ["begun_at", "job_id"])
    op.create_table(
        "export_parts",
        sa.Column("job_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("part_no", sa.Integer, primary_key=True),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["exports.job_id"], ondelete="CASCADE"),
    )


def downgrade() -> None:
    """Take them back."""
    for table in ("export_parts", "exports"):
        op.drop_table(table)
