"""Who counted as whom in the roll-up of who bought again; figures of merged members begin anew.

Revision: 0035, after 0034.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table. Where members were merged, the roll-ups counted them twice: they are computed anew."""
    op.create_table(
        "bought_as",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("person_id", UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id", name="bought_as_pkey"),
    )
    op.create_index("bought_as_person_id_idx", "bought_as", ["person_id"])
    op.execute(
        "DELETE FROM relay_cursors WHERE starts_with(reader, 'roll-up of ') "
        "AND EXISTS (SELECT FROM members WHERE merged_into IS NOT NULL)"
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("bought_as")
