"""Bookings and returns in the order of their times, by indexes that keep it.

Revision: 0021, after 0020. The block range indexes found the days of a page, but every row of these days was read and
sorted for it. New rows have the latest time, so that they go to an index's last page.
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_LISTS = (
    ("ledger_transfers", "recorded_at", ["member_id", "seq"]),
    ("order_returns", "occurred_at", ["order_id", "return_id"]),
)


def upgrade() -> None:
    """Exchange both indexes."""
    for table, instant, rest in _LISTS:
        op.drop_index(f"{table}_{instant}_idx", table)
        op.create_index(f"{table}_{instant}_{'_'.join(rest)}_idx", table, [instant, *rest])


def downgrade() -> None:
    """Take the block range indexes again."""
    for table, instant, rest in _LISTS:
        op.drop_index(f"{table}_{instant}_{'_'.join(rest)}_idx", table)
        op.create_index(
            f"{table}_{instant}_idx",
            table,
            [instant],
            postgresql_using="brin",
            postgresql_with={"pages_per_range": "16"},
        )
