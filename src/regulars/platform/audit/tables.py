"""The audit log and its seals: append-only, which triggers see to; see docs/audit.md."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, Sequence, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from regulars.platform.db.schema import TransactionId, metadata

# Who looked at whom; see `store/reads.py`.
LOOKS = "action IN ('read_personal_data', 'read_messages', 'read_export', 'look_up_member', 'search_member')"

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
    Index("audit_entries_looked_at_idx", "subject", "entry_id", postgresql_where=text(LOOKS)),
    Index("audit_entries_looks_idx", "entry_id", postgresql_where=text(LOOKS)),
    Index("audit_entries_looked_idx", "actor", "entry_id", postgresql_where=text(LOOKS)),
)

# One seal closes a block of entries: their ids, in order, and a digest of each, end to end.
audit_seals = Table(
    "audit_seals",
    metadata,
    Column("seal_no", BigInteger, primary_key=True, autoincrement=False),
    Column("sealed_at", TIMESTAMP(timezone=True), nullable=False),
    Column("entry_ids", ARRAY(BigInteger), nullable=False),
    Column("entry_digests", LargeBinary, nullable=False),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("length(entry_digests) = 32 * cardinality(entry_ids)", name="entry_digests"),
    CheckConstraint("seal_no >= 1 AND cardinality(entry_ids) >= 1", name="block"),
)
