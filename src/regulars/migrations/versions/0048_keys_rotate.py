"""Keys get new secrets beside the old ones, are bound to networks, and have limits of their own.

Revision: 0048, after 0047.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

CHECKS = {
    "previous_hash": "octet_length(previous_hash) = 32",
    "previous_until": "(previous_hash IS NULL) = (previous_until IS NULL)",
    "requests_per_second": "requests_per_second >= 0",
}


def upgrade() -> None:
    """Add the columns; keys that are there may be used from anywhere, as often as the deployment lets everybody."""
    op.add_column("api_keys", sa.Column("networks", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'")))
    op.add_column("api_keys", sa.Column("requests_per_second", sa.Integer))
    op.add_column("api_keys", sa.Column("rotated_at", TIMESTAMP(timezone=True)))
    op.add_column("api_keys", sa.Column("previous_hash", sa.LargeBinary))
    op.add_column("api_keys", sa.Column("previous_until", TIMESTAMP(timezone=True)))
    op.add_column("api_keys", sa.Column("rotated_by", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'")))
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"api_keys_{name}_check"), "api_keys", condition)


def downgrade() -> None:
    """Take them back: of two secrets the newer one stays."""
    for name in CHECKS:
        op.drop_constraint(op.f(f"api_keys_{name}_check"), "api_keys")
    for column in ("networks", "requests_per_second", "rotated_at", "previous_hash", "previous_until", "rotated_by"):
        op.drop_column("api_keys", column)
