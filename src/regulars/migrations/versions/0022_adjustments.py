"""Adjustment requests: corrections that a second person approves or refuses.

Revision: 0022, after 0021.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Add two tables."""
    op.create_table(
        "adjustment_requests",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("request_id", UUID(as_uuid=True), nullable=False),
        sa.Column("wallet_id", sa.SmallInteger, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("policy_version", sa.Integer, nullable=False),
        sa.Column("command_hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("member_id", "request_id", name="adjustment_requests_pkey"),
        sa.CheckConstraint("amount <> 0", name="adjustment_requests_amount_check"),
        sa.CheckConstraint("asked_at < expires_at", name="adjustment_requests_life_check"),
    )
    op.create_index("adjustment_requests_asked_at_idx", "adjustment_requests", ["asked_at", "request_id"])
    op.create_table(
        "adjustment_answers",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("request_id", UUID(as_uuid=True), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("answered_by", sa.Text, nullable=False),
        sa.Column("answered_at", INSTANT, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("transfer_seq", sa.BigInteger),
        sa.PrimaryKeyConstraint("member_id", "request_id", name="adjustment_answers_pkey"),
        sa.CheckConstraint("answer IN ('approved', 'refused')", name="adjustment_answers_answer_check"),
        sa.CheckConstraint(
            "(answer = 'approved') = (transfer_seq IS NOT NULL)", name="adjustment_answers_transfer_seq_check"
        ),
    )


def downgrade() -> None:
    """Take it all back; what was approved stays in the books."""
    op.drop_table("adjustment_answers")
    op.drop_table("adjustment_requests")
