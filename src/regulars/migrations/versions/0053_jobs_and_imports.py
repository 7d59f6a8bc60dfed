"""Jobs with their progress, and imports with their files' parts and refused rows.

Revision: 0053, after 0052.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "jobs",
        sa.Column("job_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text(collation="C"), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("all_of_it", sa.BigInteger, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("carry", sa.Text, nullable=False),
        sa.Column("steps", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failure", sa.Text),
        sa.Column("began_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="jobs_state_check"),
        sa.CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="jobs_failure_check"),
        sa.CheckConstraint("(state IN ('queued', 'running')) = (ended_at IS NULL)", name="jobs_ended_at_check"),
    )
    op.create_index("jobs_asked_at_idx", "jobs", ["asked_at", "job_id"])
    op.create_index("jobs_asked_by_asked_at_idx", "jobs", ["asked_by", "asked_at", "job_id"])
    op.create_table(
        "job_cancellations",
        sa.Column("job_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("cancelled_by", sa.Text, nullable=False),
        sa.Column("cancelled_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], ondelete="CASCADE"),
    )
    _imports()


def _imports() -> None:
    op.create_table(
        "imports",
        sa.Column("job_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("mapping", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("dry_run", sa.Boolean, nullable=False),
        sa.Column("begun_by", sa.Text, nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("started", sa.Boolean, nullable=False),
        sa.CheckConstraint("format IN ('csv', 'jsonl', 'parquet')", name="imports_format_check"),
        sa.CheckConstraint("mode IN ('rest', 'all')", name="imports_mode_check"),
    )
    op.create_index("imports_expires_at_idx", "imports", ["expires_at"])
    op.create_table(
        "import_parts",
        sa.Column("job_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("part_no", sa.Integer, primary_key=True),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["imports.job_id"], ondelete="CASCADE"),
    )
    op.create_table(
        "import_problems",
        sa.Column("job_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("line", sa.BigInteger, primary_key=True),
        sa.Column("column_name", sa.Text, nullable=False),
        sa.Column("value", sa.Text),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("pointer", sa.Text),
        sa.Column("data", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["imports.job_id"], ondelete="CASCADE"),
    )


def downgrade() -> None:
    """Take them back."""
    for table in ("import_problems", "import_parts", "imports", "job_cancellations", "jobs"):
        op.drop_table(table)
