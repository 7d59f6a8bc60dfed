"""Exports: everything about a member, sealed, for a week; and indexes of who looked at whom.

Revision: 0019, after 0018.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)

LOOKS = "action IN ('read_personal_data', 'read_messages', 'read_export', 'look_up_member', 'search_member')"


def upgrade() -> None:
    """Let members have what is known of them."""
    op.create_table(
        "member_exports",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("export_id", UUID(as_uuid=True), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("ready_at", INSTANT),
        sa.Column("sealed_document", sa.LargeBinary),
        sa.PrimaryKeyConstraint("member_id", "export_id", name="member_exports_pkey"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="member_exports_member_id_fkey"),
        sa.CheckConstraint("(ready_at IS NULL) = (sealed_document IS NULL)", name="member_exports_ready_at_check"),
    )
    op.create_index(
        "member_exports_waiting_idx", "member_exports", ["asked_at"], postgresql_where=sa.text("ready_at IS NULL")
    )
    op.create_index("member_exports_expires_at_idx", "member_exports", ["expires_at"])
    for name, column in (("audit_entries_looked_at_idx", "subject"), ("audit_entries_looked_idx", "actor")):
        op.create_index(name, "audit_entries", [column, "entry_id"], postgresql_where=sa.text(LOOKS))


def downgrade() -> None:
    """Take it back; exports go."""
    op.drop_index("audit_entries_looked_idx", "audit_entries")
    op.drop_index("audit_entries_looked_at_idx", "audit_entries")
    op.drop_table("member_exports")
