"""Members who get in by a code, and the codes of their cards.

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Create everything."""
    create_codes()
    create_sessions()
    create_used_card_codes()


def create_codes() -> None:
    op.create_table(
        "access_codes",
        sa.Column("ticket_id", UUID(as_uuid=True), nullable=False),
        sa.Column("code_hash", sa.LargeBinary, nullable=False),
        sa.Column("tries", sa.SmallInteger, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("proved_at", INSTANT),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("ticket_id", name="access_codes_pkey"),
        sa.CheckConstraint("finished_at IS NULL OR proved_at IS NOT NULL", name="access_codes_finished_at_check"),
    )
    op.create_index("access_codes_expires_at_idx", "access_codes", ["expires_at"])


def create_sessions() -> None:
    op.create_table(
        "member_sessions",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("session_id", UUID(as_uuid=True), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("remembered", sa.Boolean, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("member_id", "session_id", name="member_sessions_pkey"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="member_sessions_member_id_fkey"),
        sa.CheckConstraint("octet_length(secret_hash) = 32", name="member_sessions_secret_hash_check"),
    )
    op.create_index("member_sessions_expires_at_idx", "member_sessions", ["expires_at"])


def create_used_card_codes() -> None:
    op.create_table(
        "used_card_codes",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("member_id", "content", name="used_card_codes_pkey"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="used_card_codes_member_id_fkey"),
    )
    op.create_index("used_card_codes_expires_at_idx", "used_card_codes", ["expires_at"])


def downgrade() -> None:
    """Drop everything."""
    for table in ("used_card_codes", "member_sessions", "access_codes"):
        op.drop_table(table)
