"""Staff who sign in, and attempts that are counted.

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Create everything."""
    create_attempts()
    create_accounts()
    create_sessions()
    create_links()


def create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("bucket", sa.Text, nullable=False),
        sa.Column("subject", sa.LargeBinary, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("attempted_at", INSTANT, nullable=False),
        sa.Column("blocked_until", INSTANT),
        sa.PrimaryKeyConstraint("bucket", "subject", name="attempts_pkey"),
        sa.CheckConstraint("attempts >= 0", name="attempts_attempts_check"),
    )
    op.create_index("attempts_attempted_at_idx", "attempts", ["attempted_at"])


def create_accounts() -> None:
    op.create_table(
        "staff_accounts",
        sa.Column("staff_id", UUID(as_uuid=True), nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("roles", ARRAY(sa.Text), nullable=False),
        sa.Column("stores", ARRAY(sa.Text)),
        sa.Column("password_hash", sa.Text),
        sa.Column("sealed_totp", sa.LargeBinary),
        sa.Column("totp_step", sa.BigInteger, nullable=False),
        sa.Column("single_factor", sa.Text),
        sa.Column("oidc_subject", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("signed_in_at", INSTANT),
        sa.PrimaryKeyConstraint("staff_id", name="staff_accounts_pkey"),
        sa.CheckConstraint("email = lower(email)", name="staff_accounts_email_check"),
        sa.CheckConstraint("status IN ('invited', 'active', 'disabled')", name="staff_accounts_status_check"),
        sa.CheckConstraint("cardinality(roles) > 0", name="staff_accounts_roles_check"),
        sa.CheckConstraint("cardinality(stores) > 0", name="staff_accounts_stores_check"),
        sa.CheckConstraint(
            "password_hash IS NULL OR sealed_totp IS NOT NULL OR single_factor IS NOT NULL",
            name="staff_accounts_second_factor_check",
        ),
    )
    op.create_index("staff_accounts_email_key", "staff_accounts", ["email"], unique=True)
    op.create_table(
        "staff_recovery_codes",
        sa.Column("staff_id", UUID(as_uuid=True), nullable=False),
        sa.Column("code_hash", sa.LargeBinary, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.PrimaryKeyConstraint("staff_id", "code_hash", name="staff_recovery_codes_pkey"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_accounts.staff_id"], name="staff_recovery_codes_staff_id_fkey"),
    )


def create_sessions() -> None:
    op.create_table(
        "staff_sessions",
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("session_id", UUID(as_uuid=True), nullable=False),
        sa.Column("staff_id", UUID(as_uuid=True), nullable=False),
        sa.Column("how", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="staff_sessions_pkey"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_accounts.staff_id"], name="staff_sessions_staff_id_fkey"),
        sa.CheckConstraint("octet_length(token_hash) = 32", name="staff_sessions_token_hash_check"),
    )
    op.create_table(
        "staff_steps",
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("staff_id", UUID(as_uuid=True), nullable=False),
        sa.Column("tries", sa.SmallInteger, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="staff_steps_pkey"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_accounts.staff_id"], name="staff_steps_staff_id_fkey"),
    )
    for table in ("staff_sessions", "staff_steps"):
        op.create_index(f"{table}_staff_id_idx", table, ["staff_id"])
        op.create_index(f"{table}_expires_at_idx", table, ["expires_at"])


def create_links() -> None:
    op.create_table(
        "staff_links",
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("staff_id", UUID(as_uuid=True), nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("sealed_totp", sa.LargeBinary),
        sa.Column("tries", sa.SmallInteger, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.PrimaryKeyConstraint("token_hash", name="staff_links_pkey"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_accounts.staff_id"], name="staff_links_staff_id_fkey"),
    )
    op.create_index("staff_links_staff_id_idx", "staff_links", ["staff_id"])
    op.create_index("staff_links_expires_at_idx", "staff_links", ["expires_at"])
    op.create_table(
        "staff_oidc_flows",
        sa.Column("state_hash", sa.LargeBinary, nullable=False),
        sa.Column("browser_hash", sa.LargeBinary, nullable=False),
        sa.Column("sealed_flow", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name="staff_oidc_flows_pkey"),
    )
    op.create_index("staff_oidc_flows_expires_at_idx", "staff_oidc_flows", ["expires_at"])


def downgrade() -> None:
    """Drop everything."""
    for table in (
        "staff_oidc_flows",
        "staff_links",
        "staff_steps",
        "staff_sessions",
        "staff_recovery_codes",
        "staff_accounts",
        "attempts",
    ):
        op.drop_table(table)
