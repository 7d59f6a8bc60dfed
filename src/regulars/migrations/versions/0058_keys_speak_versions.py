"""Keys are pinned to a version of the API.

Revision: 0058, after 0057.
"""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

# The one version there was until now: keys that are there speak it, and so do those that the release before makes.
UNTIL_NOW = "2026-11-01"


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "api_keys", sa.Column("api_version", sa.Text, nullable=False, server_default=sa.text(f"'{UNTIL_NOW}'"))
    )
    op.create_check_constraint(
        op.f("api_keys_api_version_check"), "api_keys", "api_version ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'"
    )


def downgrade() -> None:
    """Take it back: every key speaks what the release before speaks."""
    op.drop_constraint(op.f("api_keys_api_version_check"), "api_keys")
    op.drop_column("api_keys", "api_version")
