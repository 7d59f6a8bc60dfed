"""API keys, and a count of their changes.

Configuration, not members' data: reference tables on a cluster.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

from regulars.platform.db.schema import metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", UUID(as_uuid=True), primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("label", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    Column("last_used_on", Date),
    Column("expires_at", TIMESTAMP(timezone=True)),
    Column("revoked_at", TIMESTAMP(timezone=True)),
    Column("made_by", Text, nullable=False, server_default=text("''")),
    Column("staff_id", UUID(as_uuid=True), ForeignKey("staff_accounts.staff_id")),
    Column("networks", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("requests_per_second", Integer),
    Column("rotated_at", TIMESTAMP(timezone=True)),
    # The secret before the last rotation, and until when it is good.
    Column("previous_hash", LargeBinary),
    Column("previous_until", TIMESTAMP(timezone=True)),
    # Who rotated it, and so was shown a secret of it.
    Column("rotated_by", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    # The version of the API that it speaks, a date. The release before knew one alone and names none.
    Column("api_version", Text, nullable=False, server_default=text("'2026-11-01'")),
    CheckConstraint("octet_length(secret_hash) = 32", name="secret_hash"),
    CheckConstraint("octet_length(previous_hash) = 32", name="previous_hash"),
    CheckConstraint("(previous_hash IS NULL) = (previous_until IS NULL)", name="previous_until"),
    CheckConstraint("requests_per_second >= 0", name="requests_per_second"),
    CheckConstraint("cardinality(scopes) > 0", name="scopes"),
    CheckConstraint("api_version ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'", name="api_version"),
)

# One row, counted up by every change of a key, in its transaction: whoever remembers keys reads this one number to
# learn whether what it remembers still holds.
api_key_revision = Table(
    "api_key_revision",
    metadata,
    Column("only_row", SmallInteger, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    CheckConstraint("only_row = 1", name="only_row"),
)
