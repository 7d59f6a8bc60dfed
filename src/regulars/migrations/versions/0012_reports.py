"""Reports: figures computed in the background.

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "reports",
        sa.Column("report_id", UUID(as_uuid=True), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("question", sa.Text(collation="C"), nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("all_of_it", sa.BigInteger, nullable=False),
        sa.Column("carry", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("result", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("began_at", INSTANT),
        sa.Column("as_of", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.PrimaryKeyConstraint("report_id", name="reports_pkey"),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="reports_state_check"),
        sa.CheckConstraint("(state = 'done') = (result IS NOT NULL)", name="reports_result_check"),
        sa.CheckConstraint("(state IN ('queued', 'running')) = (ended_at IS NULL)", name="reports_ended_at_check"),
    )
    still_open = sa.text("state IN ('queued', 'running')")
    op.create_index("reports_open_key", "reports", ["question"], unique=True, postgresql_where=still_open)
    op.create_index("reports_question_asked_at_idx", "reports", ["question", "asked_at"])
    op.create_index("reports_kind_asked_at_idx", "reports", ["kind", "asked_at"])
    op.create_table(
        "report_cancellations",
        sa.Column("report_id", UUID(as_uuid=True), nullable=False),
        sa.Column("cancelled_by", sa.Text, nullable=False),
        sa.Column("cancelled_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("report_id", name="report_cancellations_pkey"),
        sa.ForeignKeyConstraint(
            ["report_id"], ["reports.report_id"], name="report_cancellations_report_id_fkey", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    """Drop everything."""
    op.drop_table("report_cancellations")
    op.drop_table("reports")
