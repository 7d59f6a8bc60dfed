"""Roll-ups of the books by month and by five minutes, beside those by day; and of members with many transfers.

Revision: 0039, after 0038. Months are filled from the days that there are. The first run of the roll-up's job fills
everything anew: it reads under another name from now on, so that a job of the release before does no harm meanwhile.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "points_months",
        sa.Column("wallet_id", sa.SmallInteger, nullable=False),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("transfers", sa.BigInteger, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("debt_change", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("wallet_id", "month", "market", "kind", name="points_months_pkey"),
    )
    op.create_table(
        "points_minutes",
        sa.Column("began_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("wallet_id", sa.SmallInteger, nullable=False),
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("debt_change", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("began_at", "wallet_id", "market", "day", name="points_minutes_pkey"),
    )
    op.create_table(
        "book_sums",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("wallet_id", sa.SmallInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("transfers", sa.BigInteger, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("first_seq", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "seq", "wallet_id", "kind", name="book_sums_pkey"),
    )
    op.execute(
        "INSERT INTO points_months SELECT wallet_id, date_trunc('month', day)::date, market, kind, "
        "sum(transfers)::bigint, sum(units)::bigint, sum(debt_change)::bigint FROM points_days GROUP BY 1, 2, 3, 4"
    )


def downgrade() -> None:
    """Drop them, and where their roll-up had read to."""
    op.drop_table("book_sums")
    op.drop_table("points_minutes")
    op.drop_table("points_months")
    op.execute("DELETE FROM relay_cursors WHERE reader = 'roll-up of books, 2'")
