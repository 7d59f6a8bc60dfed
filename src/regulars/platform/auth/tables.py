"""API keys, and a count of their changes.

Configuration, not members' data: reference tables on a cluster.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
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
    CheckConstraint("octet_length(secret_hash) = 32", name="secret_hash"),
    CheckConstraint("cardinality(scopes) > 0", name="scopes"),
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
