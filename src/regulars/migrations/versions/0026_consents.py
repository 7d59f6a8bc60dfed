"""Consents: confirmed from the address itself, in words that are kept; a log of everybody's decisions and erasures.

Revision: 0026, after 0025.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)
CONFIRMATION = (
    "confirmation IS NULL OR (confirmation IN ('link', 'code', 'elsewhere') AND decision IN ('given', 'lapsed'))"
)
KINDS = "'code', 'receipt', 'return_settled', 'tier_up', 'expiring_points', 'confirm_address'"
LOOKS = "action IN ('read_personal_data', 'read_messages', 'read_export', 'look_up_member', 'search_member')"


def upgrade() -> None:
    """Let consents wait for their confirmation."""
    for name, kind in (
        ("language", sa.Text),
        ("confirmation", sa.Text),
        ("identity_id", UUID(as_uuid=True)),
        ("request_id", UUID(as_uuid=True)),
    ):
        op.add_column("consents", sa.Column(name, kind))
    op.drop_constraint("consents_decision_check", "consents")
    for name, condition in (
        ("decision", "decision IN ('given', 'withdrawn', 'requested', 'lapsed')"),
        (
            "confirmation",
            CONFIRMATION,
        ),
        ("identity_id", "decision <> 'requested' OR identity_id IS NOT NULL"),
        ("request_id", "request_id IS NULL OR (decision = 'given' AND confirmation = 'link')"),
    ):
        op.create_check_constraint(f"consents_{name}_check", "consents", condition)
    op.create_index(
        "consents_request_id_key",
        "consents",
        ["member_id", "request_id"],
        unique=True,
        postgresql_where=sa.text("request_id IS NOT NULL"),
    )
    op.create_index("consents_recorded_at_idx", "consents", ["recorded_at", "consent_id"])
    op.create_index("consents_purpose_idx", "consents", ["purpose", "channel", "recorded_at", "consent_id"])
    op.create_table(
        "consent_requests",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("consent_id", UUID(as_uuid=True), nullable=False),
        sa.Column("letters", sa.Integer, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("token_hash", sa.LargeBinary),
        sa.PrimaryKeyConstraint("member_id", "consent_id", name="consent_requests_pkey"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="consent_requests_member_id_fkey"),
        sa.CheckConstraint("letters >= 1", name="consent_requests_letters_check"),
        sa.CheckConstraint("octet_length(token_hash) = 32", name="consent_requests_token_hash_check"),
    )
    op.create_index("consent_requests_expires_at_idx", "consent_requests", ["expires_at"])
    op.create_table(
        "consent_wordings",
        sa.Column("wording_version", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("wording", sa.Text, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("wording_version", "language", name="consent_wordings_pkey"),
    )
    op.drop_constraint("messages_kind_check", "messages")
    op.create_check_constraint("messages_kind_check", "messages", f"kind IN ({KINDS}, 'confirm_consent')")
    op.create_index("erasures_asked_at_idx", "erasures", ["asked_at", "erasure_id"])
    op.create_index("member_exports_asked_at_idx", "member_exports", ["asked_at", "export_id"])
    op.create_index("audit_entries_looks_idx", "audit_entries", ["entry_id"], postgresql_where=sa.text(LOOKS))


def downgrade() -> None:
    """Take it back; what only waited, or was told as text, goes."""
    op.drop_index("audit_entries_looks_idx", "audit_entries")
    op.drop_index("member_exports_asked_at_idx", "member_exports")
    op.drop_index("erasures_asked_at_idx", "erasures")
    op.execute("DELETE FROM messages WHERE kind = 'confirm_consent'")
    op.drop_constraint("messages_kind_check", "messages")
    op.create_check_constraint("messages_kind_check", "messages", f"kind IN ({KINDS})")
    op.drop_table("consent_wordings")
    op.drop_table("consent_requests")
    for name in ("consents_purpose_idx", "consents_recorded_at_idx", "consents_request_id_key"):
        op.drop_index(name, "consents")
    for name in ("request_id", "identity_id", "confirmation", "decision"):
        op.drop_constraint(f"consents_{name}_check", "consents")
    op.execute("UPDATE consents SET decision = 'withdrawn' WHERE decision IN ('requested', 'lapsed')")
    op.create_check_constraint("consents_decision_check", "consents", "decision IN ('given', 'withdrawn')")
    for name in ("request_id", "identity_id", "confirmation", "language"):
        op.drop_column("consents", name)
