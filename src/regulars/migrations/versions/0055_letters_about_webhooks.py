"""Letters to staff about webhooks that were disabled.

Revision: 0055, after 0054.
"""

from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

KINDS = (
    "'code', 'receipt', 'return_settled', 'tier_up', 'expiring_points', 'confirm_address', 'confirm_consent', "
    "'points_sent', 'points_received', 'points_taken_back'"
)


def upgrade() -> None:
    """Let messages be of this kind, too."""
    op.drop_constraint("messages_kind_check", "messages")
    op.create_check_constraint("messages_kind_check", "messages", f"kind IN ({KINDS}, 'webhook_disabled')")


def downgrade() -> None:
    """Know it no more: its messages go, they were told."""
    op.execute("DELETE FROM messages WHERE kind = 'webhook_disabled'")
    op.drop_constraint("messages_kind_check", "messages")
    op.create_check_constraint("messages_kind_check", "messages", f"kind IN ({KINDS})")
