"""Whose an API key is: who made it, and the member of staff for whom.

Revision: 0047, after 0046.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of keys that are there nobody knows."""
    op.add_column("api_keys", sa.Column("made_by", sa.Text, nullable=False, server_default=sa.text("''")))
    op.add_column("api_keys", sa.Column("staff_id", UUID(as_uuid=True)))
    op.create_foreign_key("api_keys_staff_id_fkey", "api_keys", "staff_accounts", ["staff_id"], ["staff_id"])


def downgrade() -> None:
    """Take them back."""
    op.drop_constraint("api_keys_staff_id_fkey", "api_keys")
    op.drop_column("api_keys", "staff_id")
    op.drop_column("api_keys", "made_by")
