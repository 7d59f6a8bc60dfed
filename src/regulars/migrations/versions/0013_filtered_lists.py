"""Lists that are narrowed: orders by shop, channel, state, or of which something came back; members by tier and place.

Revision: 0013, after 0012. Each index serves its filter in the order of the list. Those of orders cost an order a few
microseconds, and a posting nothing. Books carry the day on which their member signed up, which never changes, so that
a tier is listed without reading everybody; of who is in the lowest tier no index keeps anything. Until every process is
of this release, books that others open take the moment for that day.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every index."""
    op.create_index("orders_store_id_occurred_at_order_id_idx", "orders", ["store_id", "occurred_at", "order_id"])
    op.create_index("orders_channel_occurred_at_order_id_idx", "orders", ["channel", "occurred_at", "order_id"])
    op.create_index(
        "orders_unpaid_idx",
        "orders",
        ["state", "occurred_at", "order_id"],
        postgresql_where=sa.text("state IN ('open', 'placed', 'cancelled')"),
    )
    op.create_index(
        "orders_returned_idx", "orders", ["occurred_at", "order_id"], postgresql_where=sa.text("returned_minor > 0")
    )
    for column in ("market", "store_id"):
        op.create_index(
            f"members_{column}_signed_up_at_member_id_idx", "members", [column, "signed_up_at", "member_id"]
        )
    op.add_column("member_books", sa.Column("signed_up_at", TIMESTAMP(timezone=True)))
    op.execute(
        "UPDATE member_books AS b SET signed_up_at = m.signed_up_at FROM members AS m WHERE m.member_id = b.member_id"
    )
    op.alter_column("member_books", "signed_up_at", nullable=False)
    op.create_index(
        "member_books_tier_idx",
        "member_books",
        ["tier", "signed_up_at", "member_id"],
        postgresql_where=sa.text("tier > 0"),
    )


def downgrade() -> None:
    """Drop every index."""
    op.drop_index("member_books_tier_idx", "member_books")
    op.drop_column("member_books", "signed_up_at")
    for column in ("market", "store_id"):
        op.drop_index(f"members_{column}_signed_up_at_member_id_idx", "members")
    for name in ("returned", "unpaid", "channel_occurred_at_order_id", "store_id_occurred_at_order_id"):
        op.drop_index(f"orders_{name}_idx", "orders")
