"""Messages: how often one may have reached its provider, addresses asked and refused, codes counted by the hour.

Revision: 0016, after 0015.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)
KINDS = "'code', 'receipt', 'return_settled', 'tier_up', 'expiring_points'"


def upgrade() -> None:
    """Add a column and two tables, and let one more kind in."""
    op.add_column("messages", sa.Column("handed_over", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.drop_constraint("messages_kind_check", "messages")
    op.create_check_constraint("messages_kind_check", "messages", f"kind IN ({KINDS}, 'confirm_address')")
    op.create_table(
        "mail_standings",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("address_hash", sa.LargeBinary, nullable=False),
        sa.Column("asked_at", INSTANT),
        sa.Column("refused_at", INSTANT),
        sa.Column("answer", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.PrimaryKeyConstraint("member_id", "address_hash", name="mail_standings_pkey"),
    )
    op.create_table(
        "code_tallies",
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("hour", INSTANT, nullable=False),
        sa.Column("sent", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("channel", "hour", name="code_tallies_pkey"),
    )


def downgrade() -> None:
    """Take it all back; messages of the new kind go."""
    op.drop_table("code_tallies")
    op.drop_table("mail_standings")
    op.execute("DELETE FROM messages WHERE kind = 'confirm_address'")
    op.drop_constraint("messages_kind_check", "messages")
    op.create_check_constraint("messages_kind_check", "messages", f"kind IN ({KINDS})")
    op.drop_column("messages", "handed_over")
