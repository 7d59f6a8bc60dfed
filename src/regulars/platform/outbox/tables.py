"""The outbox: every event, append-only, in the transaction of its change."""

from sqlalchemy import BigInteger, Column, Index, Sequence, Table, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID
from sqlalchemy.types import UserDefinedType

from regulars.platform.db.schema import metadata


class TransactionId(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Return the type's name in SQL."""
        return "xid8"


outbox_seq = Sequence("outbox_seq", metadata=metadata)
outbox = Table(
    "outbox",
    metadata,
    Column("seq", BigInteger, outbox_seq, primary_key=True, server_default=outbox_seq.next_value()),
    Column("transaction_id", TransactionId, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("event_id", UUID(as_uuid=True), nullable=False),
    Column("type", Text, nullable=False),
    Column("member_id", UUID(as_uuid=True)),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    Column("payload", Text, nullable=False),
    Index("outbox_transaction_id_idx", "transaction_id"),
)
