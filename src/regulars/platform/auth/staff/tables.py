"""Staff: accounts, what they are recognised by, where they are signed in. Local to the coordinator.

E-mail addresses of staff stand in the clear: they are work addresses, and an owner must be able to read the list.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, LargeBinary, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

staff_accounts = Table(
    "staff_accounts",
    metadata,
    Column("staff_id", UUID(as_uuid=True), primary_key=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("stores", ARRAY(Text)),
    Column("password_hash", Text),
    Column("sealed_totp", LargeBinary),
    Column("totp_step", BigInteger, nullable=False),
    Column("single_factor", Text),
    Column("oidc_subject", Text),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    Column("signed_in_at", TIMESTAMP(timezone=True)),
    Index("staff_accounts_email_key", "email", unique=True),
    CheckConstraint("email = lower(email)", name="email"),
    CheckConstraint("status IN ('invited', 'active', 'disabled')", name="status"),
    CheckConstraint("cardinality(roles) > 0", name="roles"),
    CheckConstraint("cardinality(stores) > 0", name="stores"),
    # Who signs in by password has a second factor, but for accounts that say why they have none.
    CheckConstraint(
        "password_hash IS NULL OR sealed_totp IS NOT NULL OR single_factor IS NOT NULL", name="second_factor"
    ),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("session_id", UUID(as_uuid=True), nullable=False),
    Column("staff_id", UUID(as_uuid=True), ForeignKey("staff_accounts.staff_id"), nullable=False),
    Column("how", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("made_at", TIMESTAMP(timezone=True), nullable=False),
    Column("last_seen_at", TIMESTAMP(timezone=True), nullable=False),
    Column("expires_at", TIMESTAMP(timezone=True), nullable=False),
    Index(None, "staff_id"),
    Index(None, "expires_at"),
    CheckConstraint("octet_length(token_hash) = 32", name="token_hash"),
)

# The password was right, the code is still to come.
staff_steps = Table(
    "staff_steps",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("staff_id", UUID(as_uuid=True), ForeignKey("staff_accounts.staff_id"), nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("expires_at", TIMESTAMP(timezone=True), nullable=False),
    Index(None, "staff_id"),
    Index(None, "expires_at"),
)

staff_recovery_codes = Table(
    "staff_recovery_codes",
    metadata,
    Column("staff_id", UUID(as_uuid=True), ForeignKey("staff_accounts.staff_id"), primary_key=True),
    Column("code_hash", LargeBinary, primary_key=True),
    Column("used_at", TIMESTAMP(timezone=True)),
)

# One-time links. Password and second factor wait here until the first code proves that the phone has the secret, so
# that a link that is not followed to its end changes nothing.
staff_links = Table(
    "staff_links",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("staff_id", UUID(as_uuid=True), ForeignKey("staff_accounts.staff_id"), nullable=False),
    Column("password_hash", Text),
    Column("sealed_totp", LargeBinary),
    Column("tries", SmallInteger, nullable=False),
    Column("expires_at", TIMESTAMP(timezone=True), nullable=False),
    Column("used_at", TIMESTAMP(timezone=True)),
    Index(None, "staff_id"),
    Index(None, "expires_at"),
)
