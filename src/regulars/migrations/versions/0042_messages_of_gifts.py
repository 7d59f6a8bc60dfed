"""Messages about points that members give to each other.

Revision: 0042, after 0041.
"""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

KINDS = "'code', 'receipt', 'return_settled', 'tier_up', 'expiring_points', 'confirm_address', 'confirm_consent'"


def upgrade() -> None:
    """Let messages be of these kinds, too."""
    op.drop_constraint("messages_kind_check", "messages")
    op.create_check_constraint(
        "messages_kind_check",
        "messages",
        f"kind IN ({KINDS}, 'points_sent', 'points_received', 'points_taken_back')",
    )


def downgrade() -> None:
    """Know them no more: messages of them go, they were told."""
    op.execute("DELETE FROM messages WHERE kind IN ('points_sent', 'points_received', 'points_taken_back')")
    op.drop_constraint("messages_kind_check", "messages")
    op.create_check_constraint("messages_kind_check", "messages", f"kind IN ({KINDS})")
