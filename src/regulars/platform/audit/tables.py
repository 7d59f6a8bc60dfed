"""The audit log: append-only, sealed into a hash chain after commit."""

from sqlalchemy import BigInteger, Column, Index, Sequence, Table, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from regulars.platform.db.schema import metadata
from regulars.platform.outbox.tables import TransactionId

audit_entry_seq = Sequence("audit_entry_seq", metadata=metadata)
audit_entries = Table(
    "audit_entries",
    metadata,
    Column("entry_id", BigInteger, audit_entry_seq, primary_key=True, server_default=audit_entry_seq.next_value()),
    Column("transaction_id", TransactionId, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("written_at", TIMESTAMP(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("audit_entries_transaction_id_idx", "transaction_id"),
)
