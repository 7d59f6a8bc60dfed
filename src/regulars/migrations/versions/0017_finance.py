"""Finance: closed months with their figures, balances, cohorts and digests.

Revision: 0017, after 0016.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)
TABLES = ("finance_cohorts", "finance_balances", "finance_figures", "finance_bounds", "finance_closes")


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "finance_closes",
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("awaits", ARRAY(sa.Text)),
        sa.Column("closed_at", INSTANT),
        sa.Column("written_at", INSTANT),
        sa.Column("transfers", sa.BigInteger),
        sa.Column("members", sa.BigInteger),
        sa.Column("parts", sa.LargeBinary),
        sa.Column("digest", sa.LargeBinary),
        sa.PrimaryKeyConstraint("month", name="finance_closes_pkey"),
        sa.CheckConstraint("extract(day FROM month) = 1", name="finance_closes_month_check"),
        sa.CheckConstraint(
            "num_nulls(closed_at, written_at, transfers, members, parts, digest) IN (0, 6)",
            name="finance_closes_closed_check",
        ),
        sa.CheckConstraint("length(parts) = 8192 AND length(digest) = 32", name="finance_closes_digest_check"),
    )
    op.create_table(
        "finance_bounds",
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("since", INSTANT),
        sa.Column("until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("month", "market", name="finance_bounds_pkey"),
        sa.CheckConstraint("since < until", name="finance_bounds_bounds_check"),
    )
    _what_was_kept()


def _what_was_kept() -> None:
    op.create_table(
        "finance_figures",
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("wallet_id", sa.SmallInteger, nullable=False),
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("account", sa.SmallInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("transfers", sa.BigInteger, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("debt_change", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("month", "wallet_id", "market", "account", "kind", name="finance_figures_pkey"),
    )
    op.create_table(
        "finance_balances",
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("wallet_id", sa.SmallInteger, nullable=False),
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("balance", sa.BigInteger, nullable=False),
        sa.Column("debt", sa.BigInteger, nullable=False),
        sa.Column("spendable", sa.BigInteger, nullable=False),
        sa.Column("pending", sa.BigInteger, nullable=False),
        sa.Column("run_out", sa.BigInteger, nullable=False),
        sa.Column("point_value_minor", sa.BigInteger),
        sa.Column("breakage", sa.Numeric(7, 6)),
        sa.CheckConstraint("breakage BETWEEN 0 AND 1", name="finance_balances_breakage_check"),
        sa.PrimaryKeyConstraint("month", "wallet_id", "market", name="finance_balances_pkey"),
    )
    op.create_table(
        "finance_cohorts",
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("wallet_id", sa.SmallInteger, nullable=False),
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("cohort", sa.Date, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("opened", sa.BigInteger, nullable=False),
        sa.Column("taken", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("month", "wallet_id", "market", "cohort", "kind", name="finance_cohorts_pkey"),
    )


def downgrade() -> None:
    """Drop everything."""
    for table in TABLES:
        op.drop_table(table)
