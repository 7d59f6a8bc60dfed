"""Points that members give to each other, and those that were taken back.

Revision: 0037, after 0036.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "point_transfers",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("transfer_id", UUID(as_uuid=True), nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("other_id", UUID(as_uuid=True), nullable=False),
        sa.Column("wallet_id", sa.SmallInteger, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.Text),
        sa.Column("command_hash", sa.LargeBinary),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("member_id", "transfer_id", name="point_transfers_pkey"),
        sa.CheckConstraint("amount > 0", name="point_transfers_amount_check"),
        sa.CheckConstraint("member_id <> other_id", name="point_transfers_two_check"),
        sa.CheckConstraint("side IN ('given', 'received')", name="point_transfers_side_check"),
        sa.CheckConstraint(
            "(side = 'given') = (reference IS NOT NULL) AND (reference IS NULL) = (command_hash IS NULL)",
            name="point_transfers_reference_check",
        ),
    )
    op.create_index(
        "point_transfers_member_id_reference_key",
        "point_transfers",
        ["member_id", "reference"],
        unique=True,
        postgresql_where=sa.text("reference IS NOT NULL"),
    )
    op.create_index("point_transfers_member_id_recorded_at_idx", "point_transfers", ["member_id", "recorded_at"])
    op.create_table(
        "point_transfer_reversals",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("transfer_id", UUID(as_uuid=True), nullable=False),
        sa.Column("returned", sa.BigInteger, nullable=False),
        sa.Column("covered", sa.BigInteger, nullable=False),
        sa.Column("shortfall", sa.BigInteger, nullable=False),
        sa.Column("expired", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("member_id", "transfer_id", name="point_transfer_reversals_pkey"),
    )


def downgrade() -> None:
    """Take them away; the moves that they tell of stay in the books."""
    op.drop_table("point_transfer_reversals")
    op.drop_table("point_transfers")
