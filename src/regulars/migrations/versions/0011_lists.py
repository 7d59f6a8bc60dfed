"""Lists of the console: members and orders in the order of time, bookings of a period.

Revision: 0011, after 0010. Transfers, returns and orders come in nearly in the order of their times, so that a block
range index, which costs a write next to nothing, finds those of a period.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every index."""
    op.create_index("members_signed_up_at_member_id_idx", "members", ["signed_up_at", "member_id"])
    op.create_index("orders_occurred_at_order_id_idx", "orders", ["occurred_at", "order_id"])
    op.create_index(
        "ledger_transfers_recorded_at_idx",
        "ledger_transfers",
        ["recorded_at"],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": "16"},
    )
    op.create_index(
        "order_returns_occurred_at_idx",
        "order_returns",
        ["occurred_at"],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": "16"},
    )


def downgrade() -> None:
    """Drop every index."""
    op.drop_index("order_returns_occurred_at_idx", "order_returns")
    op.drop_index("ledger_transfers_recorded_at_idx", "ledger_transfers")
    op.drop_index("orders_occurred_at_order_id_idx", "orders")
    op.drop_index("members_signed_up_at_member_id_idx", "members")
