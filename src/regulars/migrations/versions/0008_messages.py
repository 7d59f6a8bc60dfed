"""Messages to members: occasions, messages, and how far expiry notices have been given.

Revision: 0008, after 0007.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CREATE_OCCASIONS = """
CREATE TABLE message_occasions (
    member_id UUID NOT NULL,
    occasion_id UUID NOT NULL,
    facts TEXT NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at TIMESTAMPTZ,
    CONSTRAINT message_occasions_pkey PRIMARY KEY (member_id, occasion_id)
)
"""

CREATE_MESSAGES = """
CREATE TABLE messages (
    recipient_id UUID NOT NULL,
    message_id UUID NOT NULL,
    to_member BOOLEAN NOT NULL,
    kind TEXT NOT NULL,
    channel TEXT NOT NULL,
    language TEXT NOT NULL,
    state TEXT NOT NULL,
    urgency SMALLINT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at TIMESTAMPTZ,
    send_until TIMESTAMPTZ NOT NULL,
    sealed_content BYTEA,
    sealed_address BYTEA,
    answer TEXT NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    written_at TIMESTAMPTZ NOT NULL,
    sent_at TIMESTAMPTZ,
    read_at TIMESTAMPTZ,
    CONSTRAINT messages_pkey PRIMARY KEY (recipient_id, message_id),
    CONSTRAINT messages_kind_check
        CHECK (kind IN ('code', 'receipt', 'return_settled', 'tier_up', 'expiring_points')),
    CONSTRAINT messages_channel_check CHECK (channel IN ('email', 'sms', 'inbox')),
    CONSTRAINT messages_state_check CHECK (state IN ('queued', 'sent', 'parked', 'failed')),
    CONSTRAINT messages_due_at_check CHECK ((state = 'queued') = (due_at IS NOT NULL)),
    CONSTRAINT messages_sent_at_check CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    CONSTRAINT messages_recipient_id_check CHECK (to_member OR recipient_id = message_id)
)
"""

CREATE_NOTICES = """
CREATE TABLE expiry_notices (
    time_zone TEXT NOT NULL,
    told_until TIMESTAMPTZ NOT NULL,
    told_member UUID,
    CONSTRAINT expiry_notices_pkey PRIMARY KEY (time_zone)
)
"""


def upgrade() -> None:
    """Create everything."""
    op.execute(CREATE_OCCASIONS)
    op.execute("CREATE INDEX message_occasions_due_at_idx ON message_occasions (due_at)")
    op.execute(CREATE_MESSAGES)
    op.execute("CREATE INDEX messages_due_idx ON messages (channel, urgency, due_at) WHERE state = 'queued'")
    op.execute("CREATE INDEX messages_message_id_idx ON messages (message_id)")
    op.execute("CREATE INDEX messages_stuck_idx ON messages (message_id) WHERE state IN ('parked', 'failed')")
    op.execute(
        "CREATE INDEX messages_unread_idx ON messages (recipient_id) WHERE channel = 'inbox' AND read_at IS NULL"
    )
    op.execute(CREATE_NOTICES)


def downgrade() -> None:
    """Drop everything."""
    op.execute("DROP TABLE expiry_notices")
    op.execute("DROP TABLE messages")
    op.execute("DROP TABLE message_occasions")
