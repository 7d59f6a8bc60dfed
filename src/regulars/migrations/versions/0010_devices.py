"""Devices of shops.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "store_devices",
        sa.Column("device_id", UUID(as_uuid=True), nullable=False),
        sa.Column("key_hash", sa.LargeBinary, nullable=False),
        sa.Column("store_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("enrolled_by", sa.Text, nullable=False),
        sa.Column("enrolled_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.PrimaryKeyConstraint("device_id", name="store_devices_pkey"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name="store_devices_store_id_fkey"),
        sa.CheckConstraint("octet_length(key_hash) = 32", name="store_devices_key_hash_check"),
    )
    op.create_index("store_devices_key_hash_key", "store_devices", ["key_hash"], unique=True)
    op.create_index("store_devices_store_id_idx", "store_devices", ["store_id"])
    op.create_table(
        "device_enrolments",
        sa.Column("code_hash", sa.LargeBinary, nullable=False),
        sa.Column("store_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.PrimaryKeyConstraint("code_hash", name="device_enrolments_pkey"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name="device_enrolments_store_id_fkey"),
    )
    op.create_index("device_enrolments_expires_at_idx", "device_enrolments", ["expires_at"])


def downgrade() -> None:
    """Drop everything."""
    op.drop_table("device_enrolments")
    op.drop_table("store_devices")
