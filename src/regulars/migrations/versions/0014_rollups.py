"""Roll-ups: sums of local days of sales, bookings, tiers and sign-ups.

Revision: 0014, after 0013. They are filled by the first run of their jobs. Tier changes get a block range index, as
transfers have: they come in in the order of their times, and few a member and year.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)
TABLES = (
    "bought_again",
    "returns_days",
    "store_sales_days",
    "sales_days",
    "tier_days",
    "points_days",
    "joined_days",
    "rollup_days",
    "rollups",
)


def upgrade() -> None:
    """Create everything."""
    _progress()
    _sales()
    _books()
    op.create_index(
        "tier_changes_recorded_at_idx",
        "tier_changes",
        ["recorded_at"],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": "16"},
    )


def _progress() -> None:
    op.create_table(
        "rollups",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("computed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="rollups_pkey"),
    )
    op.create_table(
        "rollup_days",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", "day", name="rollup_days_pkey"),
    )
    op.create_index("rollup_days_name_changed_at_idx", "rollup_days", ["name", "changed_at"])


def _sales() -> None:
    op.create_table(
        "sales_days",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("orders", sa.Integer, nullable=False),
        sa.Column("revenue_minor", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("day", "market", "currency", "channel", name="sales_days_pkey"),
    )
    op.create_table(
        "store_sales_days",
        sa.Column("store_id", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("orders", sa.Integer, nullable=False),
        sa.Column("revenue_minor", sa.BigInteger, nullable=False),
        sa.Column("returned_minor", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("store_id", "day", "market", "currency", "channel", name="store_sales_days_pkey"),
    )
    op.create_index("store_sales_days_day_idx", "store_sales_days", ["day"])
    op.create_table(
        "returns_days",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("store_id", sa.Text, nullable=False),
        sa.Column("returns", sa.Integer, nullable=False),
        sa.Column("returned_minor", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("day", "market", "currency", "store_id", name="returns_days_pkey"),
    )
    op.create_table(
        "bought_again",
        sa.Column("next_day", sa.Date, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("members", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("next_day", "day", name="bought_again_pkey"),
    )


def _books() -> None:
    op.create_table(
        "points_days",
        sa.Column("wallet_id", sa.SmallInteger, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("transfers", sa.Integer, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("debt_change", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("wallet_id", "day", "market", "kind", name="points_days_pkey"),
    )
    op.create_table(
        "tier_days",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("tier", sa.SmallInteger, nullable=False),
        sa.Column("change", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("day", "market", "tier", name="tier_days_pkey"),
    )
    op.create_table(
        "joined_days",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("members", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("day", "market", name="joined_days_pkey"),
    )


def downgrade() -> None:
    """Drop everything."""
    op.drop_index("tier_changes_recorded_at_idx", "tier_changes")
    for table in TABLES:
        op.drop_table(table)
