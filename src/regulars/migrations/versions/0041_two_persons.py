"""The database sees two persons where two are asked for; corrections that were asked for are paged by an index.

Revision: 0041, after 0040.
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

NAMES = ["member_id", "request_id", "asked_by"]


def upgrade() -> None:
    """Keep who asked beside who answered, tied to the request, and let nobody be both; of versions likewise."""
    op.create_unique_constraint("adjustment_requests_member_id_request_id_asked_by_key", "adjustment_requests", NAMES)
    op.create_index("adjustment_requests_asked_by_idx", "adjustment_requests", ["asked_by", "asked_at", "request_id"])
    op.add_column("adjustment_answers", sa.Column("asked_by", sa.Text))
    op.execute(
        "UPDATE adjustment_answers AS a SET asked_by = r.asked_by FROM adjustment_requests AS r "
        "WHERE r.member_id = a.member_id AND r.request_id = a.request_id"
    )
    op.alter_column("adjustment_answers", "asked_by", nullable=False)
    op.create_foreign_key(
        "adjustment_answers_member_id_request_id_asked_by_fkey",
        "adjustment_answers",
        "adjustment_requests",
        NAMES,
        NAMES,
    )
    op.create_check_constraint("adjustment_answers_two_persons_check", "adjustment_answers", "answered_by <> asked_by")
    op.create_check_constraint(
        "loyalty_policies_two_persons_check", "loyalty_policies", "approved_by = '' OR approved_by <> scheduled_by"
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_constraint("loyalty_policies_two_persons_check", "loyalty_policies")
    op.drop_column("adjustment_answers", "asked_by")
    op.drop_index("adjustment_requests_asked_by_idx", "adjustment_requests")
    op.drop_constraint("adjustment_requests_member_id_request_id_asked_by_key", "adjustment_requests")
