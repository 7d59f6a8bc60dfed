"""Webhooks: endpoints, events kept for them, deliveries and their attempts.

Revision: 0049, after 0048.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "webhook_endpoints",
        sa.Column("endpoint_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("types", ARRAY(sa.Text), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("disabled_for", sa.Text),
        sa.Column("disabled_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary, nullable=False),
        sa.Column("sealed_old_secret", sa.LargeBinary),
        sa.Column("old_secret_until", INSTANT),
        sa.Column("failures", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("failing_since", INSTANT),
        sa.Column("next_try_at", INSTANT),
        sa.Column("delivered_at", INSTANT),
        sa.CheckConstraint("state IN ('active', 'disabled')", name="webhook_endpoints_state_check"),
        sa.CheckConstraint(
            "disabled_for IN ('by_hand', 'gone', 'failing')", name="webhook_endpoints_disabled_for_check"
        ),
        sa.CheckConstraint(
            "(state = 'disabled') = (disabled_for IS NOT NULL) AND (state = 'disabled') = (disabled_at IS NOT NULL)",
            name="webhook_endpoints_disabled_check",
        ),
        sa.CheckConstraint("(failures = 0) = (failing_since IS NULL)", name="webhook_endpoints_failing_since_check"),
        sa.CheckConstraint(
            "(sealed_old_secret IS NULL) = (old_secret_until IS NULL)", name="webhook_endpoints_old_secret_check"
        ),
    )
    op.create_table(
        "webhook_events",
        sa.Column("event_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("member_id", UUID(as_uuid=True)),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.execute(sa.schema.CreateSequence(sa.Sequence("webhook_position_seq")))
    _deliveries()
    op.create_table(
        "webhook_attempts",
        sa.Column("delivery_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("took_ms", sa.Integer, nullable=False),
        sa.Column("status", sa.SmallInteger),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )


def _deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("delivery_id", UUID(as_uuid=True), primary_key=True),
        sa.Column("endpoint_id", UUID(as_uuid=True), nullable=False),
        sa.Column("event_id", UUID(as_uuid=True), nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("line", UUID(as_uuid=True), nullable=False),
        sa.Column(
            "position",
            sa.BigInteger,
            nullable=False,
            server_default=sa.text("nextval('webhook_position_seq'::regclass)"),
        ),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.SmallInteger, nullable=False),
        sa.Column("queued_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT),
        sa.Column("first_tried_at", INSTANT),
        sa.Column("settled_at", INSTANT),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="webhook_deliveries_state_check"),
        sa.CheckConstraint("(state = 'pending') = (due_at IS NOT NULL)", name="webhook_deliveries_due_at_check"),
        sa.CheckConstraint("(state = 'pending') = (settled_at IS NULL)", name="webhook_deliveries_settled_at_check"),
    )
    pending, failed = sa.text("state = 'pending'"), sa.text("state = 'failed'")
    op.create_index("webhook_deliveries_event_idx", "webhook_deliveries", ["event_id", "endpoint_id"], unique=True)
    op.create_index("webhook_deliveries_log_idx", "webhook_deliveries", ["endpoint_id", "position"])
    op.create_index("webhook_deliveries_line_idx", "webhook_deliveries", ["endpoint_id", "line", "position"])
    op.create_index(
        "webhook_deliveries_due_idx", "webhook_deliveries", ["endpoint_id", "due_at"], postgresql_where=pending
    )
    op.create_index(
        "webhook_deliveries_first_idx",
        "webhook_deliveries",
        ["endpoint_id", "line", "position"],
        postgresql_where=pending,
    )
    op.create_index(
        "webhook_deliveries_failed_idx", "webhook_deliveries", ["endpoint_id", "position"], postgresql_where=failed
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("webhook_attempts")
    op.drop_table("webhook_deliveries")
    op.execute(sa.schema.DropSequence(sa.Sequence("webhook_position_seq")))
    op.drop_table("webhook_events")
    op.drop_table("webhook_endpoints")
