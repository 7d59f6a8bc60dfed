"""The outbox: every event, append-only, in the transaction of its change; and what became of it."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Sequence, Table, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from regulars.platform.db.schema import TransactionId, metadata

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
    Column("traceparent", Text),  # of the trace it came of, where traces are wanted
    Index("outbox_transaction_id_idx", "transaction_id"),
)

# A handler's effects and its mark commit together, so that no replay has effects twice.
handled_events = Table(
    "handled_events",
    metadata,
    Column("event_id", UUID(as_uuid=True), primary_key=True),
    Column("handler", Text, primary_key=True),
)

# `retrying` events failed and are tried again at `next_attempt_at` (wall clock); `parked` ones wait for a person;
# `waiting` ones stand behind an earlier event of their member.
parked_events = Table(
    "parked_events",
    metadata,
    Column("handler", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("reader", Text, nullable=False),
    Column("member_id", UUID(as_uuid=True)),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", TIMESTAMP(timezone=True)),
    Column("error", Text, nullable=False),
    Column("parked_at", TIMESTAMP(timezone=True), nullable=False),
    CheckConstraint("state IN ('retrying', 'parked', 'waiting')", name="state"),
    CheckConstraint("(state = 'retrying') = (next_attempt_at IS NOT NULL)", name="next_attempt_at"),
    Index("parked_events_reader_next_attempt_at_idx", "reader", "next_attempt_at"),
    Index("parked_events_handler_member_id_seq_idx", "handler", "member_id", "seq"),
)
