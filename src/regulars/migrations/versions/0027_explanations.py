"""Refusals with what they were decided by; what was taken from a lot, found by the lot.

Revision: 0027, after 0026.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Add a table and an index."""
    op.create_table(
        "refusals",
        sa.Column("refusal_no", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("request_id", sa.Text(collation="C"), nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("key_hash", sa.LargeBinary, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("pointer", sa.Text),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("refused_at", INSTANT, nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("refusal_no", name="refusals_pkey"),
    )
    op.create_index("refusals_request_id_idx", "refusals", ["request_id", "refusal_no"])
    op.create_index("refusals_key_hash_idx", "refusals", ["key_hash", "refusal_no"])
    op.create_index("refusals_written_at_idx", "refusals", ["written_at"], postgresql_using="brin")
    op.create_index("lot_uses_lot_no_idx", "lot_uses", ["member_id", "lot_no", "seq"])


def downgrade() -> None:
    """Take it all back; refusals are forgotten."""
    op.drop_index("lot_uses_lot_no_idx", "lot_uses")
    op.drop_table("refusals")
