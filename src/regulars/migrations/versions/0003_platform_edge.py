"""The edge's tables: stored answers of mutations, API keys.

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Create everything."""
    create_answers()
    create_keys()


def create_answers() -> None:
    op.create_table(
        "idempotency_answers",
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("request_hash", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("client", "key", name="idempotency_answers_pkey"),
    )
    op.create_index(
        "idempotency_answers_written_at_idx", "idempotency_answers", ["written_at"], postgresql_using="brin"
    )


def create_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("key_id", UUID(as_uuid=True), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("last_used_on", sa.Date),
        sa.Column("expires_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.PrimaryKeyConstraint("key_id", name="api_keys_pkey"),
        sa.CheckConstraint("octet_length(secret_hash) = 32", name="api_keys_secret_hash_check"),
        sa.CheckConstraint("cardinality(scopes) > 0", name="api_keys_scopes_check"),
    )
    op.create_table(
        "api_key_revision",
        sa.Column("only_row", sa.SmallInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("only_row", name="api_key_revision_pkey"),
        sa.CheckConstraint("only_row = 1", name="api_key_revision_only_row_check"),
    )
