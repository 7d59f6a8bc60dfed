"""The members' tables, and the markets they stand in.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Create everything."""
    create_markets()
    create_members()
    create_identities()
    create_profiles()
    create_consents()


def create_markets() -> None:
    op.create_table(
        "markets",
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("country", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("privacy_regime", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("code", name="markets_pkey"),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="markets_country_check"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="markets_currency_check"),
    )


def create_members() -> None:
    op.create_table(
        "members",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("signed_up_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("store_id", sa.Text),
        sa.PrimaryKeyConstraint("member_id", name="members_pkey"),
        sa.ForeignKeyConstraint(["market"], ["markets.code"], name="members_market_fkey"),
        sa.CheckConstraint("status IN ('active')", name="members_status_check"),
    )
    op.create_table(
        "member_vault",
        sa.Column("only_row", sa.SmallInteger, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("only_row", name="member_vault_pkey"),
        sa.CheckConstraint("only_row = 1", name="member_vault_only_row_check"),
    )


def create_identities() -> None:
    op.create_table(
        "identities",
        sa.Column("blind_index", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint("blind_index", name="identities_pkey"),
    )
    op.create_table(
        "member_identities",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("identity_id", UUID(as_uuid=True), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("blind_index", sa.LargeBinary, nullable=False),
        sa.Column("sealed_value", sa.LargeBinary, nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.Column("verified_at", INSTANT),
        sa.PrimaryKeyConstraint("member_id", "identity_id", name="member_identities_pkey"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="member_identities_member_id_fkey"),
        sa.CheckConstraint(
            "kind IN ('phone', 'email', 'card', 'external', 'openid')", name="member_identities_kind_check"
        ),
    )
    op.create_index(
        "member_identities_member_id_blind_index_key", "member_identities", ["member_id", "blind_index"], unique=True
    )


def create_profiles() -> None:
    op.create_table(
        "member_profiles",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sealed_profile", sa.LargeBinary, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("member_id", name="member_profiles_pkey"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="member_profiles_member_id_fkey"),
        sa.CheckConstraint("version >= 1", name="member_profiles_version_check"),
    )


def create_consents() -> None:
    op.create_table(
        "consents",
        sa.Column("member_id", UUID(as_uuid=True), nullable=False),
        sa.Column("consent_id", UUID(as_uuid=True), nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("wording_version", sa.Text, nullable=False),
        sa.Column("made_in", sa.Text, nullable=False),
        sa.Column("store_id", sa.Text),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("effective_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("member_id", "consent_id", name="consents_pkey"),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name="consents_member_id_fkey"),
        sa.CheckConstraint(
            "purpose IN ('service', 'marketing', 'research', 'profiling', 'sharing')", name="consents_purpose_check"
        ),
        sa.CheckConstraint(
            "channel IN ('email', 'sms', 'push', 'wechat', 'phone', 'post', 'any')", name="consents_channel_check"
        ),
        sa.CheckConstraint("decision IN ('given', 'withdrawn')", name="consents_decision_check"),
    )
