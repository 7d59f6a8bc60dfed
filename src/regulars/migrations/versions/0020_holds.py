"""Holds: points kept for a purpose until a deadline.

Revision: 0020, after 0019.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Add three tables, and to a book when the first of its holds is over."""
    op.add_column("member_books", sa.Column("hold_until", INSTANT))
    op.create_index(
        "member_books_hold_until_idx",
        "member_books",
        ["hold_until"],
        postgresql_where=sa.text("hold_until IS NOT NULL"),
    )
    create_holds()
    create_hold_lots()
    create_hold_ends()


def create_holds() -> None:
    op.create_table(
        "holds",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("hold_id", UUID(as_uuid=True), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("wallet_id", sa.SmallInteger, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("placed_at", INSTANT, nullable=False),
        sa.Column("deadline", INSTANT, nullable=False),
        sa.Column("command_hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("member_id", "hold_id", name="holds_pkey"),
        sa.UniqueConstraint("member_id", "seq", name="holds_member_id_seq_key"),
        sa.CheckConstraint("amount > 0", name="holds_amount_check"),
        sa.CheckConstraint("placed_at < deadline", name="holds_life_check"),
    )


def create_hold_lots() -> None:
    op.create_table(
        "hold_lots",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("hold_id", UUID(as_uuid=True), nullable=False),
        sa.Column("part_no", sa.Integer, nullable=False),
        sa.Column("lot_no", sa.BigInteger, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("member_id", "hold_id", "part_no", name="hold_lots_pkey"),
        sa.CheckConstraint("amount > 0", name="hold_lots_amount_check"),
    )
    op.create_index("hold_lots_lot_no_idx", "hold_lots", ["member_id", "lot_no"])


def create_hold_ends() -> None:
    op.create_table(
        "hold_ends",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("hold_id", UUID(as_uuid=True), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("how", sa.Text, nullable=False),
        sa.Column("posted", sa.BigInteger, nullable=False),
        sa.Column("transfer_seq", sa.BigInteger),
        sa.Column("expire_seq", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("effective_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("member_id", "hold_id", name="hold_ends_pkey"),
        sa.CheckConstraint("how IN ('posted', 'voided', 'timed_out')", name="hold_ends_how_check"),
        sa.CheckConstraint(
            "(posted > 0) = (how = 'posted') AND (posted > 0) = (transfer_seq IS NOT NULL)",
            name="hold_ends_posted_check",
        ),
    )
    op.create_index("hold_ends_seq_idx", "hold_ends", ["member_id", "seq"])


def downgrade() -> None:
    """Take it all back; what was posted stays in the books."""
    op.drop_table("hold_ends")
    op.drop_table("hold_lots")
    op.drop_table("holds")
    op.drop_index("member_books_hold_until_idx", "member_books")
    op.drop_column("member_books", "hold_until")
